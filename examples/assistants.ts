import { Effect, Layer } from "effect"
import { Assistant, Assistants, Run, Threads } from "effect-openai-threads"
import { fileURLToPath } from "node:url"

/** Assistants as values. */
export const values = Assistants.layer([
  Assistant.make({ id: "writer", instructions: "Write one short paragraph.", verbosity: "low" }),
  Assistant.make({ id: "critic", instructions: "Say in one sentence what is weak in the text before." })
])

/** The same from a JSON file; reading it needs a `FileSystem` and a `Path`. */
export const fromFile = Assistants.layerFile(fileURLToPath(new URL("./data/assistants.json", import.meta.url)))

/** Two assistants on one thread. */
export const writeAndReview = (topic: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create({ metadata: { topic } })
    const assistant = Assistant.AssistantId.make
    const text = yield* Run.text(threads.run(thread.id, { assistant: assistant("writer"), message: topic }))
    const review = yield* Run.text(threads.run(thread.id, { assistant: assistant("critic") }))
    return { text, review }
  })

export const threads = Threads.layer.pipe(Layer.provide(values))
