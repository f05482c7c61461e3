// @effect/ai-openai.
import { LanguageModel } from "@effect/ai"
import { OpenAiClient, OpenAiLanguageModel } from "@effect/ai-openai"
import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, ManagedRuntime, Redacted, Stream } from "effect"

export const connect = (baseUrl) => {
  const layer = OpenAiLanguageModel.layer({ model: "bench" }).pipe(
    Layer.provide(OpenAiClient.layer({ apiKey: Redacted.make("sk-bench"), apiUrl: baseUrl })),
    Layer.provide(FetchHttpClient.layer)
  )
  const runtime = ManagedRuntime.make(layer)
  return ({ onDelta, signal }) => {
    const read = Stream.runForEach(
      LanguageModel.streamText({ prompt: "go" }),
      (part) => part.type === "text-delta" ? Effect.sync(() => onDelta(part.delta)) : Effect.void
    )
    return runtime.runPromise(read, { signal })
  }
}
