/** How long a command tries again, and that it says so: one that waits in silence looks like one that hangs. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import * as RetryPolicy from "../RetryPolicy.ts"

/** Somebody waits: after three new attempts within a minute it is time to say what is wrong. */
const policy = RetryPolicy.make({ attempts: 3, budget: "1 minute" })

const seconds = (millis: number) => `${Duration.toSeconds(Duration.millis(Math.max(0, millis))).toFixed(1)} s`

/** What happened, in a word that needs no manual. */
const causes: Record<string, string> = {
  ConnectionFailed: "OpenAI could not be reached",
  ConnectionLost: "the connection was lost",
  InvalidRequest: "the thread is busy",
  RateLimited: "OpenAI's rate limit was reached",
  ServerError: "OpenAI could not answer",
  ThreadBusy: "the thread is busy",
  TimedOut: "OpenAI did not answer in time"
}

/** Tells each wait before it begins. */
const told = (say: (line: string) => Effect.Effect<void>): RetryPolicy.Policy =>
  Schedule.makeWithState(
    { attempt: 1, state: policy.initial },
    (now, failure: RetryPolicy.Failure, { attempt, state }) =>
      Effect.flatMap(policy.step(now, failure, state), ([next, out, decision]) => {
        const step = [{ attempt: attempt + 1, state: next }, out, decision] as const
        if (ScheduleDecision.isDone(decision)) return Effect.succeed(step)
        const wait = seconds(ScheduleIntervals.start(decision.intervals) - now)
        return Effect.as(
          say(`${causes[failure._tag] ?? failure._tag}: asking again in ${wait} (attempt ${attempt + 1}).`),
          step
        )
      })
  )

/** Around whatever makes requests. */
export const patiently =
  (say: (line: string) => Effect.Effect<void>) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, RetryPolicy.RetryPolicy, told(say))
