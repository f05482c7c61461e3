/** `/v1/responses`: what the model answers, streamed or not, in the foreground or not. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberId from "effect/FiberId"
import type * as Scope from "effect/Scope"
import type { Json, Turn, Usage, WireItem } from "../Script.ts"
import { append, findConversation } from "./conversations.ts"
import { EventLog } from "./eventLog.ts"
import { type Emission, emissions, nothing } from "./events.ts"
import {
  type Answer,
  type ApiError,
  type ApiRequest,
  type Body,
  bytesAnswer,
  type Checked,
  checkMetadata,
  invalidType,
  isJson,
  isList,
  jsonAnswer,
  missing,
  page,
  present,
  reject
} from "./http.ts"
import { checkHistory, countTokens, normalizeAll } from "./items.ts"
import type { ContainerFile, Conversation, ResponseStatus, State, StoredResponse } from "./state.ts"
import { problemOf, tupleIn } from "./strictSchema.ts"
import { unreachable } from "./transport.ts"
import { includeOf, visible } from "./visible.ts"

type Answering = Extract<Turn, { readonly _tag: "Answer" }>

// ---------------------------------------------------------------------------------------------------------------------
// a response
// ---------------------------------------------------------------------------------------------------------------------

/** The fields of a response that repeat what was asked, with the defaults of what was not. */
const settingsOf = (body: Json, metadata: Json): Json => ({
  background: body.background === true,
  frequency_penalty: body.frequency_penalty ?? 0,
  instructions: body.instructions ?? null,
  max_output_tokens: body.max_output_tokens ?? null,
  max_tool_calls: body.max_tool_calls ?? null,
  metadata,
  model: body.model,
  parallel_tool_calls: body.parallel_tool_calls ?? true,
  presence_penalty: body.presence_penalty ?? 0,
  previous_response_id: body.previous_response_id ?? null,
  prompt_cache_key: body.prompt_cache_key ?? null,
  prompt_cache_retention: body.prompt_cache_retention ?? null,
  reasoning: { effort: "medium", summary: null, ...(isJson(body.reasoning) ? body.reasoning : {}) },
  safety_identifier: body.safety_identifier ?? null,
  service_tier: body.service_tier ?? "auto",
  store: body.store !== false,
  temperature: body.temperature ?? 1,
  text: textOf(isJson(body.text) ? body.text : {}),
  tool_choice: body.tool_choice ?? "auto",
  tools: toolsOf(body).map((tool) => tool.type === "function" ? { strict: true, ...tool } : tool),
  top_logprobs: body.top_logprobs ?? 0,
  top_p: body.top_p ?? 1,
  truncation: body.truncation ?? "disabled",
  user: body.user ?? null
})

/** A schema's description is null where there is none, which a request may not say. */
const textOf = ({ format, ...text }: Json): Json => ({
  format: !isJson(format)
    ? { type: "text" }
    : format.type === "json_schema"
    ? { description: null, ...format }
    : format,
  verbosity: "medium",
  ...text
})

const toolsOf = (body: Json): ReadonlyArray<Json> => isList(body.tools) ? body.tools.filter(isJson) : []

const isActive = (status: ResponseStatus) => status === "queued" || status === "in_progress"

const render = (response: StoredResponse, include = response.include): Json => ({
  id: response.id,
  object: "response",
  created_at: response.createdAt,
  status: response.status,
  completed_at: response.completedAt,
  error: response.error,
  incomplete_details: response.incompleteDetails,
  ...response.settings,
  ...(isActive(response.status) ? {} : { service_tier: "default" }),
  ...(response.conversation === undefined ? {} : { conversation: { id: response.conversation.id } }),
  output: response.output.map(visible(include)),
  usage: response.usage
})

const usageOf = (response: StoredResponse, usage: Usage): Json => {
  const input = usage.inputTokens ??
    countTokens(response.settings.instructions, response.history, response.input)
  const reasoning = usage.reasoningTokens ?? 64 * response.output.filter((item) => item.type === "reasoning").length
  const output = usage.outputTokens ?? reasoning + countTokens(response.output)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cachedTokens ?? 0, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output
  }
}

