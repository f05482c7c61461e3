// What is possible by way of the SDK: the loop of `sdk-tools` over its plain response, with the events parsed by hand.
import SDK from "openai"
import { tools } from "./sdk-tools.mjs"

const readEvents = async (response, onEvent) => {
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let rest = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + decoder.decode(value, { stream: true })).split("\n\n")
    rest = events.pop()
    for (const event of events) onEvent(JSON.parse(event.slice(event.indexOf("data: ") + 6)))
  }
}

export const connect = (baseURL) => {
  const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
  return async (model, weather) => {
    const input = [{ role: "user", content: "go" }]
    for (;;) {
      const { signal } = new AbortController()
      const asked = client.responses.create({ model, input, tools, stream: true }, { signal })
      let text = ""
      const calls = []
      await readEvents(await asked.asResponse(), (event) => {
        if (event.type === "response.output_text.delta") text += event.delta
        else if (event.type === "response.output_item.done") {
          input.push(event.item)
          if (event.item.type === "function_call") calls.push(event.item)
        }
      })
      if (calls.length === 0) return text
      for (const { arguments: args, call_id } of calls) {
        input.push({ type: "function_call_output", call_id, output: JSON.stringify(weather(JSON.parse(args))) })
      }
    }
  }
}
