/**
 * The one place where errors of the wire become ours. They come in three shapes: what the SDK throws (an HTTP status
 * with or without a JSON body, or a failed connection), the `error` event of a stream (flat or nested), and
 * `response.failed`. The texts of OpenAI quote the input, so they are looked at here and then dropped.
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as E from "../OpenAIError.ts"

/** What a request was about, to name it where the wire does not. */
export interface About {
  readonly resource: E.ResourceNotFound["resource"]
  readonly id?: string | undefined
  /** The model that is asked. */
  readonly model?: string | undefined
}

/** The fields that the three shapes share. */
interface WireError {
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly message: string
  readonly param?: string | undefined
  readonly type?: string | undefined
  /** A header by its name in lower case. */
  readonly header: (name: string) => string | undefined
  readonly requestId?: string | undefined
}

const string = (u: unknown): string | undefined => typeof u === "string" && u !== "" ? u : undefined

/** The codes of HTTP 429 that no waiting cures. */
const quotaCodes = new Set([
  "insufficient_quota",
  "credit_balance_exhausted",
  "organization_spend_limit_exceeded",
  "project_spend_limit_exceeded",
  "organization_usage_limit_exceeded"
])

export const isRateLimit = (code: string | undefined) => code === "rate_limit_exceeded" || code === "slow_down"

const kindByCode: Record<string, E.InvalidRequestKind> = {
  conversation_locked: "locked",
  context_length_exceeded: "context",
  item_already_in_conversation: "duplicate"
}

/** The wire's code is null for these. */
const kindByMessage: ReadonlyArray<readonly [pattern: RegExp, kind: E.InvalidRequestKind]> = [
  [/No tool output found for/i, "orphanCall"],
  [/No tool call found for/i, "orphanOutput"],
  // Source: community.openai.com 1365706.
  [/MCP approval requests have approval responses but/i, "orphanOutput"],
  [/without its required (following item|'reasoning' item)/i, "pairing"],
  [/Duplicate item found/i, "duplicate"],
  [/can no longer be streamed/i, "resumeExpired"],
  [/currently operating on this conversation/i, "locked"]
]

const kindOf = (error: WireError): E.InvalidRequestKind =>
  error.code !== undefined
    ? kindByCode[error.code] ?? "other"
    : kindByMessage.find(([pattern]) => pattern.test(error.message))?.[1] ?? "other"

/** `1m2.5s`, `3.89s` or `174ms`, as a rate limit's text ends. */
const waitInText = (text: string): Duration.Duration | undefined => {
  const wait = /try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?/i.exec(text)
  const [, hours, minutes, amount, unit] = wait ?? []
  if ((hours ?? minutes ?? amount) === undefined) return undefined
  const rest = Number(amount ?? 0) * (unit === "ms" ? 1 : 1000)
  return Duration.millis(Number(hours ?? 0) * 3_600_000 + Number(minutes ?? 0) * 60_000 + rest)
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date, told by the answer's own clock. */
const retryAfterOf = ({ header }: WireError): Duration.Duration | undefined => {
  const millis = Number.parseFloat(header("retry-after-ms") ?? "")
  if (millis >= 0) return Duration.millis(millis)
  const retryAfter = header("retry-after") ?? ""
  if (/^\s*\d+(\.\d+)?\s*$/.test(retryAfter)) return Duration.seconds(Number.parseFloat(retryAfter))
  const wait = Date.parse(retryAfter) - Date.parse(header("date") ?? "")
  return wait >= 0 ? Duration.millis(wait) : undefined
}

const notFound = (error: WireError, about: About): E.ResourceNotFound => {
  const { requestId } = error
  if (error.code === "model_not_found") return new E.ResourceNotFound({ resource: "model", id: about.model, requestId })
  if (error.message === "") return new E.ResourceNotFound({ resource: "endpoint", requestId })
  const named = /\b(conversation|item|response)\b(?: found)? with id '([^']+)'/i.exec(error.message)
  if (named !== null) {
    const resource = named[1]!.toLowerCase() as "conversation" | "item" | "response"
    return new E.ResourceNotFound({ resource, id: named[2], requestId })
  }
  return new E.ResourceNotFound({ resource: about.resource, id: about.id, requestId })
}