const unlock = (response: StoredResponse): void => {
  if (response.conversation?.activeResponse === response.id) response.conversation.activeResponse = undefined
}

/** The response has its end: what it took and gave becomes part of the conversation, unless that gets lost. */
const settle = (
  state: State,
  response: StoredResponse,
  status: "completed" | "incomplete",
  usage: Usage
): void => {
  response.status = status
  response.completedAt = status === "completed" ? state.now() : null
  response.usage = usageOf(response, usage)
  const kept = response.stored || response.conversation !== undefined
  if (kept) {
    for (const [index, item] of response.output.entries()) {
      state.items.set(item.id, item)
      const previous = response.output[index - 1]
      if (previous?.type === "reasoning") state.reasoningOf.set(item.id, previous.id)
    }
  }
  if (response.conversation !== undefined && !response.unappended) {
    append(state, response.conversation, response.input)
    append(state, response.conversation, response.output)
  }
  unlock(response)
}

/** The client left before the end. The conversation may stay locked for a while. */
const drop = (state: State, response: StoredResponse): void => {
  if (!isActive(response.status)) return
  if (Duration.toMillis(state.lockLinger) === 0) return abandon(response, "cancelled")
  response.status = "cancelled"
  state.fork(Effect.delay(Effect.sync(() => unlock(response)), state.lockLinger))
}

/** The response ends without a trace in the conversation. */
const abandon = (response: StoredResponse, status: "failed" | "cancelled"): void => {
  response.status = status
  unlock(response)
}

// ---------------------------------------------------------------------------------------------------------------------
// POST /responses
// ---------------------------------------------------------------------------------------------------------------------

interface Asked {
  readonly body: Json
  readonly settings: Json
  readonly conversation: Conversation | undefined
  readonly history: ReadonlyArray<WireItem>
  readonly input: ReadonlyArray<WireItem>
}

const conversationIdOf = (body: Json): Checked<string | undefined> => {
  const value = isJson(body.conversation) ? body.conversation.id : body.conversation
  return !present(value)
    ? Either.right(undefined)
    : typeof value === "string"
    ? Either.right(value)
    : invalidType("conversation", "a string or an object with an id")
}

/** Where the history comes from: a conversation, an earlier response, or nowhere. */
const historyOf = (
  state: State,
  body: Json
): Checked<{ readonly conversation: Conversation | undefined; readonly history: ReadonlyArray<WireItem> }> =>
  Either.gen(function*() {
    const conversationId = yield* conversationIdOf(body)
    const previousId = body.previous_response_id
    if (conversationId !== undefined) {
      if (present(previousId)) {
        return yield* reject(
          400,
          "mutually_exclusive_parameters",
          "Mutually exclusive parameters: only one of 'previous_response_id' or 'conversation' may be provided."
        )
      }
      const conversation = yield* findConversation(state, conversationId)
      return { conversation, history: Array.from(conversation.items) }
    }
    if (!present(previousId)) return { conversation: undefined, history: [] }
    const previous = typeof previousId === "string" ? state.responses.get(previousId) : undefined
    if (previous === undefined) {
      return yield* reject(
        400,
        "previous_response_not_found",
        `Previous response with id '${previousId}' not found.`,
        { param: "previous_response_id" }
      )
    }
    return { conversation: undefined, history: [...previous.history, ...previous.input, ...previous.output] }
  })

