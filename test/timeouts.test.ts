import { describe, expect, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Stream } from "effect"
import { OpenAI, Run, Threads, Timeouts } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { noRetries, threads } from "./support/layers.ts"
import { badEnd, observe } from "./support/observe.ts"

/** Runs once, and says how it ended by then. */
const after = (duration: Duration.DurationInput, options: Threads.RunOptions = {}, limits: Timeouts.Limits = {}) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const thread = yield* service.create()
    const run = observe(service.run(thread.id, { message: "Hi", ...options }))
    const fiber = yield* Effect.fork(Effect.provideService(run, Timeouts.Timeouts, limits))
    yield* simulator.advance(duration)
    const done = yield* Fiber.poll(fiber)
    if (done._tag === "None") {
      yield* Fiber.interrupt(fiber)
      return undefined
    }
    const seen = yield* Fiber.join(fiber)
    expect(badEnd(seen)).toBeUndefined()
    return seen
  })

const words = "one two three four five six seven eight nine ten"

describe("TimedOut", () => {
  it.effect("firstByte: no head of an answer in two minutes, or as told", () =>
    Effect.gen(function*() {
      expect(yield* after("119 seconds")).toBeUndefined()
      expect((yield* after("121 seconds"))?.error).toMatchObject({ _tag: "TimedOut", phase: "firstByte" })
      expect((yield* after("11 seconds", {}, { firstByte: "10 seconds" }))?.error).toMatchObject({ phase: "firstByte" })
    }).pipe(Effect.provide(threads(
      Array.from({ length: 3 }, () => Script.turn("Hi", { fault: Script.stall({ headers: true }) }))
    ))))

  it.effect("idle: silence in the middle for five minutes, or as told, with the text so far", () =>
    Effect.gen(function*() {
      expect(yield* after("299 seconds")).toBeUndefined()
      const seen = yield* after("301 seconds")
      expect(seen?.error).toMatchObject({ _tag: "TimedOut", phase: "idle", partial: "one " })
      expect((yield* after("11 seconds", {}, { idle: "10 seconds" }))?.error).toMatchObject({ phase: "idle" })
      expect((yield* after("11 seconds", { idleTimeout: "10 seconds" }))?.error).toMatchObject({ phase: "idle" })
      const simulator = yield* Simulator.Simulator
      expect(yield* simulator.openStreams).toBe(0)
    }).pipe(Effect.provide(threads(
      Array.from(
        { length: 4 },
        () => Script.turn(Script.text(words, { chunks: ["one ", "two"] }), { fault: Script.stall({ afterEvents: 5 }) })
      )
    ))))

  it.effect("idle: every event and every keepalive begins it anew", () =>
    Effect.gen(function*() {
      const seen = yield* after("5 minutes", { idleTimeout: "10 seconds" })
      expect(seen?.error).toBeUndefined()
      expect(yield* after("5 minutes", { idleTimeout: "10 seconds" })).toBeUndefined()
    }).pipe(Effect.provide(threads([
      Script.turn(words, { latency: "9 seconds" }),
      Script.turn(words, { fault: Script.stall({ afterEvents: 5, keepalive: "9 seconds" }) })
    ]))))

  it.effect("idle: a reader that takes its time is not a server that is silent", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const slow = Stream.runForEach(service.run(id, { idleTimeout: "10 seconds" }), () => Effect.sleep("1 minute"))
      const fiber = yield* Effect.fork(slow)
      yield* simulator.advance("1 hour")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(threads([words]))))

  it.effect("idle: holds for the terminals too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const fiber = yield* Effect.fork(Effect.flip(Run.text(service.run(id, { idleTimeout: "10 seconds" }))))
      yield* simulator.advance("11 seconds")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "TimedOut", phase: "idle" })
    }).pipe(Effect.provide(threads([Script.turn(words, { fault: Script.stall({ afterEvents: 5 }) })]))))

  it.effect("total: a run that goes on for longer than it may", () =>
    Effect.gen(function*() {
      const seen = yield* after("31 seconds", { timeout: "30 seconds" })
      expect(seen?.error).toMatchObject({
        _tag: "TimedOut",
        phase: "total",
        partial: expect.stringMatching(/^one two/)
      })
      const simulator = yield* Simulator.Simulator
      expect(yield* simulator.openStreams).toBe(0)
      expect((yield* after("31 seconds", {}, { total: "30 seconds" }))?.error).toMatchObject({ phase: "total" })
      expect((yield* after("5 minutes", { timeout: "5 minutes" }))?.error).toBeUndefined()
    }).pipe(Effect.provide(threads(Array.from({ length: 3 }, () => Script.turn(words, { latency: "4 seconds" }))))))

  it.effect("connect: a connection that is not made", () =>
    Effect.gen(function*() {
      const { conversations } = yield* OpenAI.OpenAI
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.connectTimeout)
      const fiber = yield* Effect.fork(Effect.flip(noRetries(conversations.create())))
      yield* simulator.advance("15 seconds")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "TimedOut", phase: "connect", accepted: false })
      expect(yield* simulator.threads).toEqual([])
    }).pipe(Effect.provide(OpenAITest.layer([]))))

  it.effect("requests that are not streamed: the head, the body and all of it", () =>
    Effect.gen(function*() {
      const { conversations, responses } = yield* OpenAI.OpenAI
      const simulator = yield* Simulator.Simulator
      const ends = (effect: Effect.Effect<unknown, { readonly _tag: string }>, duration: Duration.DurationInput) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.fork(Effect.flip(noRetries(effect)))
          yield* simulator.advance(duration)
          return yield* Fiber.join(fiber)
        })
      yield* simulator.inject(Script.stall({ headers: true }))
      expect(yield* ends(conversations.create(), "2 minutes")).toMatchObject({ phase: "firstByte" })
      yield* simulator.inject(Script.stall())
      expect(yield* ends(conversations.create(), "5 minutes")).toMatchObject({ phase: "idle" })
      yield* simulator.inject(Script.stall())
      const total = Effect.provideService(conversations.create(), Timeouts.Timeouts, { total: "7 seconds" })
      expect(yield* ends(total, "7 seconds")).toMatchObject({ phase: "total" })
      yield* simulator.inject(Script.stall({ headers: true }))
      expect(yield* ends(responses.create({ model: "m", input: "Hi" }), "5 minutes")).toMatchObject({
        phase: "firstByte",
        accepted: "unknown"
      })
      const requests = yield* simulator.requests
      expect(requests.every(({ aborted }) => aborted)).toBe(true)
    }).pipe(Effect.provide(OpenAITest.layer([Script.always("Hi")]))))

  it.effect("a silent stream ends the run from what the server has, if that is whole", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const fiber = yield* Effect.fork(observe(service.run(id, { message: "Hi", idleTimeout: "10 seconds" })))
      const simulator = yield* Simulator.Simulator
      yield* simulator.advance("11 seconds")
      const seen = yield* Fiber.join(fiber)
      expect(seen.events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: words })
      // The last event stayed on the way; the server was asked.
      expect((yield* simulator.requests).slice(-3)).toMatchObject([
        { method: "POST", path: "/responses", aborted: true },
        { method: "GET", path: expect.stringMatching(/^\/responses\/resp_/) },
        { method: "GET", path: `/conversations/${id}/items` }
      ])
    }).pipe(Effect.provide(threads([Script.turn(words, { fault: Script.stall({ afterBytes: 6_800 }) })]))))
})
