/**
 * What can go wrong between this library and OpenAI.
 *
 * Every error is a tagged class, so `Effect.catchTag("RateLimited", …)` works. The wording that OpenAI sends is not
 * kept, because it quotes what was sent; the status, the code, the parameter and the request id are.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { withoutContent } from "./internal/content.ts"
import { lazy } from "./internal/lazy.ts"
import { ThreadId } from "./Thread.ts"

const optionalString = Schema.optional(Schema.String)

/** What OpenAI's support asks for, as the end of a sentence. */
const reference = (requestId: string | undefined) => requestId === undefined ? "" : ` (request ${requestId})`

/**
 * OpenAI does not accept the key. Wire: HTTP 401.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthenticationError extends Schema.TaggedError<AuthenticationError>(
  "effect-openai-threads/AuthenticationError"
)("AuthenticationError", { code: optionalString, requestId: optionalString }) {
  readonly isRetryable = false
  override get message() {
    return `OpenAI did not accept the API key: check OPENAI_API_KEY and, if they are set, OPENAI_ORG_ID and OPENAI_PROJECT_ID${
      reference(this.requestId)
    }`
  }
}

/**
 * The key is valid but may not do this. Wire: HTTP 403.
 *
 * @since 0.1.0
 * @category errors
 */
export class PermissionDenied extends Schema.TaggedError<PermissionDenied>("effect-openai-threads/PermissionDenied")(
  "PermissionDenied",
  { code: optionalString, requestId: optionalString }
) {
  readonly isRetryable = false
  override get message() {
    return `The API key has no permission for this${this.code === undefined ? "" : `: ${this.code}`}${
      reference(this.requestId)
    }`
  }
}

/**
 * What the request is about does not exist. Wire: HTTP 404, often with a null code; so `resource` says what was asked
 * for. Also HTTP 400 with code `model_not_found`.
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceNotFound extends Schema.TaggedError<ResourceNotFound>("effect-openai-threads/ResourceNotFound")(
  "ResourceNotFound",
  {
    resource: Schema.Literal("conversation", "item", "response", "file", "model", "endpoint"),
    id: optionalString,
    requestId: optionalString
  }
) {
  readonly isRetryable = false
  override get message() {
    return this.resource === "endpoint"
      ? `The server has no such endpoint: OPENAI_BASE_URL may name a server without it${reference(this.requestId)}`
      : `There is no ${this.resource}${this.id === undefined ? "" : ` "${this.id}"`}, or this key cannot see it${
        reference(this.requestId)
      }`
  }
}

/**
 * What the program gave is not valid. Found before any request was made.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>("effect-openai-threads/InvalidInput")(
  "InvalidInput",
  { field: Schema.String, reason: Schema.String }
) {
  readonly isRetryable = false
  override get message() {
    return `${this.field}: ${this.reason}`
  }
}

/**
 * Why the server rejected a request, as far as it can be told:
 *
 * - `locked`: another response is being made for this conversation (code `conversation_locked`)
 * - `context`: more input than the model can read (code `context_length_exceeded`)
 * - `orphanCall`, `orphanOutput`, `pairing`, `duplicate`: the history is broken; the wire's code is null for these, they
 *   are told by their text
 * - `resumeExpired`: a stream older than five minutes cannot be resumed
 * - `other`: look at `code` and `param`
 *
 * @since 0.1.0
 * @category models
 */
export const InvalidRequestKind = Schema.Literal(
  "locked",
  "context",
  "orphanCall",
  "orphanOutput",
  "pairing",
  "duplicate",
  "resumeExpired",
  "other"
)

/**
 * @since 0.1.0
 * @category models
 */
export type InvalidRequestKind = typeof InvalidRequestKind.Type

