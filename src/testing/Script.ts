/**
 * What the simulated model does, turn by turn.
 *
 * A script is plain data. Each request to the model takes the next turn; a turn says which parts the answer has, how
 * long each takes and how the connection breaks.
 *
 * ```ts
 * const script: Script.Script = [
 *   Script.functionCall("get_weather", { city: "Lima" }),
 *   (request) => Script.text(`You sent ${request.input.length} items`),
 *   Script.turn([Script.text("This is cut after four events")], { fault: Script.cut({ afterEvents: 4 }) })
 * ]
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { Fault } from "./Fault.ts"

export * from "./Chaos.ts"
export * from "./Fault.ts"

/**
 * A JSON object as it is on the wire.
 *
 * @since 0.1.0
 * @category models
 */
export type Json = { readonly [key: string]: unknown }

/**
 * One item of a conversation as it is on the wire. Every item that the simulator holds has an id.
 *
 * @since 0.1.0
 * @category models
 */
export interface WireItem extends Json {
  readonly id: string
  readonly type: string
}

/**
 * What the model was asked: the request, and the history that it sees.
 *
 * @since 0.1.0
 * @category models
 */
export interface ModelRequest {
  /** The decoded JSON body of `POST /responses`. */
  readonly body: Json
  readonly model: string
  readonly instructions: string | undefined
  /** The items of this request, normalised: a string becomes a user message. */
  readonly input: ReadonlyArray<WireItem>
  /** All that the model sees: the conversation or the previous responses, then `input`. */
  readonly context: ReadonlyArray<WireItem>
  readonly conversationId: string | undefined
  readonly stream: boolean
  /** How many requests the model had before this one. */
  readonly index: number
}

// ---------------------------------------------------------------------------------------------------------------------
// parts
// ---------------------------------------------------------------------------------------------------------------------

/**
 * What a hosted tool reports, by kind of tool.
 *
 * @since 0.1.0
 * @category parts
 */
export interface HostedToolOptions {
  readonly web_search: {
    readonly query?: string | undefined
    /** Shown only with `include: ["web_search_call.action.sources"]`. */
    readonly sources?: ReadonlyArray<Json> | undefined
  }
  readonly file_search: {
    readonly queries?: ReadonlyArray<string> | undefined
    /** Shown only with `include: ["file_search_call.results"]`. */
    readonly results?: ReadonlyArray<Json> | undefined
  }
  readonly code_interpreter: {
    readonly code?: string | undefined
    readonly containerId?: string | undefined
    /** Shown only with `include: ["code_interpreter_call.outputs"]`. */
    readonly outputs?: ReadonlyArray<Json> | undefined
    /** What the code leaves in its container, by the files' ids; an annotation of the answer names those to be seen. */
    readonly files?:
      | Readonly<Record<string, { readonly filename: string; readonly content: string | Uint8Array }>>
      | undefined
  }
  readonly image_generation: {
    /** Base64. */
    readonly result?: string | undefined
    /** Base64, one event each. */
    readonly partialImages?: ReadonlyArray<string> | undefined
  }
  /** The tools that an MCP server offers, as the model learns them before it calls one. */
  readonly mcp_list_tools: {
    readonly serverLabel?: string | undefined
    readonly tools?: ReadonlyArray<Json> | undefined
    /** The server does not give them. */
    readonly error?: string | undefined
  }
  readonly mcp: {
    readonly serverLabel?: string | undefined
    readonly name?: string | undefined
    readonly arguments?: unknown
    readonly output?: string | undefined
    /** The call fails with this message. */
    readonly error?: string | undefined
  }
}

/**
 * The tools that run at OpenAI and can be scripted.
 *
 * @since 0.1.0
 * @category parts
 */
export type HostedToolKind = keyof HostedToolOptions

type HostedToolPart = {
  readonly [Kind in HostedToolKind]: {
    readonly _tag: "HostedTool"
    readonly kind: Kind
    readonly options: HostedToolOptions[Kind]
  }
}[HostedToolKind]

