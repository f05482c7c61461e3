import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { formatDuration, parseDuration, told } from "../../src/internal/limitHeaders.ts"

const headers = (kind: string, limit: string, remaining: string, reset?: string) =>
  new Headers({
    [`x-ratelimit-limit-${kind}`]: limit,
    [`x-ratelimit-remaining-${kind}`]: remaining,
    ...(reset === undefined ? {} : { [`x-ratelimit-reset-${kind}`]: reset })
  })

describe("parseDuration", () => {
  const cases: Record<string, number | undefined> = {
    "1s": 1_000,
    "6m0s": 360_000,
    "120ms": 120,
    "1h2m3.5s": 3_723_500,
    "8.64s": 8_640,
    "24h": 86_400_000,
    "1d": 86_400_000,
    "0s": 0,
    "500µs": 0.5,
    " 2s ": 2_000,
    "30": 30_000,
    "": undefined,
    soon: undefined,
    "-1s": undefined,
    "1s later": undefined,
    "2026-08-26T00:00:00Z": undefined
  }
  for (const [text, millis] of Object.entries(cases)) {
    it(`reads ${JSON.stringify(text)}`, () => expect(parseDuration(text)).toBe(millis))
  }

  it("reads what formatDuration writes", () => {
    for (const millis of [0, 1, 120, 999, 1_000, 1_500, 59_999, 60_000, 360_000, 3_723_500, 90_000_000]) {
      expect(parseDuration(formatDuration(Duration.millis(millis)))).toBe(millis)
    }
    expect(formatDuration(Duration.minutes(6))).toBe("6m0s")
  })
})

describe("told", () => {
  it("reads each kind of limit", () => {
    for (const kind of ["requests", "tokens", "project-tokens"] as const) {
      expect(told(headers(kind, "60", "59", "1s"), kind)).toEqual({ limit: 60, remaining: 59, reset: 1_000 })
      const others = (["requests", "tokens", "project-tokens"] as const).filter((other) => other !== kind)
      for (const other of others) expect(told(headers(kind, "60", "59", "1s"), other)).toBeUndefined()
    }
  })

  it("is nothing where OpenAI tells nothing, or nothing that makes sense", () => {
    expect(told(new Headers(), "requests")).toBeUndefined()
    expect(told(headers("tokens", "-1", "-1", "0"), "tokens")).toBeUndefined()
    expect(told(headers("tokens", "many", "few", "soon"), "tokens")).toBeUndefined()
    expect(told(headers("tokens", "0", "0", "0s"), "tokens")).toBeUndefined()
    expect(told(new Headers({ "x-ratelimit-limit-tokens": "10" }), "tokens")).toBeUndefined()
  })

  it("does without a reset, and does not believe that more remains than there is", () => {
    expect(told(headers("tokens", "10", "4"), "tokens")).toEqual({ limit: 10, remaining: 4, reset: undefined })
    expect(told(headers("tokens", "10", "12", "soon"), "tokens")).toEqual({
      limit: 10,
      remaining: 10,
      reset: undefined
    })
  })
})
