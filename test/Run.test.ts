import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream, type Tracer } from "effect"
import { Run, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "./support/layers.ts"
import { badEnd, collect, collectSpans, observe } from "./support/observe.ts"

describe("what is done with a run", () => {
  it.effect("deltas, text and result agree", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create({ messages: ["Hi"] })
      expect((yield* collect(Run.deltas(service.run(thread.id)))).join("")).toBe("One two three")
      expect(yield* Run.text(service.run(thread.id))).toBe("One two three")
      const result = yield* Run.result(service.run(thread.id))
      expect(result).toMatchObject({ status: "completed", text: "One two three", pending: [], steps: 1 })
      expect(result.usage.total).toBe(result.usage.input + result.usage.output)
      expect(result.messages).toHaveLength(1)
    }).pipe(Effect.provide(threads([Script.text("One two three"), "One two three", "One two three"]))))

  it.effect("a transformed run has the same terminals", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create({ messages: ["Hi"] })
      const seen: Array<string> = []
      const run = Stream.tap(service.run(thread.id), (event) => Effect.sync(() => seen.push(event._tag)))
      expect(yield* Run.text(run)).toBe("Hello")
      expect(seen.at(-1)).toBe("RunCompleted")
      const short = yield* Effect.flip(Run.text(Stream.take(service.run(thread.id), 2)))
      expect(short._tag).toBe("ConnectionLost")
    }).pipe(Effect.provide(threads(["Hello", "Hello"]))))

  it.effect("handlers run one at a time, in order, and only for what they name", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create({ messages: ["Hi"] })
      const seen: Array<string> = []
      let running = 0
      const note = (text: string) =>
        Effect.gen(function*() {
          expect(running++).toBe(0)
          yield* Effect.yieldNow()
          seen.push(text)
          running--
        })
      const result = yield* Run.handle(service.run(thread.id), {
        TextDelta: ({ delta }) => note(delta),
        RunCompleted: ({ text }) => note(text)
      })
      expect(seen).toEqual(["a", "b", "c", "abc"])
      expect(result.text).toBe("abc")
    }).pipe(Effect.provide(threads([Script.text("abc", { chunks: ["a", "b", "c"] })]))))

  it.effect("each reading of a run is a run of its own", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create({ messages: ["Hi"] })
      const run = service.run(thread.id)
      const [one, two] = yield* Effect.all([observe(run), observe(run)], { concurrency: 2 })
      expect([badEnd(one), badEnd(two)]).toEqual([undefined, undefined])
      expect(one.events[0]!.runId).not.toBe(two.events[0]!.runId)
    }).pipe(Effect.provide(threads(["One", "Two"]))))

  it.scoped("a pull that was interrupted while it wrote does not write again", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      yield* simulator.inject(Script.stall({ headers: true }), ({ path }) => path.endsWith("/items"))
      const pull = yield* Stream.toPull(service.run(thread.id, { message: "Once" }))
      const fiber = yield* Effect.fork(pull)
      yield* simulator.advance("1 second")
      yield* Fiber.interrupt(fiber)
      const again = yield* Effect.exit(pull)
      expect(again._tag).toBe("Failure")
      expect((yield* simulator.requests).filter(({ path }) => path.endsWith("/items"))).toHaveLength(1)
    }).pipe(Effect.provide(threads([]))))

  it.effect("a completed response without its response is no end", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create()
      const seen = yield* observe(service.run(thread.id, { message: "Hi" }))
      expect(badEnd(seen)).toBeUndefined()
      expect(Option.fromNullable(seen.error)).toMatchObject(Option.some({ _tag: "UnexpectedResponse" }))
    }).pipe(Effect.provide(threads([
      Script.turn([Script.raw("data: {\"type\":\"response.completed\"}\n\n"), Script.text("x")])
    ]))))

  it.effect("the functions that handle events run inside the reader's span, and what comes after too", () =>
    Effect.gen(function*() {
      const { layer } = collectSpans()
      const names: Array<string> = []
      const seen = Effect.map(Effect.currentParentSpan, (span) => {
        names.push((span as Tracer.Span).name)
      })
      yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        yield* Run.handle(service.run(id, { message: "Hi" }), {
          RunStarted: () => seen,
          TextDelta: () => seen,
          RunCompleted: () => seen
        })
        yield* seen
      }).pipe(Effect.withSpan("reader"), Effect.provide(layer))
      expect(names.length).toBeGreaterThan(3)
      expect(new Set(names)).toEqual(new Set(["reader"]))
    }).pipe(Effect.provide(threads(["Hello there"]))))
})
