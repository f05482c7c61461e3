/** A simulated OpenAI on a port of this machine, and the environment that leads there. */
import { type Script, Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export const key = "sk-test-0123456789abcdef"

export const served = (
  script: Script.Script
): Effect.Effect<
  { readonly simulator: Simulator.Service; readonly env: Record<string, string>; readonly url: string },
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.make(script)
    const { url } = yield* Effect.orDie(simulator.serve())
    return { simulator, url, env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: key, OPENAI_MODEL: "test-model" } }
  })