/**
 * One part of an answer. Make one with {@link text}, {@link functionCall} and the other constructors.
 *
 * @since 0.1.0
 * @category parts
 */
export type Part =
  | {
    readonly _tag: "Text"
    readonly text: string
    readonly phase: string | undefined
    readonly deltas: ReadonlyArray<string>
    readonly annotations: ReadonlyArray<Json>
  }
  | { readonly _tag: "Refusal"; readonly refusal: string; readonly deltas: ReadonlyArray<string> }
  | { readonly _tag: "Reasoning"; readonly summary: ReadonlyArray<string> }
  | {
    readonly _tag: "FunctionCall"
    readonly name: string
    readonly arguments: string
    readonly deltas: ReadonlyArray<string>
    readonly callId: string | undefined
    readonly async: boolean
  }
  | { readonly _tag: "ToolCall"; readonly type: string; readonly fields: Json }
  | HostedToolPart
  | {
    readonly _tag: "ApprovalRequest"
    readonly name: string
    readonly arguments: string
    readonly serverLabel: string
  }
  | { readonly _tag: "Incomplete"; readonly reason: string }
  | {
    readonly _tag: "Failure"
    readonly code: string
    readonly message: string
    readonly param: string | null
    readonly error: "nested" | "flat" | "none"
    readonly failed: boolean
  }
  | { readonly _tag: "Garbage"; readonly line: string }
  | { readonly _tag: "UnknownEvent"; readonly type: string; readonly payload: Json }
  | { readonly _tag: "Comment"; readonly text: string }
  | { readonly _tag: "Raw"; readonly bytes: Uint8Array }

/** Pieces that end after a word. */
const words = (text: string): ReadonlyArray<string> => text.match(/\s*\S+|\s+$/gu) ?? (text === "" ? [] : [text])

/** So many pieces of about the same length, never cut inside a character. */
const pieces = (text: string, count: number): ReadonlyArray<string> => {
  const characters = Array.from(text)
  const size = Math.max(1, Math.ceil(characters.length / Math.max(1, count)))
  const result: Array<string> = []
  for (let start = 0; start < characters.length; start += size) {
    result.push(characters.slice(start, start + size).join(""))
  }
  return result
}

type Chunks = number | ReadonlyArray<string> | undefined

const deltasOf = (text: string, chunks: Chunks, otherwise: (text: string) => ReadonlyArray<string>) =>
  chunks === undefined ? otherwise(text) : typeof chunks === "number" ? pieces(text, chunks) : chunks

const json = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)

/**
 * A message of the assistant. `chunks` says how it is cut into deltas: a number of pieces, or the deltas themselves
 * (the whole text stays `text`, also where they do not add up to it); by default one delta per word. `annotations` are
 * wire objects such as `{ type: "file_citation", … }`. `phase` is `commentary` on what the model does, or `final_answer`.
 *
 * @since 0.1.0
 * @category parts
 */
export const text = (text: string, options?: {
  readonly chunks?: number | ReadonlyArray<string> | undefined
  readonly annotations?: ReadonlyArray<Json> | undefined
  readonly phase?: "commentary" | "final_answer" | undefined
}): Part => ({
  _tag: "Text",
  text,
  phase: options?.phase,
  deltas: deltasOf(text, options?.chunks, words),
  annotations: options?.annotations ?? []
})

/**
 * A message in which the model declines to answer. It is no error: the response completes.
 *
 * @since 0.1.0
 * @category parts
 */
export const refusal = (refusal: string, options?: {
  readonly chunks?: number | ReadonlyArray<string> | undefined
}): Part => ({ _tag: "Refusal", refusal, deltas: deltasOf(refusal, options?.chunks, words) })

/**
 * A reasoning item. Without a summary it has no events but its beginning and its end. With
 * `include: ["reasoning.encrypted_content"]` it carries that content.
 *
 * @since 0.1.0
 * @category parts
 */
export const reasoning = (summary?: string | ReadonlyArray<string>): Part => ({
  _tag: "Reasoning",
  summary: summary === undefined ? [] : typeof summary === "string" ? [summary] : summary
})

