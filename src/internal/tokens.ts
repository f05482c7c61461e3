/**
 * How many tokens OpenAI will count for a request before it is carried out, roughly: the larger of a quarter of its
 * characters and `max_output_tokens`. Source: OpenAI's guide "Rate limits". Files count nothing here, since their size
 * says little. A history that is at OpenAI counts as much as the last answer in it read and wrote, and a quarter more, since
 * histories grow. What is wrong, the answer puts right.
 */
import * as Predicate from "effect/Predicate"

/** What is looked at of a request. */
export interface Asked {
  readonly model?: string | undefined
  readonly max_output_tokens?: number | null | undefined
  readonly conversation?: unknown
  readonly previous_response_id?: string | null | undefined
}

/** Fields that hold what is not read as text. */
const opaque = new Set(["file_data", "image_url", "encrypted_content"])

/** About as many as its JSON has. */
const characters = (value: unknown): number => {
  if (typeof value === "string") return value.length + 2
  if (Array.isArray(value)) return value.reduce((sum: number, one: unknown) => sum + characters(one) + 1, 2)
  if (!Predicate.isRecord(value)) return 4
  let sum = 2
  for (const key in value) if (!opaque.has(key)) sum += key.length + 4 + characters(value[key])
  return sum
}

export const tokensOf = (asked: Asked, history: number): number => {
  const own = Math.ceil(characters(asked) / 4)
  return Math.max(own + Math.ceil(history * 1.25), asked.max_output_tokens ?? 0)
}
