import { expect, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import * as Connection from "../../src/internal/connection.ts"

it.effect("the timer comes to its end where fractions of a millisecond do not add up", () =>
  Effect.gen(function*() {
    const connection = new Connection.Connection(yield* Effect.clock, { firstByte: "10 seconds", idle: "10 seconds" })
    let silences = 0
    connection.watch()
    yield* TestClock.adjust(7_201.6)
    connection.wait(() => void silences++)
    yield* TestClock.adjust(9_999)
    expect(silences).toBe(0)
    yield* TestClock.adjust(1)
    expect(silences).toBe(1)
    expect(yield* TestClock.sleeps()).toHaveLength(0)
  }))
