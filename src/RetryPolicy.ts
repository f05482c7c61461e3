/**
 * When a request is sent again.
 *
 * Only such requests are sent again as cannot be carried out twice: the server was not reached, or it said that it did
 * not take the request (429 `rate_limit_exceeded` or `slow_down`, 400 `conversation_locked`, 503 with `retry-after` or
 * `server_is_overloaded`). What only reads is also sent again after any 5xx and after a lost answer, and a write to a
 * thread after a look whether it went through. A policy says how often and after which wait; it cannot widen this.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleInterval from "effect/ScheduleInterval"

/**
 * What a policy is told of a failure: its tag, and how long the server asks to wait (`retry-after-ms`, `retry-after`).
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  readonly _tag: string
  readonly retryAfter?: Duration.Duration | undefined
}

/**
 * Decides after each failure whether there is another attempt, and after which wait.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = Schedule.Schedule<unknown, Failure>

/**
 * How often and how long to try again.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How many more attempts there are at most. Default: 5. */
  readonly attempts?: number | undefined
  /** How long all waits of a request may be together; a wait that does not fit in ends it. Default: 5 minutes. */
  readonly budget?: Duration.DurationInput | undefined
  /** The backoff before the first new attempt; it doubles up to 8 seconds. Default: 500 milliseconds. */
  readonly base?: Duration.DurationInput | undefined
}

const longestBackoff = 8_000

/**
 * What the server asks to wait, and on top of it an exponential backoff with jitter (half of it to the whole), so that
 * those who were told the same time do not come back at once.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ attempts = 5, base = "500 millis", budget = "5 minutes" }: Options = {}): Policy => {
  const first = Duration.toMillis(base)
  const most = Duration.toMillis(budget)
  return Schedule.makeWithState(
    { attempt: 0, waited: 0 },
    (now, failure: Failure, { attempt, waited }) =>
      Effect.map(Random.next, (random) => {
        const backoff = Math.min(first * 2 ** attempt, longestBackoff) * (0.5 + random / 2)
        const wait = backoff + (failure.retryAfter === undefined ? 0 : Duration.toMillis(failure.retryAfter))
        const next = { attempt: attempt + 1, waited: waited + wait }
        return next.attempt > attempts || next.waited > most
          ? [next, undefined, ScheduleDecision.done]
          : [next, undefined, ScheduleDecision.continueWith(ScheduleInterval.after(now + wait))]
      })
  )
}

/**
 * Nothing is sent again.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: Policy = Schedule.stop

/**
 * The policy in force. Nobody has to provide it: the default is {@link make} without options. Replace it for a part of a
 * program with `Effect.provideService(RetryPolicy, policy)`, or with {@link layer}.
 *
 * @since 0.1.0
 * @category references
 */
export class RetryPolicy extends Context.Reference<RetryPolicy>()("effect-openai-threads/RetryPolicy", {
  defaultValue: (): Policy => make()
}) {}

/**
 * Puts another policy in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (policy: Policy): Layer.Layer<never> => Layer.succeed(RetryPolicy, policy)
