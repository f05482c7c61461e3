/** Checks that are made before any request. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InvalidInput } from "../OpenAIError.ts"

type Check = Effect.Effect<void, InvalidInput>

const invalid = (field: string, reason: string): Check => Effect.fail(new InvalidInput({ field, reason }))

/**
 * The SDK would send a request with an empty id to the collection's URL, and refuses `.` and `..` in a way of its own.
 * Source: openai 7.57, `internal/utils/path`.
 */
export const id = (field: string, value: string): Check =>
  value.trim() === ""
    ? invalid(field, "it must not be empty")
    : /^(\.|%2e){1,2}$|\p{Surrogate}/iu.test(value)
    ? invalid(field, `"${value}" is not an id`)
    : Effect.void

export const ids = (values: Record<string, string | undefined>): Check =>
  Effect.forEach(
    Object.entries(values),
    ([field, value]) => value === undefined ? Effect.void : id(field, value),
    { discard: true }
  )

export const count = (field: string, value: number): Check =>
  Number.isInteger(value) && value > 0 ? Effect.void : invalid(field, "it must be a whole number above 0")

/** Source: OpenAI's API reference, "metadata". The limits are prose there, no schema has them. */
export const metadata = (metadata: Readonly<Record<string, string>> | undefined): Check => {
  const entries = Object.entries(metadata ?? {})
  if (entries.length > 16) return invalid("metadata", `${entries.length} pairs, 16 are allowed`)
  for (const [key, value] of entries) {
    if (key.length > 64) return invalid(`metadata.${key.slice(0, 16)}…`, "the key is longer than 64 characters")
    if (typeof value !== "string") return invalid(`metadata.${key}`, "the value is not a string")
    if (value.length > 512) return invalid(`metadata.${key}`, "the value is longer than 512 characters")
  }
  return Effect.void
}

/** What a server would reject, or do something with that nobody asked for. */
export const params = (params: {
  readonly conversation?: unknown
  readonly previous_response_id?: string | null | undefined
  readonly store?: boolean | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
  readonly max_output_tokens?: number | null | undefined
}): Check => {
  const hasConversation = params.conversation !== undefined && params.conversation !== null
  if (hasConversation && typeof params.previous_response_id === "string") {
    return invalid("conversation", "it excludes previous_response_id")
  }
  if (hasConversation && params.store === false) {
    return invalid("store", "whether an answer that is not stored is appended to a conversation is not defined")
  }
  if (typeof params.max_output_tokens === "number" && params.max_output_tokens < 16) {
    return invalid("maxOutputTokens", "it must be at least 16")
  }
  return metadata(params.metadata ?? undefined)
}

const hour = 3_600_000

/** Source: OpenAI's API reference, "Upload file". */
export const upload = (file: {
  readonly bytes: Uint8Array | Blob
  readonly filename: string
  readonly expiresAfter?: Duration.DurationInput | undefined
}): Check => {
  if (file.filename.trim() === "") return invalid("filename", "the file needs a name")
  const size = file.bytes instanceof Uint8Array ? file.bytes.byteLength : file.bytes.size
  if (size === 0) return invalid("bytes", "there are none")
  if (size > 512_000_000) return invalid("bytes", "they are more than 512 MB")
  if (file.expiresAfter === undefined) return Effect.void
  const after = Duration.toMillis(file.expiresAfter)
  return after < hour || after > 30 * 24 * hour
    ? invalid("expiresAfter", "it must be 1 hour to 30 days")
    : Effect.void
}

export const baseUrl = (url: string | undefined): Check =>
  url === undefined || URL.canParse(url) ? Effect.void : invalid("baseUrl", "it is not a URL")

/** A header cannot carry other characters, and the error that `fetch` throws for them shows the key. */
export const apiKey = (key: Redacted.Redacted): Check =>
  /^[\x21-\x7e]+$/.test(Redacted.value(key))
    ? Effect.void
    : invalid("apiKey", "it is empty or has characters that a key cannot have")
