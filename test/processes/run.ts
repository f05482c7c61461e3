/** Drives a run in the background in a process of its own, and prints each event with the cursor behind it. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { Assistant, Assistants, Cursor, OpenAI, Thread, Threads, ThreadStore } from "effect-openai-threads"

const [url = "", thread = "", cursor] = process.argv.slice(2)

const print = (line: object) => Effect.sync(() => console.log(JSON.stringify(line)))

const toolkit = Toolkit.make(Tool.make("slow", { parameters: { text: Schema.String }, success: Schema.String }))
const handlers = toolkit.toLayer({
  slow: ({ text }) =>
    print({ made: text }).pipe(
      Effect.zipRight(cursor === undefined ? Effect.sleep("1 minute") : Effect.void),
      Effect.as(`slow ${text}`)
    )
})

const program = Effect.gen(function*() {
  const threads = yield* Threads.Threads
  const run = cursor === undefined
    ? threads.run(Thread.ThreadId.make(thread), { message: "Go", toolkit, background: true })
    : threads.resume(yield* Cursor.decode(cursor), { toolkit })
  yield* Stream.runForEach(run, (event) =>
    print({
      event: event._tag,
      cursor: Cursor.encode(Cursor.fromEvent(event)),
      ...(event._tag === "TextDelta" ? { delta: event.delta } : {}),
      ...(event._tag === "RunCompleted" ? { text: event.text } : {})
    }))
})

await Effect.runPromise(program.pipe(
  Effect.provide([
    handlers,
    Threads.layer.pipe(
      Layer.provide([ThreadStore.layerConversations, Assistants.layer([Assistant.make({ id: "a", model: "test" })])]),
      Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl: url }))
    )
  ])
))
