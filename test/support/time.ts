/**
 * Time and chance of one test case that happens in one process. Its clock goes from one sleeper to the next as soon as
 * the event loop is at rest, so a minute takes as long as what happens in it, and a case with a seed happens the same way
 * again. What crosses a socket needs real time, and `simulator.advance`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

class CaseClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly #sleepers = new Set<Sleeper>()
  readonly currentTimeMillis = Effect.sync(() => this.now)
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  now = 0

  unsafeCurrentTimeMillis(): number {
    return this.now
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.now * 1_000_000))
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async((resume) => {
      const sleeper = { until: this.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      if (sleeper.until <= this.now) return sleeper.wake()
      this.#sleepers.add(sleeper)
      return Effect.sync(() => this.#sleepers.delete(sleeper))
    })
  }

  /** Wakes who is to wake next, of several whoever fell asleep first. Says whether there was somebody until then. */
  wakeNext(end: number): boolean {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) if (sleeper.until < (first?.until ?? Infinity)) first = sleeper
    if (first === undefined || first.until > end) return false
    this.#sleepers.delete(first)
    this.now = first.until
    first.wake()
    return true
  }
}

class Time extends Context.Tag("test/Time")<Time, CaseClock>() {}

/** In process all that goes on by itself is microtasks, so one turn would do. */
const quietTurns = 5

/** Waits until nothing goes on without time. */
const rest = Effect.async<void>((resume) => {
  let turns = 0
  const turn = () => ++turns < quietTurns ? setImmediate(turn) : resume(Effect.void)
  setImmediate(turn)
})

/** Lets time pass. */
export const pass = (millis: number): Effect.Effect<void, never, Time> =>
  Effect.flatMap(Time, (clock) =>
    Effect.suspend(() => {
      const end = clock.now + millis
      const loop: Effect.Effect<void> = Effect.flatMap(rest, () => {
        if (clock.wakeNext(end)) return loop
        clock.now = end
        return Effect.void
      })
      return loop
    }))

/** Lets time pass until it is done, which it has to be after so much of it. */
export const passing = <A, E, R>(effect: Effect.Effect<A, E, R>, millis: number): Effect.Effect<A, E, R | Time> =>
  Effect.gen(function*() {
    const clock = yield* Time
    const fiber = yield* Effect.fork(effect)
    const end = clock.now + millis
    for (let result = fiber.unsafePoll(); result === null; result = fiber.unsafePoll()) {
      yield* rest
      if (fiber.unsafePoll() === null && !clock.wakeNext(end)) {
        return yield* Effect.dieMessage(`it was not done after ${millis} ms`)
      }
    }
    return yield* Fiber.join(fiber)
  })

/** A case with a time of its own, and its chances from a seed. */
export const inOwnTime =
  (seed: number) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Time>> =>
    Effect.suspend(() => {
      const clock = new CaseClock()
      return Effect.provideService(effect, Time, clock).pipe(
        Effect.withClock(clock),
        Effect.withRandom(Random.make(seed)),
        // It does not turn to timers of the host when much goes on.
        Effect.withScheduler(new Scheduler.MixedScheduler(Infinity))
      )
    })
