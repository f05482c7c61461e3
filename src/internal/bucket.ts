/**
 * What remains of one limit: a bucket that fills up steadily, as OpenAI's does, and is put right by each answer.
 *
 * An answer tells what remained when its request came in, not what remains when it is heard: many others may be on
 * their way. So each request remembers what was believed when it was sent, and its answer corrects the bucket by the
 * difference, less what others have corrected meanwhile.
 */
import type { Told } from "./limitHeaders.ts"

/** What was believed when a request was sent. */
export interface Belief {
  readonly limit: number
  readonly level: number
  readonly corrected: number
}

/** Less than this is a rounding error. */
const negligible = 1e-6

export class Bucket {
  limit: number | undefined
  #level = 0
  #since = 0
  /** How much comes back in a millisecond; 0 while that is unknown. */
  #rate = 0
  /** The sum of all corrections. */
  #corrected = 0
  /** The rate that was told when most was used, which is the most exact. */
  #deepest = { used: 0, rate: Number.POSITIVE_INFINITY }

  level(now: number): number {
    return this.limit === undefined
      ? Number.POSITIVE_INFINITY
      : Math.min(this.limit, this.#level + Math.max(0, now - this.#since) * this.#rate)
  }

  /** How long until there is so much. Nothing waits for what is unknown, and one request for no more than the limit. */
  wait(amount: number, now: number): number {
    const lack = amount - this.level(now)
    return this.limit === undefined || this.#rate === 0 || lack <= negligible ? 0 : lack / this.#rate
  }

  /** How much of the bucket a request takes: a larger one than fits in is for the server to judge. */
  share(amount: number): number {
    return this.limit === undefined ? 0 : Math.min(amount, this.limit)
  }

  take(amount: number, now: number): Belief | undefined {
    if (this.limit === undefined) return undefined
    this.#set(this.level(now) - amount, now)
    return { limit: this.limit, level: this.#level, corrected: this.#corrected }
  }

  tell({ limit, remaining, reset }: Told, belief: Belief | undefined, now: number): void {
    if (limit !== this.limit) {
      this.limit = limit
      this.#rate = 0
      this.#deepest = { used: 0, rate: Number.POSITIVE_INFINITY }
      this.#set(remaining, now)
    } else if (belief?.limit !== limit) {
      // Sent before anything was known, as others may have been that are not told here yet.
      this.#set(Math.min(this.level(now), remaining), now)
    } else {
      const correction = remaining - (belief.level + this.#corrected - belief.corrected)
      this.#set(this.level(now) + correction, now)
      this.#corrected += correction
    }
    this.#learn(limit - remaining, reset)
  }

  /** When it is full. */
  full(now: number): number {
    return this.limit === undefined ? 0 : this.wait(this.limit, now)
  }

  #set(level: number, now: number): void {
    this.#level = Math.min(level, this.limit ?? level)
    this.#since = now
  }

  /** What remains is rounded down, and `reset` may tell the end of a fixed window: of two rates, the lower one. */
  #learn(used: number, reset: number | undefined): void {
    if (used <= 0 || reset === undefined || reset <= 0) return
    const rate = used / reset
    if (used > this.#deepest.used) this.#deepest = { used, rate }
    this.#rate = Math.min(rate, this.#deepest.rate)
    if (used === this.#deepest.used) this.#deepest = { used, rate: this.#rate }
  }
}
