/**
 * The test layer of `OpenAI`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as OpenAI from "../OpenAI.ts"
import type { Script } from "./Script.ts"
import { make, type Options, Simulator } from "./Simulator.ts"

/**
 * `OpenAI` over a simulated wire, with the `Simulator` to look at it: the live code, the real SDK, and a server that
 * lives in this process and answers what the script says. Turns of the script that were never used fail the test when
 * the layer's scope closes.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Assistants, Threads, ThreadStore } from "effect-openai-threads"
 * import { OpenAITest, Script } from "effect-openai-threads/testing"
 *
 * const threads = Threads.layer.pipe(
 *   Layer.provide([ThreadStore.layerConversations, Assistants.layer([])]),
 *   Layer.provideMerge(OpenAITest.layer([Script.text("Hello.")]))
 * )
 * ```
 */
export const layer = (script: Script, options?: Options): Layer.Layer<OpenAI.OpenAI | Simulator> =>
  Layer.scopedContext(Effect.gen(function*() {
    const simulator = yield* make(script, options)
    const openai = yield* Effect.orDie(
      Layer.build(OpenAI.layer({ apiKey: Redacted.make("sk-simulated"), fetch: simulator.fetch }))
    )
    return Context.add(openai, Simulator, simulator)
  }))
