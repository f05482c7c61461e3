import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Stream, Supervisor } from "effect"
import { Cursor, OpenAI, RateLimits, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { inspect } from "node:util"
import { threads } from "../support/layers.ts"
import { badEnd, collect, collectLogs, collectSpans, observe } from "../support/observe.ts"
import { inOwnTime, pass, passing } from "../support/time.ts"

/** Answers with the words of the message that it answers. */
const echo = Script.always(({ context }) => `Re: ${JSON.stringify(context.at(-1)?.["content"])}`)

const limited = (rateLimits: Simulator.RateLimits) => threads([echo], { simulator: { rateLimits } })

const modelCalls = Effect.gen(function*() {
  const simulator = yield* Simulator.Simulator
  const calls = (yield* simulator.requests).filter(({ path }) => path === "/responses")
  return { all: calls.length, refused: calls.filter(({ status }) => status === 429).length }
})

/** Several runs on each of several threads, all begun at once; each has to come to a good end. */
const crowd = (options: { readonly threads: number; readonly runsEach: number }) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const numbers = Array.from({ length: options.runsEach }, (_, index) => `message ${index}`)
    const ids = yield* Effect.forEach(Array.from({ length: options.threads }), () => service.create())
    const supervisor = yield* Supervisor.track
    const runs = Effect.forEach(
      ids.flatMap(({ id }) => numbers.map((message) => ({ id, message }))),
      ({ id, message }) => observe(service.run(id, { message })),
      { concurrency: "unbounded" }
    ).pipe(Effect.supervised(supervisor))
    const seen = yield* passing(runs, 10 * 60_000)
    for (const one of seen) {
      expect(one.error?.message).toBeUndefined()
      expect(badEnd(one)).toBeUndefined()
    }
    for (const { id } of ids) {
      const messages = yield* collect(service.messages(id))
      expect(messages.map(({ role }) => role)).toEqual(numbers.flatMap(() => ["user", "assistant"]))
      expect(messages.filter(({ role }) => role === "user").map(Thread.textOf)).toEqual(numbers)
      // The lock is free.
      yield* service.addMessage(id, "Thanks", { onBusy: "reject" })
    }
    // What lets go of a connection has a second for it.
    yield* pass(1_000)
    expect(yield* supervisor.value).toEqual([])
    expect(yield* simulator.openStreams).toBe(0)
    expect((yield* simulator.requests).every(({ ended }) => ended)).toBe(true)
    expect((yield* simulator.threads).some(({ locked }) => locked)).toBe(false)
    const { rateLimits } = yield* OpenAI.OpenAI
    expect((yield* rateLimits).map(({ waiting }) => waiting)).toEqual([0])
  })

const limits: Record<string, Simulator.RateLimits> = {
  "10 requests per second": { requests: { limit: 10, per: "1 second" } },
  "2000 tokens per second": { tokens: { limit: 2_000, per: "1 second" } },
  "both": { requests: { limit: 15, per: "1 second" }, tokens: { limit: 3_000, per: "1 second" } }
}

describe("law 6: a crowd under a tight limit", () => {
  for (const [name, rateLimits] of Object.entries(limits)) {
    it.effect(`law 6: all complete, in order, and few are refused (${name})`, () =>
      Effect.gen(function*() {
        yield* crowd({ threads: 20, runsEach: 10 })
        const { all, refused } = yield* modelCalls
        expect(all).toBe(200 + refused)
        expect(refused / all).toBeLessThanOrEqual(0.05)
      }).pipe(Effect.provide(limited(rateLimits)), inOwnTime(1)), 30_000)
  }

  it.effect("law 6: many are refused where nothing is held back", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const ids = yield* Effect.forEach(Array.from({ length: 20 }), () => service.create())
      const runs = Effect.forEach(ids, ({ id }) => observe(service.run(id, { message: "Hi" })), {
        concurrency: "unbounded"
      })
      yield* passing(Effect.repeatN(runs, 2), 10 * 60_000)
      const { all, refused } = yield* modelCalls
      expect(refused / all).toBeGreaterThan(0.2)
    }).pipe(
      Effect.provideService(RateLimits.RateLimits, { mode: "off" }),
      Effect.provide(limited({ requests: { limit: 10, per: "10 seconds" } })),
      inOwnTime(1)
    ))
})

