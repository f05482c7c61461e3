// What our contestants share: one runtime for the process, and a thread for each run, so that none waits for another. The
// threads are not created, because a run on a thread that is there is one request, as it is for the others.
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { Assistants, OpenAI, Thread, Threads, ThreadStore } from "effect-openai-threads"

export const connecting = (read, options = {}) => (baseUrl) => {
  const layer = Threads.layer.pipe(
    Layer.provide([ThreadStore.layerConversations, Assistants.layer([])]),
    Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-bench"), baseUrl }))
  )
  const runtime = ManagedRuntime.make(layer)
  let threads = 0
  return ({ onDelta, signal }) => {
    const id = Thread.ThreadId.make(`conv_${threads++}`)
    const run = Effect.flatMap(
      Threads.Threads,
      (threads) => read(threads.run(id, { ...options, model: "bench" }), onDelta)
    )
    return runtime.runPromise(run, { signal })
  }
}
