import { expect, it } from "@effect/vitest"
import { Duration, Effect, TestClock } from "effect"
import { after } from "../../src/internal/timer.ts"

/** Two timers, of which the second is stopped before its time. */
const timers = Effect.map(Effect.clock, (clock) => {
  const called: Array<string> = []
  after(clock, Duration.millis(20), () => called.push("first"))
  after(clock, Duration.millis(20), () => called.push("stopped"))()
  return called
})

it.live("a timer of the computer's clock calls back once, unless it is stopped before", () =>
  Effect.gen(function*() {
    const called = yield* timers
    yield* Effect.sleep("60 millis")
    expect(called).toEqual(["first"])
  }))

it.effect("so does one of another clock, in that clock's time", () =>
  Effect.gen(function*() {
    const called = yield* timers
    yield* TestClock.adjust("19 millis")
    expect(called).toEqual([])
    yield* TestClock.adjust("1 millis")
    expect(called).toEqual(["first"])
    expect(yield* TestClock.sleeps()).toHaveLength(0)
  }))
