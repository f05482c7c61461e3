// What the server says: the events of a response that is one message, in the shape and the size that OpenAI gives them.
const item = "msg_0f60efc621c9344f006957e6b92914819482"
const at = { item_id: item, output_index: 0, content_index: 0 }

const response = (status, more = {}) => ({
  id: "resp_0f60efc621c9344f006957e6b8e1e0819490",
  object: "response",
  created_at: 1_767_368_376,
  status,
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  model: "bench",
  output: [],
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: "default",
  store: true,
  temperature: 1,
  text: { format: { type: "text" }, verbosity: "medium" },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
  usage: null,
  user: null,
  metadata: {},
  ...more
})

const message = (status, content) => ({ id: item, type: "message", status, content, role: "assistant" })
const part = (text) => ({ type: "output_text", annotations: [], logprobs: [], text })

// Writes one response, event by event, as text.
export const writer = () => {
  let sequence = 0
  let text = ""
  const event = (type, fields) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  return {
    event,
    head: () =>
      event("response.created", { response: response("in_progress") }) +
      event("response.in_progress", { response: response("in_progress") }) +
      event("response.output_item.added", { output_index: 0, item: message("in_progress", []) }) +
      event("response.content_part.added", { ...at, part: part("") }),
    delta: (delta) => {
      text += delta
      return event("response.output_text.delta", { ...at, delta, logprobs: [], obfuscation: "Ab3dEf6h" })
    },
    tail: () => {
      const done = message("completed", [part(text)])
      const usage = {
        input_tokens: 1,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 1,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 2
      }
      return event("response.output_text.done", { ...at, text, logprobs: [] }) +
        event("response.content_part.done", { ...at, part: part(text) }) +
        event("response.output_item.done", { output_index: 0, item: done }) +
        event("response.completed", { response: response("completed", { output: [done], usage }) })
    }
  }
}

// A whole answer of so many small deltas.
export const burst = (deltas) => {
  const to = writer()
  const pieces = [to.head()]
  for (let i = 0; i < deltas; i++) pieces.push(to.delta(` word${i % 100}`))
  pieces.push(to.tail())
  return Buffer.from(pieces.join(""))
}

// A short answer in which one event, a piece of an image, is as large as that.
export const large = (length) => {
  const to = writer()
  const partial_image_b64 = "iVBORw0K".repeat(length / 8)
  const image = { item_id: "ig_1", output_index: 0, partial_image_index: 0, partial_image_b64 }
  const pieces = [to.head(), to.event("response.image_generation_call.partial_image", image), to.delta("x"), to.tail()]
  return Buffer.from(pieces.join(""))
}

// Of one step of a tool loop: a call whose arguments come in pieces, or after so many of them a text of so many words.
export const steps = 3
export const step = (number, words) => {
  const to = writer()
  const { event } = to
  if (number === steps) {
    return to.head() + Array.from({ length: words }, (_, index) => to.delta(` word${index}`)).join("") + to.tail()
  }
  const args = JSON.stringify({ city: "Lima", days: number })
  const call = (status, given) => ({
    id: `fc_${number}`,
    type: "function_call",
    status,
    call_id: `call_${number}`,
    name: "weather",
    arguments: given
  })
  const place = { item_id: `fc_${number}`, output_index: 0 }
  const done = call("completed", args)
  const of = (status, more) => ({ ...response(status, more), id: `resp_${number}` })
  const usage = {
    input_tokens: 1,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 1,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 2
  }
  return event("response.created", { response: of("in_progress") }) +
    event("response.in_progress", { response: of("in_progress") }) +
    event("response.output_item.added", { output_index: 0, item: call("in_progress", "") }) +
    args.match(/.{1,4}/g).map((delta) => event("response.function_call_arguments.delta", { ...place, delta })).join(
      ""
    ) +
    event("response.function_call_arguments.done", { ...place, arguments: args }) +
    event("response.output_item.done", { output_index: 0, item: done }) +
    event("response.completed", { response: of("completed", { output: [done], usage }) })
}
