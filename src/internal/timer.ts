/** A timer of the Clock, for what has no fiber to sleep in. */
import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Predicate from "effect/Predicate"

const schedulers = new WeakMap<Clock.Clock, Clock.ClockScheduler>()

/** What the clock of the computer sleeps by, which its type does not tell of. Another clock has none. */
const schedulerOf = (clock: Clock.Clock): Clock.ClockScheduler | undefined => {
  const known = schedulers.get(clock)
  if (known !== undefined || !Predicate.hasProperty(clock, "scheduler")) return known
  if (!Predicate.isFunction(clock.scheduler)) return undefined
  const scheduler = Effect.runSync(clock.scheduler() as Effect.Effect<Clock.ClockScheduler>)
  schedulers.set(clock, scheduler)
  return scheduler
}

/** Calls `f` when the time is over, unless the function that it gives is called before. */
export const after = (clock: Clock.Clock, time: Duration.Duration, f: () => void): () => void => {
  const scheduler = schedulerOf(clock)
  if (scheduler !== undefined) {
    // Ten times as cheap as a fiber that sleeps, and several are set for each answer.
    const stop = scheduler.unsafeSchedule(f, time)
    return () => void stop()
  }
  const fiber = Effect.runFork(Effect.map(clock.sleep(time), f))
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}