/**
 * A tool that runs at OpenAI: its item, with the progress events of its kind in their order.
 *
 * @since 0.1.0
 * @category parts
 */
export const hostedTool = <Kind extends HostedToolKind>(kind: Kind, options?: HostedToolOptions[Kind]): Part =>
  hosted[kind](options ?? {})

const hosted: { readonly [Kind in HostedToolKind]: (options: HostedToolOptions[Kind]) => Part } = {
  web_search: (options) => ({ _tag: "HostedTool", kind: "web_search", options }),
  file_search: (options) => ({ _tag: "HostedTool", kind: "file_search", options }),
  code_interpreter: (options) => ({ _tag: "HostedTool", kind: "code_interpreter", options }),
  image_generation: (options) => ({ _tag: "HostedTool", kind: "image_generation", options }),
  mcp_list_tools: (options) => ({ _tag: "HostedTool", kind: "mcp_list_tools", options }),
  mcp: (options) => ({ _tag: "HostedTool", kind: "mcp", options })
}

/**
 * A call of one of the program's tools. A string is sent as it is, also where it is no JSON; anything else is encoded.
 * The call id is generated unless given.
 *
 * @since 0.1.0
 * @category parts
 */
export const functionCall = (name: string, args: unknown, options?: {
  readonly callId?: string | undefined
  readonly chunks?: number | ReadonlyArray<string> | undefined
  /** It may stay without an output. */
  readonly async?: boolean | undefined
}): Part => {
  const encoded = json(args)
  return {
    _tag: "FunctionCall",
    async: options?.async === true,
    name,
    arguments: encoded,
    deltas: deltasOf(encoded, options?.chunks, (text) => pieces(text, Math.ceil(text.length / 8))),
    callId: options?.callId
  }
}

/**
 * A call of another tool that the program runs, such as `custom_tool_call`, `shell_call` or `computer_call`, with the fields
 * of its item. Its ids are generated unless given.
 *
 * @since 0.1.0
 * @category parts
 */
export const toolCall = (type: string, fields: Json = {}): Part => ({ _tag: "ToolCall", type, fields })

/**
 * An MCP server's tool that waits for a person's approval: an `mcp_approval_request` item.
 *
 * @since 0.1.0
 * @category parts
 */
export const approvalRequest = (name: string, args: unknown, options?: {
  readonly serverLabel?: string | undefined
}): Part => ({
  _tag: "ApprovalRequest",
  name,
  arguments: json(args),
  serverLabel: options?.serverLabel ?? "server"
})

/**
 * The answer ends here as `response.incomplete`. The item before it is incomplete too. Parts after it are not sent.
 *
 * @since 0.1.0
 * @category parts
 */
export const incomplete = (reason: "max_output_tokens" | "content_filter" | (string & {})): Part => ({
  _tag: "Incomplete",
  reason
})

/**
 * The answer fails here: an `error` event and then `response.failed`, as OpenAI sends it. `error` chooses the shape of
 * the first (`"none"`: it is left out) and `failed: false` leaves out the second. Parts after it are not sent. Where
 * the request is not streamed, `context_length_exceeded` is an HTTP 400 and everything else a failed response.
 *
 * @since 0.1.0
 * @category parts
 */
export const failure = (code: string, message?: string, options?: {
  readonly error?: "nested" | "flat" | "none" | undefined
  readonly failed?: boolean | undefined
  readonly param?: string | null | undefined
}): Part => ({
  _tag: "Failure",
  code,
  message: message ?? messageOf(code),
  param: options?.param ?? (code === "context_length_exceeded" ? "input" : null),
  error: options?.error ?? "nested",
  failed: options?.failed ?? true
})

const messageOf = (code: string): string =>
  code === "context_length_exceeded"
    ? "Your input exceeds the context window of this model. Please adjust your input and try again."
    : code === "rate_limit_exceeded"
    ? "Rate limit reached. Please try again in 1s."
    : "An error occurred while processing your request. You can retry your request."

