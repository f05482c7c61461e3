// @openai/agents.
import { Agent, OpenAIResponsesModel, run, setTracingDisabled } from "@openai/agents"
import SDK from "openai"

export const connect = (baseURL) => {
  setTracingDisabled(true)
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  const agent = new Agent({ name: "bench", model: new OpenAIResponsesModel(client, "bench") })
  return async ({ onDelta, signal }) => {
    const result = await run(agent, "go", { stream: true, signal })
    for await (const event of result) {
      if (event.type === "raw_model_stream_event" && event.data.type === "output_text_delta") onDelta(event.data.delta)
    }
    await result.completed
  }
}
