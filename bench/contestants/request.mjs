// Ours, one request without a thread: what is below the lock and the loop of a run.
import { Effect, ManagedRuntime, Redacted, Stream } from "effect"
import { OpenAI } from "effect-openai-threads"

export const connect = (baseUrl) => {
  const runtime = ManagedRuntime.make(OpenAI.layer({ apiKey: Redacted.make("sk-bench"), baseUrl }))
  return () =>
    runtime.runPromise(
      Effect.flatMap(
        OpenAI.OpenAI,
        ({ responses }) => Stream.runDrain(responses.stream({ model: "bench", input: "go" }))
      )
    )
}
