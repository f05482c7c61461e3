// The SDK's own helper, which keeps a snapshot of the response.
import SDK from "openai"

export const connect = (baseURL) => {
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  return async ({ onDelta, signal }) => {
    for await (const event of client.responses.stream({ model: "bench", input: "go" }, { signal })) {
      if (event.type === "response.output_text.delta") onDelta(event.delta)
    }
  }
}