/**
 * The server rejected the request. Wire: HTTP 400, 409, 413, 415, 422 and other 4xx.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("effect-openai-threads/InvalidRequest")(
  "InvalidRequest",
  {
    kind: InvalidRequestKind,
    status: Schema.optional(Schema.Number),
    code: optionalString,
    param: optionalString,
    requestId: optionalString
  }
) {
  get isRetryable() {
    return this.kind === "locked"
  }
  override get message() {
    const code = this.code ?? (this.kind === "other" ? `HTTP ${this.status ?? 400}` : this.kind)
    return `OpenAI rejected the request: ${code}${this.param === undefined ? "" : ` at "${this.param}"`}${
      reference(this.requestId)
    }`
  }
}

/**
 * The account may not send more for now. Retry after {@link retryAfter}, if it is known.
 * Wire: HTTP 429 `rate_limit_exceeded` or `slow_down`; `rate_limit_exceeded` inside a stream. With `unsent` it is not
 * OpenAI that said so: the request was not sent, since it would have had to wait longer than `RateLimits` allows.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("effect-openai-threads/RateLimited")("RateLimited", {
  retryAfter: Schema.optional(Schema.Duration),
  code: optionalString,
  unsent: Schema.optional(Schema.Boolean),
  requestId: optionalString
}) {
  readonly isRetryable = true
  override get message() {
    if (this.unsent === true) {
      const when = this.retryAfter === undefined ? "later" : `in ${Duration.format(this.retryAfter)}`
      return `The request was not sent: OpenAI's rate limit has room for it ${when}, and it may not wait that long`
    }
    return (this.retryAfter === undefined
      ? "OpenAI's rate limit was reached: send less or wait"
      : `OpenAI's rate limit was reached: it asks to wait ${Duration.format(this.retryAfter)}`) +
      reference(this.requestId)
  }
}

/**
 * The account's credit or spend limit is used up: waiting does not help. Wire: HTTP 429 `insufficient_quota` and its
 * kin.
 *
 * @since 0.1.0
 * @category errors
 */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>("effect-openai-threads/QuotaExceeded")(
  "QuotaExceeded",
  { code: optionalString, requestId: optionalString }
) {
  readonly isRetryable = false
  override get message() {
    return `The account's quota is used up (${this.code ?? "insufficient_quota"}): check its plan, credit and limits${
      reference(this.requestId)
    }`
  }
}

/**
 * OpenAI failed. Wire: HTTP 5xx, `server_error` or `server_is_overloaded`. A write that fails like this may have been
 * carried out; `accepted` says so.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends Schema.TaggedError<ServerError>("effect-openai-threads/ServerError")("ServerError", {
  status: Schema.optional(Schema.Number),
  code: optionalString,
  retryAfter: Schema.optional(Schema.Duration),
  requestId: optionalString
}) {
  get isRetryable() {
    return this.accepted === false
  }
  /** Whether the request was carried out: certainly not where the server says that it is overloaded. */
  get accepted(): boolean | "unknown" {
    if (this.code === "server_is_overloaded" || (this.status === 503 && this.retryAfter !== undefined)) return false
    return this.status === undefined ? true : "unknown"
  }
  override get message() {
    return `OpenAI failed with ${this.code ?? `HTTP ${this.status ?? 500}`}: ${
      this.accepted === "unknown" ? "a write may have been carried out all the same" : "try again later"
    }${reference(this.requestId)}`
  }
}

