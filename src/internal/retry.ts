/** Which requests may be sent again, and how it is done. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { PartlyWritten, RequestError } from "../OpenAIError.ts"
import { none, type Policy, RetryPolicy } from "../RetryPolicy.ts"
import type { RunError } from "../RunError.ts"
import { isRateLimit } from "./requestError.ts"

/**
 * - `once`: it has an effect, and nobody can tell afterwards whether it had: a call of the model
 * - `safe`: it only reads, or finds out itself whether the attempt before went through
 */
export type Repeat = "once" | "safe"

/** Whether the server may have carried out the request that failed like this. */
export const isAmbiguous = (failed: RunError): boolean => {
  const error = causeOf(failed)
  return "accepted" in error && error.accepted === "unknown" && !(error._tag === "TimedOut" && error.phase === "total")
}

/** Whether the server has certainly done nothing for a request that failed like this. */
export const isRefused = (error: RequestError): boolean => {
  switch (error._tag) {
    case "AuthenticationError":
    case "PermissionDenied":
    case "ResourceNotFound":
    case "InvalidInput":
    case "InvalidRequest":
    case "RateLimited":
    case "QuotaExceeded":
    case "ConnectionFailed":
      return true
    case "TimedOut":
    case "ServerError":
      return error.accepted === false
    default:
      return false
  }
}

const isRejected = (error: RunError): boolean => {
  switch (error._tag) {
    case "ConnectionFailed":
      return true
    case "RateLimited":
      // What was not sent has waited already, for as long as it may.
      return error.unsent !== true && (error.code === undefined || isRateLimit(error.code))
    case "InvalidRequest":
      return error.kind === "locked"
    case "ThreadBusy":
      return error.why === "locked"
    case "TimedOut":
    case "ServerError":
      return error.accepted === false
    default:
      return false
  }
}

const causeOf = (error: RunError): Exclude<RunError, PartlyWritten> =>
  error._tag === "PartlyWritten" ? error.cause : error

/** Whether the request may be sent again after this. */
const mayRepeat = (failed: RunError, repeat: Repeat): boolean => {
  const error = causeOf(failed)
  return isRejected(error) || (repeat === "safe" && isAmbiguous(error))
}

/** The wait before the next attempt, or none. Keeps the state of one request's policy. */
export const waits = (policy: Policy, repeat: Repeat) => {
  let state: unknown = policy.initial
  return (error: RunError): Effect.Effect<Option.Option<Duration.Duration>> =>
    mayRepeat(error, repeat)
      ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.map(policy.step(now, causeOf(error), state), ([next, , decision]) => {
          state = next
          return ScheduleDecision.isDone(decision)
            ? Option.none()
            : Option.some(Duration.millis(Math.max(0, ScheduleIntervals.start(decision.intervals) - now)))
        }))
      : Effect.succeedNone
}

/** Does it again as a policy allows. */
export const retryBy =
  (policy: Policy, repeat: Repeat) =>
  <A, E extends RunError, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    if (policy === none) return attempt
    const wait = waits(policy, repeat)
    const again: Effect.Effect<A, E, R> = Effect.catchAll(attempt, (error) =>
      Effect.flatMap(
        wait(error),
        Option.match({
          onNone: () => Effect.fail(error),
          onSome: (delay) => Effect.zipRight(Effect.sleep(delay), again)
        })
      ))
    return again
  }

/** Does it again as the policy in force allows. */
export const retry =
  (repeat: Repeat) => <A, E extends RunError, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(RetryPolicy, (policy) => retryBy(policy, repeat)(attempt))
