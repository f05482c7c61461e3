/**
 * The headers in which OpenAI tells of a limit: `x-ratelimit-{limit,remaining,reset}-{requests,tokens,project-tokens}`.
 * `reset` is how long it takes until nothing of the limit is used. Source: OpenAI's guide "Rate limits".
 */
import * as Duration from "effect/Duration"

export type Kind = "requests" | "tokens" | "project-tokens"

/** A limit as an answer tells it. */
export interface Told {
  readonly limit: number
  readonly remaining: number
  /** In milliseconds; undefined where it is not told, or not as a duration. */
  readonly reset: number | undefined
}

const units: Record<string, number> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001
}

/** `1s`, `6m0s`, `120ms` or `1h2m3.5s`, in milliseconds. Azure tells a plain number of seconds. */
export const parseDuration = (text: string): number | undefined => {
  const trimmed = text.trim()
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000
  if (!/^(\d+(\.\d+)?(d|h|ms|m|s|us|µs|ns))+$/.test(trimmed)) return undefined
  let millis = 0
  for (const [, amount, unit = ""] of trimmed.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s|us|µs|ns)/g)) {
    millis += Number(amount) * (units[unit] ?? 0)
  }
  return millis
}

/** The other way round, as Go writes it: `6m0s`, `1.5s`, `120ms`. */
export const formatDuration = (duration: Duration.Duration): string => {
  const millis = Math.ceil(Duration.toMillis(duration))
  if (millis < 1000) return `${millis}ms`
  const seconds = `${(millis % 60_000) / 1000}s`
  const minutes = Math.floor(millis / 60_000)
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}

const count = (headers: Headers, name: string): number | undefined => {
  const text = headers.get(name)
  return text !== null && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
}

/** Undefined where the limit or what remains of it is not told. Azure tells -1 for a limit that it does not know. */
export const told = (headers: Headers, kind: Kind): Told | undefined => {
  const limit = count(headers, `x-ratelimit-limit-${kind}`)
  if (limit === undefined || limit === 0) return undefined
  const remaining = count(headers, `x-ratelimit-remaining-${kind}`)
  if (remaining === undefined) return undefined
  const reset = parseDuration(headers.get(`x-ratelimit-reset-${kind}`) ?? "")
  return { limit, remaining: Math.min(remaining, limit), reset }
}
