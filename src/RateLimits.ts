/**
 * How a program keeps to the rate limits of its account.
 *
 * OpenAI tells with each answer how much a model may still be asked for (`x-ratelimit-*`), and with a 429 how long to wait
 * (`retry-after`). `OpenAI` keeps account of both for each model, and holds a call of the model back while there is no
 * room for it. Who is held back waits in a queue, in the order of arrival, and is sent as room comes back, not all at
 * once. Whoever got a 429 has its place before those who came later. Nothing is held back before OpenAI has told a limit, and
 * what it told is believed for ten minutes: then one call goes whatever that was, to hear whether it is still so.
 *
 * Threads and files have limits of their own, which OpenAI does not tell: they are only sent again as `RetryPolicy` says.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"

/**
 * What is done with what OpenAI tells of its limits:
 *
 * - `enforce`: calls of the model wait while there is no room for them
 * - `observe`: it is remembered, for `OpenAI.rateLimits`, and nothing waits
 * - `off`: nothing is remembered
 *
 * @since 0.1.0
 * @category models
 */
export type Mode = "off" | "observe" | "enforce"

/**
 * The settings. One that is undefined has its default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** Default: `enforce`, since a call that nothing is known against does not wait. */
  readonly mode?: Mode | undefined
  /**
   * How long a call may wait in the queue. One that would wait longer is not sent, and fails at once with
   * `RateLimited{ retryAfter, unsent: true }`, which `RetryPolicy` does not send again. A run's `timeout` goes on
   * meanwhile. Default: 1 minute.
   */
  readonly maxWait?: Duration.DurationInput | undefined
}

/**
 * A limit of requests or of tokens, as far as it is known by now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limit {
  readonly limit: number
  /** What is left of it: what OpenAI told, less what was sent since, and with what has come back since. */
  readonly remaining: number
  /** When all of it is there again if nothing is sent. */
  readonly reset: Duration.Duration
}

/**
 * What is known of a model's limits.
 *
 * @since 0.1.0
 * @category models
 */
export interface ModelLimits {
  readonly model: string
  readonly requests: Limit | undefined
  readonly tokens: Limit | undefined
  /** The limit of the project, where it has one of its own. */
  readonly projectTokens: Limit | undefined
  /** Until then nothing is sent, because of a 429. Undefined when that is over. */
  readonly blockedUntil: DateTime.Utc | undefined
  /** How many calls wait in the queue. */
  readonly waiting: number
}

/**
 * The settings in force. Nobody has to provide them. Replace them for a part of a program with
 * `Effect.provideService(RateLimits, settings)`, or with {@link layer}.
 *
 * @since 0.1.0
 * @category references
 */
export class RateLimits extends Context.Reference<RateLimits>()("effect-openai-threads/RateLimits", {
  defaultValue: (): Settings => ({})
}) {}

/**
 * Puts other settings in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (settings: Settings): Layer.Layer<never> => Layer.succeed(RateLimits, settings)
