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
}

/** The fields that the three shapes share. */
interface WireError {
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly message: string
  readonly param?: string | undefined
  readonly type?: string | undefined
  readonly headers?: Headers | undefined
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

const isRateLimit = (code: string | undefined) => code === "rate_limit_exceeded" || code === "slow_down"

const kindByCode: Record<string, E.InvalidRequestKind> = {
  conversation_locked: "locked",
  context_length_exceeded: "context",
  item_already_in_conversation: "duplicate"
}

/** The wire's code is null for these. */
const kindByMessage: ReadonlyArray<readonly [pattern: RegExp, kind: E.InvalidRequestKind]> = [
  [/No tool output found for/i, "orphanCall"],
  [/No tool call found for/i, "orphanOutput"],
  [/without its required (following item|'reasoning' item)/i, "pairing"],
  [/Duplicate item found/i, "duplicate"],
  [/can no longer be streamed/i, "resumeExpired"],
  [/currently operating on this conversation/i, "locked"]
]

const kindOf = (error: WireError): E.InvalidRequestKind =>
  error.code !== undefined
    ? kindByCode[error.code] ?? "other"
    : kindByMessage.find(([pattern]) => pattern.test(error.message))?.[1] ?? "other"

/** `retry-after-ms`, `retry-after` (seconds or a date, told by the answer's own clock), or the text as a last resort. */
const retryAfterOf = (error: WireError): Duration.Duration | undefined => {
  const millis = Number.parseFloat(error.headers?.get("retry-after-ms") ?? "")
  if (millis >= 0) return Duration.millis(millis)
  const header = error.headers?.get("retry-after") ?? ""
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Duration.seconds(Number.parseFloat(header))
  const wait = Date.parse(header) - Date.parse(error.headers?.get("date") ?? "")
  if (wait >= 0) return Duration.millis(wait)
  const text = /try again in (\d+(?:\.\d+)?)\s*(ms|s)\b/i.exec(error.message)
  if (text === null) return undefined
  return text[2] === "ms" ? Duration.millis(Number(text[1])) : Duration.seconds(Number(text[1]))
}

const notFound = (error: WireError, about: About): E.ResourceNotFound => {
  const { requestId } = error
  if (error.code === "model_not_found") return new E.ResourceNotFound({ resource: "model", requestId })
  if (error.message === "") return new E.ResourceNotFound({ resource: "endpoint", requestId })
  const named = /\b(conversation|item|response)\b with id '([^']+)'/i.exec(error.message)
  if (named !== null) {
    const resource = named[1]!.toLowerCase() as "conversation" | "item" | "response"
    return new E.ResourceNotFound({ resource, id: named[2], requestId })
  }
  return new E.ResourceNotFound({ ...about, requestId })
}

const fromWire = (error: WireError, about: About): E.RequestError => {
  const { code, param, requestId, status } = error
  if (quotaCodes.has(code ?? "") || error.type === "insufficient_quota") {
    return new E.QuotaExceeded({ code, requestId })
  }
  if (isRateLimit(code) || status === 429) {
    return new E.RateLimited({ retryAfter: retryAfterOf(error), code, requestId })
  }
  if (status === 401 || code === "invalid_api_key") return new E.AuthenticationError({ code, requestId })
  if (status === 403) return new E.PermissionDenied({ code, requestId })
  if (status === 404) return notFound(error, about)
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
const neverConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ERR_INVALID_URL",
  "ERR_BAD_PORT"
])

const connectTimeouts = new Set(["UND_ERR_CONNECT_TIMEOUT", "ETIMEDOUT"])
const idleTimeouts = new Set(["UND_ERR_BODY_TIMEOUT"])
const headerTimeouts = new Set(["UND_ERR_HEADERS_TIMEOUT"])

const isTls = (code: string) => /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)

/** The system's code, wherever in the chain of causes it is. */
const systemCode = (error: unknown): string | undefined => {
  for (let e = error, depth = 0; Predicate.isObject(e) && depth < 8; e = "cause" in e ? e.cause : undefined, depth++) {
    const code = "code" in e ? string(e.code) : undefined
    if (code !== undefined) return code
    // `fetch` refuses some ports itself, and says so by text only.
    if ("message" in e && e.message === "bad port") return "ERR_BAD_PORT"
    if ("errors" in e && Array.isArray(e.errors) && e.errors.length > 0) return systemCode(e.errors[0])
  }
  return undefined
}

/** What a lost or failed connection means. */
export const fromConnection = (
  error: unknown,
  phase: E.ConnectionLost["phase"],
  requestId?: string | undefined
): E.RequestError => {
  const code = systemCode(error) ?? ""
  if (phase === "request") {
    if (connectTimeouts.has(code)) return new E.TimedOut({ phase: "connect" })
    if (headerTimeouts.has(code)) return new E.TimedOut({ phase: "firstByte" })
    if (neverConnected.has(code) || isTls(code)) return new E.ConnectionFailed({ reason: code })
  }
  if (idleTimeouts.has(code)) return new E.TimedOut({ phase: "idle", requestId })
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
      headers: error.headers,
      requestId: error.headers?.get("x-request-id") ?? undefined
    }, about)
  }
  if (error instanceof SyntaxError) return new E.UnexpectedResponse({ reason: "its body is not valid JSON", requestId })
  const constructor = Predicate.isObject(error) ? error.constructor.name : ""
  if (constructor === "APIConnectionTimeoutError") return new E.TimedOut({ phase: "firstByte" })
  return fromConnection(error, "request", requestId)
}

/**
 * The error of a stream: an `error` event, whose fields are flat by the SDK's types and nested on the wire, or the
 * `error` of a failed response.
 */
export const fromStream = (payload: unknown, requestId: string | undefined): E.RequestError => {
  const outer = Predicate.isRecord(payload) ? payload : {}
  const inner = Predicate.isRecord(outer["error"]) ? outer["error"] : outer
  const headers = Predicate.isRecord(inner["headers"])
    ? new Headers(Object.entries(inner["headers"]).flatMap(([k, v]) => typeof v === "string" ? [[k, v]] : []))
    : undefined
  return fromWire({
    code: string(inner["code"]),
    message: string(inner["message"]) ?? "",
    param: string(inner["param"]),
    type: string(inner["type"]),
    headers,
    requestId
  }, { resource: "response" })
}

/** The code of a stream's error, where it has one. */
export const streamCode = (payload: unknown): string | undefined => {
  const outer = Predicate.isRecord(payload) ? payload : {}
  const inner = Predicate.isRecord(outer["error"]) ? outer["error"] : outer
  return string(inner["code"])
}