describe("law 7: a run that waits for room", () => {
  /** A run that waits, beside one whose answer has told that there is no room. */
  const held = (options: Threads.RunOptions) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const [one, other] = yield* Effect.all([service.create(), service.create()])
      yield* passing(observe(service.run(other.id, { message: "First" })), 1000)
      const events: Array<RunEvent.RunEvent> = []
      const fiber = yield* Effect.fork(observe(
        Stream.tap(
          service.run(one.id, { message: "Held", ...options }),
          (event) => Effect.sync(() => events.push(event))
        )
      ))
      yield* pass(1000)
      const { rateLimits } = yield* OpenAI.OpenAI
      const waiting = Effect.map(rateLimits, ([model]) => model?.waiting)
      expect(yield* waiting).toBe(1)
      return { service, id: one.id, other: other.id, fiber, events, waiting }
    })

  for (const background of [false, true]) {
    const where = background ? "in the background" : "in the foreground"
    it.effect(`law 7: ends at once when it is cancelled, and takes no room (${where})`, () =>
      Effect.gen(function*() {
        const { events, fiber, id, other, service, waiting } = yield* held({ background })
        const next = yield* Effect.fork(observe(service.run(other, { message: "Next" })))
        yield* pass(1)
        expect(yield* passing(service.cancel(Cursor.fromEvent(events.at(-1)!)), 10)).toBe("cancelled")
        expect((yield* passing(fiber, 10)).error).toMatchObject({ _tag: "RunCancelled" })
        expect(yield* waiting).toBe(1)
        expect((yield* modelCalls).all).toBe(1)
        // The room that it waited for is the next one's.
        yield* pass(30_000)
        expect((yield* passing(next, 10)).error).toBeUndefined()
        expect(yield* modelCalls).toEqual({ all: 2, refused: 0 })
        yield* service.addMessage(id, "Thanks", { onBusy: "reject" })
      }).pipe(Effect.provide(limited({ requests: { limit: 1, per: "30 seconds" } })), inOwnTime(1)))

    it.effect(`law 7: ends at once when another interrupts it (${where})`, () =>
      Effect.gen(function*() {
        const { fiber, id, service, waiting } = yield* held({ background })
        const next = yield* Effect.fork(observe(service.run(id, { message: "Now", onBusy: "interrupt" })))
        expect((yield* passing(fiber, 10)).error).toMatchObject({ _tag: "RunCancelled" })
        yield* pass(10)
        expect(yield* waiting).toBe(1)
        expect((yield* passing(next, 30_000)).error).toBeUndefined()
        expect(yield* modelCalls).toEqual({ all: 2, refused: 0 })
      }).pipe(Effect.provide(limited({ requests: { limit: 1, per: "30 seconds" } })), inOwnTime(1)))
  }
})

describe("law 10: secrets", () => {
  it.effect("law 10: the key is neither in what is told of the limits, nor in the error of a call that was not sent", () =>
    Effect.gen(function*() {
      const logs = collectLogs()
      const traced = collectSpans()
      const shown = yield* Effect.gen(function*() {
        const openai = yield* OpenAI.OpenAI
        const ask = Stream.runDrain(openai.responses.stream({ model: "any", input: "SENTINEL" }))
        yield* ask
        const error = yield* Effect.flip(ask)
        yield* Effect.logError(error)
        const state = yield* openai.rateLimits
        expect(error).toMatchObject({ _tag: "RateLimited", unsent: true })
        expect(state).toMatchObject([{ model: "any", requests: { limit: 1, remaining: 0 } }])
        return [error, state].map((one) => inspect(one, { depth: 9 }) + JSON.stringify(one) + String(one))
      }).pipe(Effect.provide(Layer.mergeAll(
        OpenAITest.layer([Script.always("Hi")], { rateLimits: { requests: { limit: 1, per: "1 hour" } } }),
        logs.layer,
        traced.layer
      )))
      const spans = traced.spans.map((span) => inspect([span.name, [...span.attributes]], { depth: 9 }))
      for (const text of [...shown, ...logs.lines, ...spans]) {
        expect(text).not.toContain("sk-simulated")
        expect(text).not.toContain("SENTINEL")
      }
    }))
})
