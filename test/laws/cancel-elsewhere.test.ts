import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { Cursor, Run } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"
import { calling, handling, inTools, isFree, long, outputsOf, processes, reading, toolkit } from "./twoProcesses.ts"

const slow = Script.turn("one two three four five six seven eight", { latency: "1 second" })
const unknown = expect.stringContaining("not known")
const notMade = expect.stringContaining("not carried out")

for (const background of [false, true]) {
  describe(`cancel from another process, ${background ? "background" : "foreground"}`, () => {
    it.effect("law 3: ends a run that is in its tools, and leaves no call open", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { cursor, id, made, reader } = yield* inTools(first, { background, toolConcurrency: 1 })
        expect(yield* passing(second.in(second.service.status(cursor)), 100)).toBe("in_progress")
        expect(yield* passing(second.in(second.service.cancel(cursor)), 2000)).toBe("cancelled")
        expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "RunCancelled" })
        expect(made).toEqual(["a", "b"])
        expect(yield* outputsOf(second, id)).toEqual(["noted a", unknown, notMade])
        for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(true)
        for (const one of [first, second, first, second]) {
          expect(yield* passing(one.in(one.service.status(cursor)), 100)).toBe("cancelled")
          expect(yield* passing(one.in(one.service.cancel(cursor)), 100)).toBe("cancelled")
        }
        expect(yield* passing(second.in(Effect.flip(second.service.wait(cursor))), long)).toMatchObject({
          _tag: "RunCancelled"
        })
        expect(yield* passing(second.in(Run.text(second.service.run(id, { message: "And now?" }))), long)).toBe("Done.")
      })).pipe(over(calling("note", "a", "b", "c"))))

    it.effect("law 3: may be wanted by several at once, and by the run's own process", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second, third } = yield* processes
        const { cursor, id, reader } = yield* inTools(first, { background })
        const cancels = [second, third, second, first].map((one) => one.in(one.service.cancel(cursor)))
        expect(yield* passing(Effect.all(cancels, { concurrency: "unbounded" }), 2000)).toEqual(
          ["cancelled", "cancelled", "cancelled", "cancelled"]
        )
        expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "RunCancelled" })
        expect((yield* outputsOf(second, id)).toSorted()).toEqual([unknown, "noted a"])
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 3: of a run whose driver has died: whoever resumes it ends it, and makes no call", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second, third } = yield* processes
        const { cursor, id } = yield* inTools(first, { background, toolConcurrency: 1 })
        yield* first.kill
        // Nobody knows of that before its time is over.
        const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        expect(yield* passing(second.in(second.service.cancel(cursor)), long)).toBe("requires_action")
        const end = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        expect(end - start).toBeGreaterThan(20_000)
        expect(end - start).toBeLessThan(31_000)
        const { handlers, made } = yield* handling
        const resume = observe(second.service.resume(cursor, { toolkit })).pipe(Effect.provide(handlers))
        expect((yield* passing(second.in(resume), 1000)).error).toMatchObject({ _tag: "RunCancelled" })
        expect(made).toEqual([])
        expect(yield* outputsOf(second, id)).toEqual(["noted a", unknown, notMade])
        for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(true)
        for (const one of [second, third]) {
          expect(yield* passing(one.in(one.service.status(cursor)), 100)).toBe("cancelled")
          expect(yield* passing(one.in(one.service.cancel(cursor)), 100)).toBe("cancelled")
          expect(yield* passing(one.in(Effect.flip(one.service.wait(cursor))), 100)).toMatchObject({
            _tag: "RunCancelled"
          })
        }
        expect(yield* passing(second.in(Run.text(second.service.run(id, { message: "And now?" }))), long)).toBe("Done.")
      })).pipe(over(calling("note", "a", "b", "c"))))

    it.effect("law 3: whoever reads along with a driver that dies ends the run that is cancelled", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second, third } = yield* processes
        const { cursor, id } = yield* inTools(first, { background })
        const { handlers, made } = yield* handling
        const along = yield* reading(
          second,
          Stream.provideSomeLayer(second.service.resume(cursor, { toolkit }), handlers)
        )
        yield* pass(1000)
        yield* first.kill
        yield* passing(third.in(third.service.cancel(cursor)), long)
        expect((yield* passing(along.reader, 1000)).error).toMatchObject({ _tag: "RunCancelled" })
        expect(yield* passing(third.in(third.service.status(cursor)), 100)).toBe("cancelled")
        expect(made).toEqual([])
        expect((yield* outputsOf(second, id)).toSorted()).toEqual([unknown, "noted a"])
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("does not mark a run that nobody drives", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { cursor } = yield* inTools(first, { background })
        yield* first.kill
        yield* pass(31_000)
        expect(yield* passing(second.in(second.service.cancel(cursor)), 100)).toBe("requires_action")
        expect(yield* log.isCancelled(cursor.runId)).toBe(false)
        const { handlers } = yield* handling
        const resumed = Effect.provide(second.service.wait(cursor, { toolkit }), handlers)
        expect(yield* passing(second.in(resumed), long)).toMatchObject({ text: "Done." })
        expect(yield* passing(second.in(second.service.cancel(cursor)), 100)).toBe("completed")
        expect(yield* log.isCancelled(cursor.runId)).toBe(false)
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 7: ends an answer that is heard, within the second", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { id } = yield* first.service.create()
        const { cursor, reader } = yield* reading(first, first.service.run(id, { message: "Hi", background }))
        yield* pass(3500)
        const from = yield* cursor
        expect(yield* passing(second.in(second.service.cancel(from)), 2000)).toBe("cancelled")
        expect((yield* passing(reader, 1000)).error).toMatchObject({ _tag: "RunCancelled" })
        yield* pass(long)
        const simulator = yield* Simulator.Simulator
        expect(yield* simulator.openStreams).toBe(0)
        for (const one of [first, second]) {
          expect(yield* passing(one.in(one.service.status(from)), 100)).toBe("cancelled")
        }
      })).pipe(over([slow])))

    it.effect("takes a run out of the queue, and ends one that has no response yet", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const simulator = yield* Simulator.Simulator
        const { id } = yield* first.service.create()
        const busy = yield* reading(first, first.service.run(id, { message: "One" }))
        yield* pass(1000)
        const queued = yield* reading(first, first.service.run(id, { message: "Two", background }))
        yield* pass(100)
        const place = yield* queued.cursor
        expect(yield* passing(second.in(second.service.status(place)), 100)).toBe("in_progress")
        expect(yield* passing(second.in(second.service.cancel(place)), 2000)).toBe("cancelled")
        expect(yield* passing(queued.reader, 100)).toMatchObject({
          tags: ["RunQueued"],
          error: { _tag: "RunCancelled" }
        })
        yield* passing(busy.reader, long)
        yield* simulator.inject(
          Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "20" } }),
          ({ path }) => path === "/responses"
        )
        const limited = yield* reading(first, first.service.run(id, { message: "Three", background }))
        yield* pass(1000)
        expect(yield* passing(second.in(second.service.cancel(yield* limited.cursor)), 2000)).toBe("cancelled")
        expect((yield* passing(limited.reader, 1000)).error).toMatchObject({ _tag: "RunCancelled" })
      })).pipe(over([Script.always(slow)])))

    it.effect("does not wait for a reader that has stopped to read: the time of its run is over", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { id } = yield* first.service.create()
        const { handlers } = yield* handling
        const run = first.service.run(id, { message: "Go", toolkit, background })
        const stuck = yield* Deferred.make<Cursor.Cursor>()
        const held = yield* Effect.fork(first.in(Run.handle(Stream.provideSomeLayer(run, handlers), {
          StepCompleted: (event) => Effect.zipRight(Deferred.succeed(stuck, Cursor.fromEvent(event)), Effect.never)
        })))
        const cursor = yield* passing(Deferred.await(stuck), 2000)
        // Its calls are as open as they are when such a reader leaves.
        expect(yield* passing(second.in(second.service.cancel(cursor)), 31_000)).toBe("requires_action")
        expect(yield* isFree(log, cursor.runId)).toBe(true)
        yield* passing(Fiber.interrupt(held), 10_000)
      })).pipe(over(calling("note", "a"))))
  })
}