const checkTools = (body: Json): Checked<void> => {
  const tools = toolsOf(body)
  for (const [index, tool] of tools.entries()) {
    if (tool.type === "code_interpreter" && !present(tool.container)) return missing(`tools[${index}].container`)
    // Strict is what a function is where it does not say so, if its schema allows it.
    const problem = tool.type !== "function"
      ? undefined
      : tupleIn(tool.parameters) ?? (tool.strict === true ? problemOf(tool.parameters) : undefined)
    if (problem !== undefined) {
      return reject(400, "invalid_function_parameters", `Invalid schema for function '${tool.name}': ${problem}`, {
        param: `tools[${index}].parameters`
      })
    }
  }
  const format = isJson(body.text) && isJson(body.text.format) ? body.text.format : {}
  const problem = format.type !== "json_schema"
    ? undefined
    : tupleIn(format.schema) ?? (format.strict === true ? problemOf(format.schema) : undefined)
  if (problem !== undefined) {
    return reject(400, "invalid_json_schema", `Invalid schema for response_format '${format.name}': ${problem}`, {
      param: "text.format.schema"
    })
  }
  const choice = body.tool_choice
  if (isJson(choice) && typeof choice.type === "string") {
    const found = tools.some((tool) =>
      tool.type === choice.type && (choice.name === undefined || tool.name === choice.name)
    )
    if (!found && choice.type !== "allowed_tools") {
      return reject(400, null, `Tool choice '${choice.type}' not found in 'tools' parameter.`, { param: "tool_choice" })
    }
  }
  return Either.right(undefined)
}

const checkSettings = (body: Json): Checked<Json> =>
  Either.gen(function*() {
    if (!present(body.model)) return yield* missing("model")
    if (typeof body.model !== "string") return yield* invalidType("model", "a string")
    if (![body.input, body.conversation, body.previous_response_id, body.prompt].some(present)) {
      return yield* reject(
        400,
        "missing_required_parameter",
        "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided.",
        { param: "input" }
      )
    }
    const limit = body.max_output_tokens
    if (typeof limit === "number" && limit < 16) {
      return yield* reject(
        400,
        "integer_below_min_value",
        `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${limit} instead.`,
        { param: "max_output_tokens" }
      )
    }
    if (body.background === true && body.store === false) {
      return yield* reject(400, null, "Background mode requires 'store' to be true.", { param: "background" })
    }
    yield* checkTools(body)
    return settingsOf(body, yield* checkMetadata(body.metadata))
  })

const ask = (state: State, raw: unknown): Checked<Asked> =>
  Either.gen(function*() {
    if (!isJson(raw)) return yield* missing("model")
    const settings = yield* checkSettings(raw)
    const { conversation, history } = yield* historyOf(state, raw)
    if (conversation?.activeResponse !== undefined) {
      return yield* reject(
        400,
        "conversation_locked",
        "Another process is currently operating on this conversation. Please retry in a few seconds.",
        { param: "conversation" }
      )
    }
    const input = yield* normalizeAll(state, raw.input, "input")
    yield* checkHistory(state, [...history, ...input])
    return { body: raw, settings, conversation, history, input }
  })

const start = (state: State, asked: Asked): StoredResponse => {
  const background = asked.body.background === true
  const response: StoredResponse = {
    id: state.id("resp"),
    createdAt: state.now(),
    settings: asked.settings,
    conversation: asked.conversation,
    background,
    stored: asked.body.store !== false,
    include: new Set(isList(asked.body.include) ? asked.body.include.filter((name) => typeof name === "string") : []),
    history: asked.history,
    input: asked.input,
    output: [],
    status: background ? "queued" : "in_progress",
    completedAt: null,
    error: null,
    incompleteDetails: null,
    usage: null,
    unappended: false,
    log: undefined,
    fiber: undefined
  }
  if (asked.conversation !== undefined) asked.conversation.activeResponse = response.id
  if (response.stored) {
    state.responses.set(response.id, response)
    for (const item of response.input) state.items.set(item.id, item)
  }
  return response
}

