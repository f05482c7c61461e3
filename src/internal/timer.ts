/** A timer of the Clock, for what has no fiber to sleep in: forking one from a fiber of the program costs ten times as much. */
import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

/** Calls `f` when the time is over, unless the function that it gives is called before. */
export const after = (clock: Clock.Clock, time: Duration.Duration, f: () => void): () => void => {
  const fiber = Effect.runFork(Effect.map(clock.sleep(time), f))
  return () => fiber.unsafeInterruptAsFork(FiberId.none)
}
