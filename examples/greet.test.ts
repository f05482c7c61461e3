import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Assistant, Assistants, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { greet } from "./greet.ts"

const model = (script: Script.Script) =>
  Threads.layer.pipe(
    Layer.provide(ThreadStore.layerConversations),
    Layer.provide(Assistants.layer([Assistant.make({ id: "host", model: "test-model" })])),
    Layer.provideMerge(OpenAITest.layer(script))
  )

it.effect("greets, in one thread of two messages", () =>
  Effect.gen(function*() {
    expect(yield* greet("Ada")).toBe("Good morning, Ada.")
    const simulator = yield* Simulator.Simulator
    const [thread] = yield* simulator.threads
    expect(thread?.items.map((item) => item.role)).toEqual(["user", "assistant"])
  }).pipe(Effect.provide(model([Script.text("Good morning, Ada.")]))))

it.effect("fails with QuotaExceeded when the credit is used up", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(greet("Ada"))
    expect(error._tag).toBe("QuotaExceeded")
  }).pipe(Effect.provide(model([Script.httpError({ status: 429, code: "insufficient_quota" })]))))
