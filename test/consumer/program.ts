/** A program in a project that has nothing but the packed package and its peers. */
import { Console, Effect, Layer, Stream } from "effect"
import { Assistant, Assistants, Run, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script } from "effect-openai-threads/testing"

const program = Effect.gen(function*() {
  const threads = yield* Threads.Threads
  const thread = yield* threads.create()
  const text = yield* Run.text(threads.run(thread.id, { message: "Are you there?" }))
  const messages = yield* Stream.runCount(threads.messages(thread.id))
  yield* Console.log(`${text} (${messages} messages in the thread)`)
})

const simulated = Threads.layer.pipe(
  Layer.provide(ThreadStore.layerConversations),
  Layer.provide(Assistants.layer([Assistant.make({ id: "consumer", model: "simulated-model" })])),
  Layer.provide(OpenAITest.layer([Script.text("Yes, I am here.")]))
)

await Effect.runPromise(program.pipe(Effect.provide(simulated)))
