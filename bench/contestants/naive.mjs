// What an Effect program does first: the SDK's stream as a Stream.
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import SDK from "openai"

export const connect = (baseURL) => {
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  const runtime = ManagedRuntime.make(Layer.empty)
  return ({ onDelta, signal }) => {
    const open = Effect.tryPromise((signal) =>
      client.responses.create({ model: "bench", input: "go", stream: true }, { signal })
    )
    const events = Stream.unwrap(
      Effect.map(open, (events) => Stream.fromAsyncIterable(events, (error) => new Error("lost", { cause: error })))
    )
    const read = Stream.runForEach(
      events,
      (event) => event.type === "response.output_text.delta" ? Effect.sync(() => onDelta(event.delta)) : Effect.void
    )
    return runtime.runPromise(read, { signal })
  }
}