/**
 * An event whose data is this line instead of JSON.
 *
 * @since 0.1.0
 * @category parts
 */
export const garbage = (line: string): Part => ({ _tag: "Garbage", line })

/**
 * An event of a type that the client does not know. It takes part in the numbering.
 *
 * @since 0.1.0
 * @category parts
 */
export const unknownEvent = (type: string, payload: Json = {}): Part => ({ _tag: "UnknownEvent", type, payload })

/**
 * The `keepalive` event that OpenAI sends on long answers: undocumented, numbered like the others
 * (openai-node#1964: `{"type":"keepalive","sequence_number":466}`).
 *
 * @since 0.1.0
 * @category parts
 */
export const keepalive: Part = { _tag: "UnknownEvent", type: "keepalive", payload: {} }

/**
 * A comment line of the event stream, which a client skips.
 *
 * @since 0.1.0
 * @category parts
 */
export const comment = (text: string): Part => ({ _tag: "Comment", text })

/**
 * Bytes of the body as they are.
 *
 * @since 0.1.0
 * @category parts
 */
export const raw = (bytes: Uint8Array | string): Part => ({
  _tag: "Raw",
  bytes: typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes
})

// ---------------------------------------------------------------------------------------------------------------------
// turns
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The token counts of an answer. What is not given is estimated from the length of the texts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Usage {
  readonly inputTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
}

/**
 * What happens around the parts of a turn.
 *
 * @since 0.1.0
 * @category models
 */
export interface TurnOptions {
  readonly fault?: Fault | undefined
  /** Passes on the Clock before each event of the answer; a request that is not streamed waits for all of them. */
  readonly latency?: Duration.DurationInput | undefined
  readonly usage?: Usage | undefined
  /** Headers of the HTTP answer, for instance rate limits. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Cut the body into network reads of so many bytes, also inside a character. By default a read is an event. */
  readonly readBytes?: number | undefined
  /**
   * What becomes of a foreground answer whose connection is lost before its end. `cancelled`: the model stops, as OpenAI
   * does it, and the conversation gets nothing. `completed`: it goes on to its end unheard, and the conversation has the
   * answer. `unappended`: the same, but the conversation never gets it (openai-python#3561). Default: `cancelled`.
   */
  readonly afterDisconnect?: AfterDisconnect | undefined
}

/**
 * What becomes of an answer that nobody hears to its end.
 *
 * @since 0.1.0
 * @category models
 */
export type AfterDisconnect = "cancelled" | "completed" | "unappended"

/**
 * A request's answer that is an error of HTTP. Make one with {@link httpError} or {@link redirect}.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpError {
  readonly _tag: "HttpError"
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly handled: boolean
}

/**
 * One turn of the simulated model: an answer, an HTTP error, or a 200 that is not an event stream.
 *
 * @since 0.1.0
 * @category models
 */
export type Turn =
  | {
    readonly _tag: "Answer"
    readonly parts: ReadonlyArray<Part>
    readonly fault: Fault | undefined
    readonly latency: Duration.Duration
    readonly usage: Usage
    readonly headers: Readonly<Record<string, string>>
    readonly readBytes: number | undefined
    readonly afterDisconnect: AfterDisconnect
  }
  | HttpError
  | { readonly _tag: "NotSse"; readonly body: string; readonly headers: Readonly<Record<string, string>> }

/**
 * What stands for a turn: a single part is a turn with that part, a string is a turn with that text.
 *
 * @since 0.1.0
 * @category models
 */
export type TurnValue = Turn | Part | string

/**
 * A turn, or a function that makes one from what the model was asked.
 *
 * @since 0.1.0
 * @category models
 */
export type TurnInput = TurnValue | ((request: ModelRequest) => TurnValue)

/**
 * Turns for some requests only. Make one with {@link when}.
 *
 * @since 0.1.0
 * @category models
 */
