/** Requests and answers of the simulated API, before any transport. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Fault, Json } from "../Script.ts"

/** A request as it arrived. `path` begins after `/v1`. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** One network write of an answer's body. After the last one there is nothing to ask for. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** Gives the next piece, when it is time for it. */
export type Body = Effect.Effect<Piece>

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  /** The body is events, whatever its content type says. */
  readonly isEventStream?: boolean | undefined
  readonly fault?: Fault | undefined
  readonly readBytes?: number | undefined
}

/** An error as OpenAI words it: `{ error: { message, type, param, code } }`. */
export class ApiError extends Data.TaggedError("ApiError")<{
  readonly status: number
  readonly code: string | null
  readonly reason: string
  readonly param: string | null
  readonly type: string
  readonly headers: Readonly<Record<string, string>>
}> {}

export type Checked<A> = Either.Either<A, ApiError>

export const reject = (status: number, code: string | null, reason: string, options?: {
  readonly param?: string | null
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}): Checked<never> =>
  Either.left(
    new ApiError({
      status,
      code,
      reason,
      param: options?.param ?? null,
      type: options?.type ?? (status >= 500 ? "server_error" : "invalid_request_error"),
      headers: options?.headers ?? {}
    })
  )

export const isEventStream = (answer: Answer): boolean =>
  answer.isEventStream ?? answer.headers["content-type"]?.startsWith("text/event-stream") ?? false

export const encoder = new TextEncoder()

const once = (bytes: Uint8Array): Body => Effect.succeed({ bytes, last: true })

export const rawAnswer = (
  status: number,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array
): Answer => ({ status, headers: { ...headers, "content-length": String(bytes.length) }, body: once(bytes) })

export const bytesAnswer = (status: number, headers: Readonly<Record<string, string>>, body: string): Answer =>
  rawAnswer(status, headers, encoder.encode(body))

export const jsonAnswer = (value: Json, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  bytesAnswer(status, { "content-type": "application/json", ...headers }, JSON.stringify(value))

export const errorAnswer = (error: ApiError): Answer =>
  jsonAnswer(
    { error: { message: error.reason, type: error.type, param: error.param, code: error.code } },
    error.status,
    error.headers
  )

export const isJson = (value: unknown): value is Json => Predicate.isRecord(value) && !Array.isArray(value)

export const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/** A field's value, where null is the same as absent. */
export const present = (value: unknown): boolean => value !== undefined && value !== null

export const missing = (param: string): Checked<never> =>
  reject(400, "missing_required_parameter", `Missing required parameter: '${param}'.`, { param })

export const invalidType = (param: string, expected: string): Checked<never> =>
  reject(400, "invalid_type", `Invalid type for '${param}': expected ${expected}.`, { param })

/** Metadata has up to 16 pairs, keys up to 64 and values up to 512 characters. Null clears it. */
export const checkMetadata = (value: unknown): Checked<Json> => {
  if (!present(value)) return Either.right({})
  if (!isJson(value)) return invalidType("metadata", "an object")
  const entries = Object.entries(value)
  if (entries.length > 16) {
    return reject(
      400,
      "object_above_max_properties",
      `Invalid 'metadata': too many properties. Expected at most 16 properties, but got ${entries.length} instead.`,
      { param: "metadata" }
    )
  }
  for (const [key, text] of entries) {
    if (key.length > 64) {
      return reject(
        400,
        "string_above_max_length",
        `Invalid 'metadata': key too long. Expected maximum length 64, but got length ${key.length} instead.`,
        { param: "metadata" }
      )
    }
    if (typeof text !== "string") return invalidType(`metadata.${key}`, "a string")
    if (text.length > 512) {
      return reject(
        400,
        "string_above_max_length",
        `Invalid 'metadata.${key}': string too long. Expected maximum length 512, but got length ${text.length}.`,
        { param: `metadata.${key}` }
      )
    }
  }
  return Either.right(value)
}

/** A page of a list. The order is descending unless asked otherwise; `after` must be in the list. */
export const page = (
  items: ReadonlyArray<Json & { readonly id: string }>,
  query: Readonly<Record<string, string>>
): Checked<Json> => {
  const limit = query.limit === undefined ? 20 : Number(query.limit)
  if (!Number.isInteger(limit)) return invalidType("limit", "an integer")
  if (limit < 1) {
    return reject(
      400,
      "integer_below_min_value",
      `Invalid 'limit': integer below minimum value. Expected a value >= 1, but got ${limit} instead.`,
      { param: "limit" }
    )
  }
  if (limit > 100) {
    return reject(
      400,
      "integer_above_max_value",
      `Invalid 'limit': integer above maximum value. Expected a value <= 100, but got ${limit} instead.`,
      { param: "limit" }
    )
  }
  const order = query.order ?? "desc"
  if (order !== "asc" && order !== "desc") {
    return reject(
      400,
      "invalid_value",
      `Invalid value: '${order}'. Supported values are: 'asc' and 'desc'.`,
      { param: "order" }
    )
  }
  const ordered = order === "asc" ? items : items.toReversed()
  let start = 0
  if (query.after !== undefined) {
    const index = ordered.findIndex((item) => item.id === query.after)
    if (index === -1) return reject(404, null, `No item found with id '${query.after}'.`, { param: "after" })
    start = index + 1
  }
  const data = ordered.slice(start, start + limit)
  return Either.right(list(data, start + limit < ordered.length))
}

export const list = (data: ReadonlyArray<Json & { readonly id: string }>, hasMore = false): Json => ({
  object: "list",
  data,
  first_id: data[0]?.id ?? null,
  has_more: hasMore,
  last_id: data[data.length - 1]?.id ?? null
})