const fromWire = (error: WireError, about: About): E.RequestError => {
  const { code, param, requestId, status } = error
  if (quotaCodes.has(code ?? "") || error.type === "insufficient_quota") {
    return new E.QuotaExceeded({ code, requestId })
  }
  if (isRateLimit(code) || status === 429) {
    return new E.RateLimited({ retryAfter: retryAfterOf(error) ?? waitInText(error.message), code, requestId })
  }
  if (status === 401 || code === "invalid_api_key") return new E.AuthenticationError({ code, requestId })
  if (status === 403) return new E.PermissionDenied({ code, requestId })
  if (status === 404 || code === "model_not_found") return notFound(error, about)
  if (status === 408) return new E.TimedOut({ phase: "firstByte", requestId })
  if (status !== undefined && status < 500) {
    return error.message === "" && code === undefined
      ? new E.UnexpectedResponse({ reason: `HTTP ${status} without OpenAI's error body`, status, requestId })
      : new E.InvalidRequest({ kind: kindOf(error), status, code, param, requestId })
  }
  const kind = kindOf(error)
  if (status === undefined && kind !== "other") return new E.InvalidRequest({ kind, code, param, requestId })
  return new E.ServerError({ status, code, retryAfter: retryAfterOf(error), requestId })
}

/** System codes of connections that were never made: the server cannot have got the request. */
const neverConnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"])
/** What `fetch` refuses itself, the same each time. */
const refused = new Map([
  ["ERR_INVALID_URL", "it is not a URL"],
  ["bad port", "its port belongs to another service, and `fetch` refuses it"]
])
/** The same, unless the connection was up already. */
const unreachable = new Set(["EHOSTUNREACH", "ENETUNREACH"])

/** Of TLS only what a handshake fails with: an alert may also come after the request. */
const isHandshake = (code: string) =>
  /^(ERR_TLS_CERT|ERR_SSL_WRONG_VERSION_NUMBER|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)

interface SystemError {
  readonly code: string
  /** Whether it happened while the connection was made, as far as it is told. */
  readonly connecting: boolean
}

/** The system's error, wherever in the chain of causes it is. */
const systemError = (error: unknown, depth = 0): SystemError | undefined => {
  if (!Predicate.isObject(error) || depth > 8) return undefined
  const code = "code" in error ? string(error.code) : undefined
  if (code !== undefined) {
    const call = "syscall" in error ? string(error.syscall) : undefined
    return { code, connecting: call === undefined || call === "connect" || call === "getaddrinfo" }
  }
  // `fetch` refuses some ports itself, and says so by text only.
  if ("message" in error && error.message === "bad port") return { code: "bad port", connecting: true }
  const first = "errors" in error && Array.isArray(error.errors) ? systemError(error.errors[0], depth + 1) : undefined
  return first ?? ("cause" in error ? systemError(error.cause, depth + 1) : undefined)
}

/** What a lost or failed connection means. */
export const fromConnection = (
  error: unknown,
  phase: E.ConnectionLost["phase"],
  requestId?: string | undefined
): E.RequestError => {
  const { code, connecting } = systemError(error) ?? { code: "", connecting: false }
  if (phase === "request") {
    const reason = refused.get(code)
    if (reason !== undefined) return new E.InvalidInput({ field: "baseUrl", reason })
    if (code === "UND_ERR_CONNECT_TIMEOUT" || (code === "ETIMEDOUT" && connecting)) {
      return new E.TimedOut({ phase: "connect" })
    }
    if (code === "UND_ERR_HEADERS_TIMEOUT") return new E.TimedOut({ phase: "firstByte", requestId })
    if (neverConnected.has(code) || isHandshake(code) || (unreachable.has(code) && connecting)) {
      return new E.ConnectionFailed({ reason: code })
    }
  }
  if (code === "UND_ERR_BODY_TIMEOUT") return new E.TimedOut({ phase: "idle", requestId })
  return new E.ConnectionLost({ phase, how: "reset", accepted: phase === "stream" ? true : "unknown", requestId })
}