/**
 * The server was not reached (refused, unknown host, TLS, connect timeout): it certainly did not get the request.
 * `reason` is the system's code, such as `ECONNREFUSED`.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionFailed extends Schema.TaggedError<ConnectionFailed>("effect-openai-threads/ConnectionFailed")(
  "ConnectionFailed",
  { reason: Schema.String }
) {
  readonly isRetryable = true
  override get message() {
    return `OpenAI could not be reached (${this.reason}): check the network and OPENAI_BASE_URL`
  }
}

/**
 * The connection was lost after the request went out: before its answer (`phase: "request"`) or in the middle of a
 * stream. `accepted` says whether the server got the request, `partial` is the text that had arrived; it is in the
 * field only, never in `message`, `toJSON` or logs.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionLost extends Schema.TaggedError<ConnectionLost>("effect-openai-threads/ConnectionLost")(
  "ConnectionLost",
  {
    phase: Schema.Literal("request", "stream"),
    how: Schema.Literal("reset", "eof"),
    accepted: Schema.Union(Schema.Boolean, Schema.Literal("unknown")),
    partial: optionalString,
    requestId: optionalString
  }
) {
  readonly isRetryable = false
  override toJSON() {
    return withoutContent(this, "partial")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    return (this.phase === "request"
      ? "The connection was lost before OpenAI answered: the request may have been carried out"
      : this.how === "eof"
      ? "The stream ended before the answer was complete"
      : "The connection was lost in the middle of the answer") + reference(this.requestId)
  }
}

/**
 * OpenAI took too long. `phase` says for what: to connect, to begin its answer, to go on with it, or in total. `partial`
 * is the text of a run until then; it is in the field only, never in `message`, `toJSON` or logs.
 *
 * @since 0.1.0
 * @category errors
 */
export class TimedOut extends Schema.TaggedError<TimedOut>("effect-openai-threads/TimedOut")("TimedOut", {
  phase: Schema.Literal("connect", "firstByte", "idle", "total"),
  partial: optionalString,
  requestId: optionalString
}) {
  get isRetryable() {
    return this.accepted === false
  }
  /** Whether the server got the request. */
  get accepted(): boolean | "unknown" {
    return this.phase === "connect" ? false : this.phase === "idle" ? true : "unknown"
  }
  override toJSON() {
    return withoutContent(this, "partial")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    const what = {
      connect: "The connection to OpenAI took too long",
      firstByte: "OpenAI did not begin to answer in time",
      idle: "OpenAI fell silent in the middle of an answer",
      total: "The answer took longer than was allowed"
    }[this.phase]
    return `${what}${reference(this.requestId)}`
  }
}

/**
 * The answer is not what OpenAI sends: not JSON, not an event stream, an event that cannot be read. A proxy or a
 * server that is not compatible is the usual cause.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedResponse
  extends Schema.TaggedError<UnexpectedResponse>("effect-openai-threads/UnexpectedResponse")("UnexpectedResponse", {
    reason: Schema.String,
    status: Schema.optional(Schema.Number),
    requestId: optionalString
  })
{
  readonly isRetryable = false
  override get message() {
    return `The server's answer could not be read: ${this.reason}. A proxy, or a server that is not compatible with OpenAI, may have sent it${
      reference(this.requestId)
    }`
  }
}

/**
 * Everything that a request to OpenAI can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export const RequestError = Schema.Union(
  AuthenticationError,
  PermissionDenied,
  ResourceNotFound,
  InvalidInput,
  InvalidRequest,
  RateLimited,
  QuotaExceeded,
  ServerError,
  ConnectionFailed,
  ConnectionLost,
  TimedOut,
  UnexpectedResponse
)

/**
 * @since 0.1.0
 * @category models
 */
export type RequestError = typeof RequestError.Type

const guard = lazy(() => Schema.is(RequestError))

/**
 * Whether a value is a {@link RequestError}.
 *
 * @since 0.1.0
 * @category guards
 */
export const is = (u: unknown): u is RequestError => guard()(u)

/**
 * A write of more than one request stopped part of the way: the first `written` of `total` items are in the thread
 * `threadId`, which exists also where it was just being created. `cause` says why it stopped.
 *
 * @since 0.1.0
 * @category errors
 */
export class PartlyWritten extends Schema.TaggedError<PartlyWritten>("effect-openai-threads/PartlyWritten")(
  "PartlyWritten",
  { threadId: ThreadId, written: Schema.Number, total: Schema.Number, cause: RequestError }
) {
  readonly isRetryable = false
  override get message() {
    return `Only ${this.written} of ${this.total} items were written, then: ${this.cause.message}`
  }
}
