// The reference of the tool loop: written by hand over the SDK's stream, as OpenAI's guide shows it.
import SDK from "openai"

export const tools = [{
  type: "function",
  name: "weather",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
    additionalProperties: false
  }
}]

export const connect = (baseURL) => {
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  return async (model, weather) => {
    const input = [{ role: "user", content: "go" }]
    for (;;) {
      const events = await client.responses.create({ model, input, tools, stream: true })
      let text = ""
      const calls = []
      for await (const event of events) {
        if (event.type === "response.output_text.delta") text += event.delta
        else if (event.type === "response.output_item.done") {
          input.push(event.item)
          if (event.item.type === "function_call") calls.push(event.item)
        }
      }
      if (calls.length === 0) return text
      for (const { arguments: args, call_id } of calls) {
        input.push({ type: "function_call_output", call_id, output: JSON.stringify(weather(JSON.parse(args))) })
      }
    }
  }
}