/** The SDK's own errors, known by their shape: `name` is always "Error", and an injected client may be another copy. */
const isStatusError = (
  u: unknown
): u is {
  status: number
  headers: Headers | undefined
  code: unknown
  param: unknown
  type: unknown
  error: unknown
} => Predicate.hasProperty(u, "status") && typeof u.status === "number" && "headers" in u

/** The headers of the answer that the SDK threw, if there was one. */
export const headersOf = (error: unknown): Headers | undefined => isStatusError(error) ? error.headers : undefined

/** Whether the connection is what failed, rather than the client. */
const isConnection = (error: unknown, constructor: string): boolean =>
  constructor === "APIConnectionError" ||
  constructor === "APIConnectionTimeoutError" ||
  constructor === "APIUserAbortError" ||
  systemError(error) !== undefined ||
  (error instanceof Error && (error.name === "AbortError" || error.message === "terminated"))

/** An answer that is no JSON was thrown away unread. */
export class NotJson extends Error {
  readonly contentType: string
  constructor(contentType: string) {
    super()
    this.contentType = contentType
  }
}

/** What the SDK, or `fetch` below it, threw. */
export const fromSdk = (error: unknown, about: About, requestId?: string | undefined): E.RequestError => {
  if (isStatusError(error)) {
    const body = Predicate.isRecord(error.error) ? error.error : {}
    return fromWire({
      status: error.status,
      code: string(error.code),
      message: string(body["message"]) ?? "",
      param: string(error.param),
      type: string(error.type),
      header: (name) => error.headers?.get(name) ?? undefined,
      requestId: error.headers?.get("x-request-id") ?? undefined
    }, about)
  }
  if (error instanceof SyntaxError) return new E.UnexpectedResponse({ reason: "its body is not valid JSON", requestId })
  if (error instanceof NotJson) {
    return new E.UnexpectedResponse({ reason: `its content type is "${error.contentType}", not JSON`, requestId })
  }
  const constructor = Predicate.isObject(error) ? error.constructor?.name ?? "" : ""
  // Its own limit; or a limit of `fetch`, which it takes for its own but names as the cause.
  if (constructor === "APIConnectionTimeoutError" && systemError(error) === undefined) {
    return new E.TimedOut({ phase: "firstByte" })
  }
  return isConnection(error, constructor)
    ? fromConnection(error, "request", requestId)
    : new E.UnexpectedResponse({ reason: "the client could not make sense of it", requestId })
}

/**
 * The error of a stream: an `error` event, whose fields are flat by the SDK's types and nested on the wire, or the
 * `error` of a failed response.
 */
export const fromStream = (payload: unknown, requestId: string | undefined): E.RequestError => {
  const outer = Predicate.isRecord(payload) ? payload : {}
  const inner = Predicate.isRecord(outer["error"]) ? outer["error"] : outer
  const headers = Object.entries(Predicate.isRecord(inner["headers"]) ? inner["headers"] : {})
  const header = (name: string) => {
    const value = headers.find(([key]) => key.toLowerCase() === name)?.[1]
    return value === undefined || value === null ? undefined : String(value)
  }
  return fromWire({
    code: string(inner["code"]),
    message: string(inner["message"]) ?? "",
    param: string(inner["param"]),
    type: string(inner["type"]),
    header,
    requestId
  }, { resource: "response" })
}

/** The code of a stream's error, where it has one. */
export const streamCode = (payload: unknown): string | undefined => {
  const outer = Predicate.isRecord(payload) ? payload : {}
  const inner = Predicate.isRecord(outer["error"]) ? outer["error"] : outer
  return string(inner["code"])
}
