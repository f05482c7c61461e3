/** The rate limits of the simulated OpenAI: for each key and model, buckets that fill up steadily. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { formatDuration } from "../../internal/limitHeaders.ts"
import { type Checked, reject } from "./http.ts"

/**
 * So much in so much time. It comes back steadily, and never gets to more than `limit`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RateLimit {
  readonly limit: number
  readonly per: Duration.DurationInput
}

/**
 * The rate limits of each key for each model.
 *
 * @since 0.1.0
 * @category models
 */
export interface RateLimits {
  readonly requests?: RateLimit | undefined
  /** Counted when a request comes in: what the model would read, or `max_output_tokens` if that is more. */
  readonly tokens?: RateLimit | undefined
}

type Kind = keyof RateLimits

const names: Record<Kind, string> = {
  requests: "requests per min (RPM)",
  tokens: "tokens per min (TPM)"
}

class Bucket {
  readonly kind: Kind
  readonly limit: number
  /** How much comes back in a millisecond. */
  readonly #rate: number
  #level: number
  #since: number

  constructor(kind: Kind, { limit, per }: RateLimit, now: number) {
    this.kind = kind
    this.limit = limit
    this.#rate = limit / Duration.toMillis(per)
    this.#level = limit
    this.#since = now
  }

  fill(now: number): void {
    this.#level = Math.min(this.limit, this.#level + (now - this.#since) * this.#rate)
    this.#since = now
  }

  /** In milliseconds. */
  waitFor(amount: number): number {
    // What a rounding error lacks is there.
    return Math.max(0, Math.ceil((amount - this.#level) / this.#rate - 1e-6))
  }

  take(amount: number): void {
    this.#level = Math.max(0, this.#level - amount)
  }

  get headers(): ReadonlyArray<readonly [name: string, value: string]> {
    return [
      [`x-ratelimit-limit-${this.kind}`, String(this.limit)],
      [`x-ratelimit-remaining-${this.kind}`, String(Math.floor(this.#level + 1e-6))],
      [`x-ratelimit-reset-${this.kind}`, formatDuration(Duration.millis(this.waitFor(this.limit)))]
    ]
  }
}

export class Limiter {
  readonly #limits: RateLimits
  readonly #buckets = new Map<string, ReadonlyArray<Bucket>>()

  constructor(limits: RateLimits) {
    this.#limits = limits
  }

  /** Counts a request, or rejects it. Gives the headers of its answer. */
  admit({ key, model, now, tokens }: {
    readonly key: string
    readonly model: string
    readonly tokens: number
    readonly now: number
  }): Checked<Readonly<Record<string, string>>> {
    const buckets = this.#bucketsOf(`${key} ${model}`, now)
    const amounts = { requests: 1, tokens }
    for (const bucket of buckets) bucket.fill(now)
    const short = buckets.find((bucket) => bucket.waitFor(amounts[bucket.kind]) > 0)
    // What is rejected takes nothing.
    if (short === undefined) { for (const bucket of buckets) bucket.take(amounts[bucket.kind]) }
    const headers = Object.fromEntries(buckets.flatMap((bucket) => bucket.headers))
    if (short === undefined) return Either.right(headers)
    const requested = amounts[short.kind]
    const wait = short.waitFor(requested)
    const what = `for ${model} on ${names[short.kind]}: Limit ${short.limit}, Requested ${requested}.`
    return requested > short.limit
      ? reject(429, "rate_limit_exceeded", `Request too large ${what}`, { type: short.kind, headers })
      : reject(
        429,
        "rate_limit_exceeded",
        `Rate limit reached ${what} Please try again in ${formatDuration(Duration.millis(wait))}.`,
        { type: short.kind, headers: { ...headers, "retry-after": String(Math.ceil(wait / 1000)) } }
      )
  }

  #bucketsOf(key: string, now: number): ReadonlyArray<Bucket> {
    const { requests, tokens } = this.#limits
    const buckets = this.#buckets.get(key) ?? [
      ...(requests === undefined ? [] : [new Bucket("requests", requests, now)]),
      ...(tokens === undefined ? [] : [new Bucket("tokens", tokens, now)])
    ]
    this.#buckets.set(key, buckets)
    return buckets
  }
}
