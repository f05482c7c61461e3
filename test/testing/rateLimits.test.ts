import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/TestClock"
import * as Script from "../../src/testing/Script.ts"
import * as Simulator from "../../src/testing/Simulator.ts"

const turns = (count: number): Script.Script => Array.from({ length: count }, () => Script.text("Hi"))

const open = (script: Script.Script, rateLimits?: Simulator.RateLimits) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(0)
    const simulator = yield* Effect.withRandom(Simulator.make(script, { rateLimits }), Random.make("limits"))
    const ask = (body: object = {}, key = "sk-test") =>
      Effect.promise(async () => {
        const response = await simulator.fetch("https://api.openai.com/v1/responses", {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({ model: "any", input: "Hello", ...body })
        })
        const names = ["limit", "remaining", "reset"]
        const told = (kind: string) => names.map((name) => response.headers.get(`x-ratelimit-${name}-${kind}`))
        return {
          status: response.status,
          requests: told("requests"),
          tokens: told("tokens"),
          retryAfter: response.headers.get("retry-after"),
          text: await response.text()
        }
      })
    return { simulator, ask }
  })

const perMinute = (limit: number) => ({ requests: { limit, per: "1 minute" } }) as const

describe("the simulator's rate limits", () => {
  it.scoped("are told with each answer, and fill up steadily", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(turns(3), perMinute(60))
      expect(yield* ask()).toMatchObject({ status: 200, requests: ["60", "59", "1s"] })
      expect(yield* ask({ stream: true })).toMatchObject({ status: 200, requests: ["60", "58", "2s"] })
      yield* TestClock.adjust("500 millis")
      expect(yield* ask()).toMatchObject({ status: 200, requests: ["60", "57", "2.5s"] })
      // What the model does not do counts, too.
      expect(yield* ask({ model: 7 })).toMatchObject({ status: 400, requests: ["60", "59", "1s"] })
    }))

  it.scoped("reject in OpenAI's words what there is no room for, which uses up no turn", () =>
    Effect.gen(function*() {
      const { ask, simulator } = yield* open(turns(3), perMinute(2))
      yield* ask()
      yield* ask()
      const rejected = yield* ask()
      expect(rejected).toMatchObject({ status: 429, requests: ["2", "0", "1m0s"], retryAfter: "30" })
      expect(JSON.parse(rejected.text)).toEqual({
        error: {
          message:
            "Rate limit reached for any on requests per min (RPM): Limit 2, Requested 1. Please try again in 30s.",
          type: "requests",
          param: null,
          code: "rate_limit_exceeded"
        }
      })
      expect(yield* simulator.unused).toBe(1)
      yield* TestClock.adjust("29999 millis")
      expect(yield* ask()).toMatchObject({ status: 429, retryAfter: "1" })
      yield* TestClock.adjust("1 millis")
      expect(yield* ask()).toMatchObject({ status: 200, requests: ["2", "0", "1m0s"] })
      expect(yield* simulator.unused).toBe(0)
    }))

  it.scoped("count what the model would read, or what it may write", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(turns(3), { tokens: { limit: 1_000, per: "10 seconds" } })
      const first = yield* ask({ max_output_tokens: 400 })
      expect(first).toMatchObject({ status: 200, tokens: ["1000", "600", "4s"], requests: [null, null, null] })
      const long = yield* ask({ input: "x".repeat(2_000) })
      expect(Number(long.tokens[1])).toBeGreaterThan(50)
      expect(Number(long.tokens[1])).toBeLessThan(100)
      const refused = yield* ask({ max_output_tokens: 400 })
      expect(refused).toMatchObject({ status: 429, retryAfter: "4" })
      expect(JSON.parse(refused.text).error).toMatchObject({ type: "tokens", code: "rate_limit_exceeded" })
      // No wait makes room for more than there ever is.
      expect(yield* ask({ max_output_tokens: 2_000 })).toMatchObject({ status: 429, retryAfter: null })
      yield* TestClock.adjust("10 seconds")
      expect(yield* ask({ max_output_tokens: 1_000 })).toMatchObject({ status: 200 })
    }))

  it.scoped("are those of each key and each model", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(turns(3), perMinute(1))
      expect((yield* ask()).status).toBe(200)
      expect((yield* ask()).status).toBe(429)
      expect((yield* ask({ model: "other" })).status).toBe(200)
      expect((yield* ask({}, "sk-other")).status).toBe(200)
    }))

  it.scoped("are told with an error of the script as well, whose own headers come first", () =>
    Effect.gen(function*() {
      const { ask } = yield* open([
        Script.httpError({ status: 500 }),
        Script.httpError({ status: 429, headers: { "x-ratelimit-remaining-requests": "0" } })
      ], perMinute(10))
      expect(yield* ask()).toMatchObject({ status: 500, requests: ["10", "9", "6s"] })
      expect(yield* ask()).toMatchObject({ status: 429, requests: ["10", "0", "12s"] })
    }))

  it.scoped("are told with an error that comes instead of the answer, and counts like one", () =>
    Effect.gen(function*() {
      const { ask, simulator } = yield* open(turns(1), perMinute(10))
      for (const headers of [{}, { "x-ratelimit-remaining-requests": "0" }]) {
        yield* simulator.inject(Script.httpError({ status: 503, headers }))
      }
      expect(yield* ask()).toMatchObject({ status: 503, requests: ["10", "9", "6s"] })
      expect(yield* ask({ stream: true })).toMatchObject({ status: 503, requests: ["10", "0", "12s"] })
      expect(yield* ask()).toMatchObject({ status: 200, requests: ["10", "7", "18s"] })
    }))

  it.scoped("are not there unless they are asked for", () =>
    Effect.gen(function*() {
      const { ask } = yield* open(turns(1))
      expect(yield* ask()).toMatchObject({ status: 200, requests: [null, null, null], tokens: [null, null, null] })
    }))
})