/** The events of the response; each comes when it is asked for and its latency has passed. */
const generate = (
  state: State,
  asked: Asked,
  response: StoredResponse,
  turn: Answering
): Effect.Effect<Emission> => {
  const iterator = emissions({
    parts: turn.parts,
    include: response.include,
    id: state.id,
    queued: response.background,
    render: () => render(response),
    begin: () => {
      response.status = "in_progress"
    },
    add: (item) => {
      response.output.push(item)
    },
    keep: (containerId, files) => {
      const container = state.containers.get(containerId) ?? new Map<string, ContainerFile>()
      state.containers.set(containerId, container)
      for (const [id, file] of files) container.set(id, file)
    },
    complete: () => settle(state, response, "completed", turn.usage),
    endIncomplete: (reason) => {
      response.incompleteDetails = { reason }
      settle(state, response, "incomplete", turn.usage)
    },
    fail: (code, message) => {
      response.error = { code, message }
      abandon(response, "failed")
    }
  })
  const next = Effect.sync((): Emission => {
    const result = iterator.next()
    return result.done === true ? nothing : result.value
  })
  return Duration.toMillis(turn.latency) > 0 ? Effect.zipRight(Effect.sleep(turn.latency), next) : next
}

const untilLast = (next: Effect.Effect<Emission>, each: (emission: Emission) => void): Effect.Effect<void> =>
  Effect.suspend(() => {
    let more = true
    return Effect.whileLoop({
      while: () => more,
      body: () => next,
      step: (emission) => {
        each(emission)
        more = !emission.last
      }
    })
  })

const sse = { "content-type": "text/event-stream; charset=utf-8" }

const answerStream = (turn: Answering, body: Body): Answer => ({
  status: 200,
  headers: { ...sse, ...turn.headers },
  body,
  isEventStream: true,
  fault: turn.fault,
  readBytes: turn.readBytes
})

const answerJson = (turn: Answering, body: Json): Answer => ({
  ...jsonAnswer(body, 200, turn.headers),
  fault: turn.fault,
  readBytes: turn.readBytes
})

/** Runs in the simulator's scope, whoever listens. */
const inBackground = (
  state: State,
  asked: Asked,
  response: StoredResponse,
  turn: Answering
): Answer => {
  const log = new EventLog()
  response.log = log
  const initial = render(response)
  const next = generate(state, asked, response, turn)
  response.fiber = state.fork(Effect.zipRight(
    Effect.yieldNow(),
    untilLast(
      next,
      (emission) => log.append({ bytes: emission.encode(), last: emission.last, wire: emission.wire })
    )
  ))
  return asked.body.stream === true ? answerStream(turn, log.follow(-1)) : answerJson(turn, initial)
}

/** The connection is over. A response that has no end yet is dropped, or goes on unheard. */
const leave = (
  state: State,
  response: StoredResponse,
  turn: Answering,
  next: Effect.Effect<Emission>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!isActive(response.status)) return Effect.void
    if (turn.afterDisconnect === "cancelled") return Effect.sync(() => drop(state, response))
    response.unappended = turn.afterDisconnect === "unappended"
    return Effect.asVoid(Effect.sync(() => state.fork(untilLast(next, () => {}))))
  })

/** Ends with its request: when the exchange is over and the response has no end yet, it never gets one. */
const inForeground = (
  state: State,
  asked: Asked,
  response: StoredResponse,
  turn: Answering
): Effect.Effect<Answer, ApiError, Scope.Scope> =>
  Effect.gen(function*() {
    const next = generate(state, asked, response, turn)
    yield* Effect.addFinalizer(() => leave(state, response, turn, next))
    if (asked.body.stream === true) {
      const body = Effect.map(next, (emission) => ({ bytes: emission.encode(), last: emission.last }))
      return answerStream(turn, body)
    }
    yield* untilLast(next, () => {})
    if (response.error?.code === "context_length_exceeded") {
      return yield* reject(400, "context_length_exceeded", String(response.error.message), { param: "input" })
    }
    return answerJson(turn, { ...render(response), billing: { payer: "developer" } })
  })

/** The answer of a turn in which nothing is generated: an HTTP error, a page, or no connection. */
const immediate = (turn: Turn): Answer =>
  turn._tag === "Answer"
    ? answerJson(turn, {})
    : bytesAnswer(turn._tag === "HttpError" ? turn.status : 200, turn.headers, turn.body)

type Admitted =
  | { readonly _tag: "Answered"; readonly answer: Answer }
  | { readonly _tag: "Started"; readonly asked: Asked; readonly turn: Answering; readonly response: StoredResponse }

