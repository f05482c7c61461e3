import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Assistant, Assistants, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { ask } from "./patience.ts"

const over = (script: Script.Script) =>
  Threads.layer.pipe(
    Layer.provide([
      ThreadStore.layerConversations,
      Assistants.layer([Assistant.make({ id: "helper", model: "test-model" })])
    ]),
    Layer.provideMerge(OpenAITest.layer(script))
  )

it.effect("an answer is whole, or its error says what is missing", () =>
  Effect.forEach([1, 2, 3, 4, 5], (seed) =>
    Effect.gen(function*() {
      const { create } = yield* Threads.Threads
      const { id } = yield* create()
      const answer = yield* Effect.either(ask(id, "How are you?"))
      if (answer._tag === "Right") expect(answer.right).toBe("Fine, thank you.")
      else expect(answer.left._tag).toBe("ConnectionLost")
    }).pipe(
      // The same seed breaks the connection at the same byte.
      Effect.provide(over([
        Script.turn("Fine, thank you.", { fault: Script.chaos(seed, { only: ["none", "cut", "reset"] }) })
      ]))
    )))

it.effect("a refused connection is tried again", () =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    const { create } = yield* Threads.Threads
    const { id } = yield* create()
    yield* simulator.inject(Script.refuse)
    const fiber = yield* Effect.fork(ask(id, "Are you there?"))
    yield* simulator.advance("1 second")
    expect(yield* fiber).toBe("Yes.")
  }).pipe(Effect.provide(over(["Yes."]))))
