/** Time for programs that cross promises: moves the test clock and lets the event loop come to rest around it. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as TestClock from "effect/TestClock"

const isTestClock = (clock: Clock.Clock): clock is TestClock.TestClock => "adjust" in clock

const turnOfEventLoop = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** How many quiet turns of the event loop count as nothing left to do. */
const quietTurns = 20

/** Waits until nothing happened for a while; not for ever, should something never rest. */
const settle = (activity: () => number): Effect.Effect<void> =>
  Effect.suspend(() => {
    let seen = activity()
    let quiet = 0
    let total = 0
    return Effect.asVoid(Effect.repeat(turnOfEventLoop, {
      until: () => {
        const now = activity()
        quiet = now === seen ? quiet + 1 : 0
        seen = now
        return quiet >= quietTurns || ++total >= 10_000
      }
    }))
  })

/**
 * The test clock goes from one sleeper to the next and waits a few milliseconds of real time at each, so what is started
 * there falls asleep from there.
 */
export const advance = (duration: Duration.DurationInput, activity: () => number): Effect.Effect<void> =>
  Effect.clockWith((clock) =>
    isTestClock(clock)
      ? Effect.zipRight(Effect.zipRight(settle(activity), clock.adjust(duration)), settle(activity))
      : clock.sleep(Duration.decode(duration))
  )