/** Checks, the choice of the turn and the lock are one step. */
const admit = (state: State, raw: unknown): Checked<Admitted> =>
  Either.gen(function*() {
    const asked = yield* ask(state, raw)
    const turn = yield* state.turns.take({
      body: asked.body,
      model: String(asked.body.model),
      instructions: typeof asked.body.instructions === "string" ? asked.body.instructions : undefined,
      input: asked.input,
      context: [...asked.history, ...asked.input],
      conversationId: asked.conversation?.id,
      stream: asked.body.stream === true
    })
    if (turn._tag !== "Answer" || unreachable(turn.fault) !== undefined) {
      return { _tag: "Answered", answer: immediate(turn) } as const
    }
    return { _tag: "Started", asked, turn, response: start(state, asked) } as const
  })

export const create = (state: State, request: ApiRequest): Effect.Effect<Answer, ApiError, Scope.Scope> =>
  Effect.flatMap(Effect.suspend(() => admit(state, request.body)), (admitted) =>
    admitted._tag === "Answered"
      ? Effect.succeed(admitted.answer)
      : admitted.response.background
      ? Effect.sync(() => inBackground(state, admitted.asked, admitted.response, admitted.turn))
      : inForeground(state, admitted.asked, admitted.response, admitted.turn))

// ---------------------------------------------------------------------------------------------------------------------
// the others
// ---------------------------------------------------------------------------------------------------------------------

const find = (state: State, id: string): Checked<StoredResponse> => {
  const response = state.responses.get(id)
  return response === undefined ? reject(404, null, `Response with id '${id}' not found.`) : Either.right(response)
}

/** As long as this after its creation, the events of a background response can be read again. */
const streamWindow = 5 * 60

const resume = (state: State, response: StoredResponse, query: ApiRequest["query"]): Checked<Answer> => {
  if (response.log === undefined) return reject(404, null, `Response with id '${response.id}' not found.`)
  if (state.now() - response.createdAt > streamWindow) {
    return reject(
      400,
      null,
      "This response can no longer be streamed because it is more than 5 minutes old."
    )
  }
  const after = query.starting_after === undefined ? -1 : Number(query.starting_after)
  if (!Number.isInteger(after)) return invalidType("starting_after", "an integer")
  return Either.right({ status: 200, headers: sse, body: response.log.follow(after), isEventStream: true })
}

export const retrieve = (state: State, id: string, request: ApiRequest): Checked<Answer> =>
  Either.flatMap(find(state, id), (response) =>
    request.query.stream === "true"
      ? resume(state, response, request.query)
      : Either.right(jsonAnswer(render(response, includeOf(request.query)))))

const stop = (response: StoredResponse): void => {
  if (!isActive(response.status)) return
  abandon(response, "cancelled")
  response.fiber?.unsafeInterruptAsFork(FiberId.none)
  response.log?.end()
}

export const remove = (state: State, id: string): Checked<Json> =>
  Either.map(find(state, id), (response) => {
    stop(response)
    state.responses.delete(id)
    return { id, object: "response", deleted: true }
  })

/** Only a background response can be cancelled; one that has its end is answered as it is. */
export const cancel = (state: State, id: string): Checked<Json> =>
  Either.flatMap(find(state, id), (response) => {
    if (!response.background) return reject(400, null, "Cannot cancel a synchronous response.")
    stop(response)
    return Either.right(render(response))
  })

export const listInputItems = (state: State, id: string, request: ApiRequest): Checked<Json> =>
  Either.flatMap(find(state, id), (response) => page(response.input, request.query))

export const countInputTokens = (state: State, request: ApiRequest): Checked<Json> =>
  Either.gen(function*() {
    const body = isJson(request.body) ? request.body : {}
    const { history } = yield* historyOf(state, body)
    const input = yield* normalizeAll(state, body.input, "input")
    return {
      object: "response.input_tokens",
      input_tokens: countTokens(body.instructions ?? null, history, input)
    }
  })
