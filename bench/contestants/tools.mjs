// Ours: a run with a toolkit.
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { Assistants, OpenAI, Run, Thread, Threads, ThreadStore } from "effect-openai-threads"

const toolkit = Toolkit.make(Tool.make("weather", {
  parameters: { city: Schema.String, days: Schema.Int },
  success: Schema.Struct({ celsius: Schema.Number })
}))

export const connect = (baseUrl) => {
  let weather
  const layer = Threads.layer.pipe(
    Layer.provide([ThreadStore.layerConversations, Assistants.layer([])]),
    Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-bench"), baseUrl })),
    Layer.merge(toolkit.toLayer({ weather: (parameters) => Effect.sync(() => weather(parameters)) }))
  )
  const runtime = ManagedRuntime.make(layer)
  let threads = 0
  return (model, handler) => {
    weather = handler
    const id = Thread.ThreadId.make(`conv_${threads++}`)
    return runtime.runPromise(
      Effect.flatMap(Threads.Threads, (threads) => Run.text(threads.run(id, { model, toolkit })))
    )
  }
}