export interface When {
  readonly _tag: "When"
  readonly match: string | ((request: ModelRequest) => boolean)
  readonly turns: ReadonlyArray<TurnInput>
}

/**
 * A turn for every request that no other turn is left for. Make one with {@link always}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Always {
  readonly _tag: "Always"
  readonly turn: TurnInput
}

/**
 * What the simulated model will do, turn by turn.
 *
 * @since 0.1.0
 * @category models
 */
export type Script = ReadonlyArray<TurnInput | When | Always>

/**
 * One answer of the model.
 *
 * @since 0.1.0
 * @category turns
 */
export const turn = (
  parts: Part | string | ReadonlyArray<Part | string>,
  options?: TurnOptions
): Turn => ({
  _tag: "Answer",
  parts: (isList(parts) ? parts : [parts]).map((part) => typeof part === "string" ? text(part) : part),
  fault: options?.fault,
  latency: Duration.decode(options?.latency ?? 0),
  usage: options?.usage ?? {},
  headers: lowerCase(options?.headers ?? {}),
  readBytes: options?.readBytes,
  afterDisconnect: options?.afterDisconnect ?? "cancelled"
})

const isList = (parts: Part | string | ReadonlyArray<Part | string>): parts is ReadonlyArray<Part | string> =>
  Array.isArray(parts)

const lowerCase = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/**
 * The request is answered with an HTTP error, and nothing else happens. `body` (an HTML page, for instance) replaces
 * the JSON that OpenAI sends. `handled: true` is for `Simulator.inject`: the request is carried out first and its own
 * answer is lost, as when a gateway gives up waiting.
 *
 * @since 0.1.0
 * @category turns
 */
export const httpError = (options: {
  readonly status: number
  readonly code?: string | null | undefined
  readonly message?: string | undefined
  readonly type?: string | undefined
  readonly param?: string | null | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  readonly contentType?: string | undefined
  readonly handled?: boolean | undefined
}): HttpError => ({
  _tag: "HttpError",
  status: options.status,
  handled: options.handled ?? false,
  body: options.body ?? JSON.stringify({
    error: {
      message: options.message ?? `The simulated request failed with status ${options.status}.`,
      type: options.type ?? (options.status >= 500 ? "server_error" : "invalid_request_error"),
      param: options.param ?? null,
      code: options.code ?? null
    }
  }),
  headers: {
    "content-type": options.contentType ?? (options.body === undefined ? "application/json" : "text/html"),
    ...lowerCase(options.headers ?? {})
  }
})

/**
 * The request is answered with a redirect, by default a 307 to the simulator's own `/login`, which answers any request
 * with status 200 and an HTML page, as a proxy's does. `fetch` follows it: 307 and 308 repeat the request with its body,
 * the others make it a GET, and another origin does not get the key. On a real port a `location` elsewhere leads there.
 *
 * @since 0.1.0
 * @category turns
 */
export const redirect = (options?: {
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined
  readonly location?: string | undefined
  readonly handled?: boolean | undefined
}): HttpError =>
  httpError({
    status: options?.status ?? 307,
    body: "",
    headers: { location: options?.location ?? "/login" },
    handled: options?.handled
  })

/**
 * The request is answered with status 200 and a body that is no event stream, as a proxy's login page is.
 *
 * @since 0.1.0
 * @category turns
 */
export const notSse = (body: string, contentType = "text/html"): Turn => ({
  _tag: "NotSse",
  body,
  headers: { "content-type": contentType }
})

/**
 * Turns for requests that match: those on the conversation with this id, or those the function accepts. They are looked
 * at before the plain turns, in the order of the script.
 *
 * @since 0.1.0
 * @category turns
 */
export const when = (
  match: string | ((request: ModelRequest) => boolean),
  turns: ReadonlyArray<TurnInput>
): When => ({ _tag: "When", match, turns })

/**
 * The turn of every request that no other turn is left for, for demos and benchmarks. It never counts as unused.
 *
 * @since 0.1.0
 * @category turns
 */
export const always = (turn: TurnInput): Always => ({ _tag: "Always", turn })
