/** Time for programs that cross promises: steps the test clock and lets the event loop run in between. */
import * as Chunk from "effect/Chunk"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as TestClock from "effect/TestClock"

const isTestClock = (clock: Clock.Clock): clock is TestClock.TestClock => "adjust" in clock && "sleeps" in clock

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

export const advance = (duration: Duration.DurationInput, activity: () => number): Effect.Effect<void> =>
  Effect.clockWith((clock) =>
    isTestClock(clock)
      ? step(clock, Duration.toMillis(duration), activity)
      : clock.sleep(Duration.decode(duration))
  )

/** Moves to each moment at which somebody wakes, so that what is started there falls asleep from there. */
const step = (clock: TestClock.TestClock, millis: number, activity: () => number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const target = clock.unsafeCurrentTimeMillis() + millis
    yield* settle(activity)
    while (clock.unsafeCurrentTimeMillis() < target) {
      const now = clock.unsafeCurrentTimeMillis()
      const sleeps = Chunk.toReadonlyArray(yield* clock.sleeps).filter((at) => at > now && at < target)
      yield* clock.adjust(sleeps.reduce((a, b) => Math.min(a, b), target) - now)
      yield* settle(activity)
    }
  })
