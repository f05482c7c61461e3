// Vercel's ai.
import { createOpenAI } from "@ai-sdk/openai"
import { streamText } from "ai"

export const connect = (baseURL) => {
  const model = createOpenAI({ apiKey: "sk-bench", baseURL }).responses("bench")
  return async ({ onDelta, signal }) => {
    const { textStream } = streamText({ model, prompt: "go", abortSignal: signal, maxRetries: 0 })
    for await (const delta of textStream) onDelta(delta)
  }
}
