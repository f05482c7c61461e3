// The reference: plain iteration over the SDK's stream.
import SDK from "openai"

export const connect = (baseURL) => {
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  return async ({ onDelta, signal }) => {
    const events = await client.responses.create({ model: "bench", input: "go", stream: true }, { signal })
    for await (const event of events) {
      if (event.type !== "response.output_text.delta") continue
      const waiting = onDelta(event.delta)
      if (waiting !== undefined) await waiting
    }
  }
}
