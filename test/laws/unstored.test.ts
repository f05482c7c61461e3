/** Threads whose responses are stored nowhere: what a run has come to is known by its process only. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { Cursor, type RunEvent, Threads } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { collect, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"
import { calling, handling, long, toolkit } from "./twoProcesses.ts"

const begin = (service: Threads.Service, options: Threads.RunOptions = {}) =>
  Effect.gen(function*() {
    const { id } = yield* service.create()
    const { end, handlers } = yield* handling
    const events: Array<RunEvent.RunEvent> = []
    const run = Stream.tap(service.run(id, { message: "Go", toolkit, ...options } as Threads.RunOptions), (event) =>
      Effect.sync(() => events.push(event)))
    const reader = yield* Effect.fork(observe(Stream.provideSomeLayer(run, handlers)))
    yield* pass(1500)
    return { id, reader, end, cursor: Cursor.fromEvent(events.at(-1)!) }
  })

const inMemory = (script: Script.Script) => over(script, { store: "memory" })

describe("a run whose responses are stored nowhere", () => {
  it.effect("law 3: is in progress while its tools run, and cancelled for good once somebody wants that", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor, id, reader } = yield* begin(service)
      expect(yield* service.status(cursor)).toBe("in_progress")
      expect(yield* passing(service.cancel(cursor), 100)).toBe("cancelled")
      expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "RunCancelled" })
      for (const verb of [service.status, service.cancel, service.status]) expect(yield* verb(cursor)).toBe("cancelled")
      const outputs = (yield* collect(service.items(id))).filter(({ _tag }) => _tag === "FunctionCallOutput")
      expect(outputs).toHaveLength(2)
    }).pipe(inMemory(calling("note", "a", "b"))))

  it.effect("law 12: is what it has come to, as far as its process remembers", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor, end, reader } = yield* begin(service)
      yield* end
      yield* passing(reader, long)
      expect(yield* service.status(cursor)).toBe("completed")
      expect(yield* service.cancel(cursor)).toBe("completed")
    }).pipe(inMemory(calling("note", "a", "b"))))

  it.effect("law 12: waits, until it has its answers", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor, id, reader } = yield* begin(service)
      yield* passing(reader, long)
      expect(yield* service.status(cursor)).toBe("requires_action")
      const answers = (yield* service.pending(id)).flatMap((one) =>
        one._tag === "PendingCall" ? [{ callId: one.call.callId, output: "paid" }] : []
      )
      yield* passing(Stream.runDrain(service.submit(id, answers)), long)
      expect(yield* service.status(cursor)).toBe("completed")
    }).pipe(inMemory(calling("pay", "a"))))

  const ends: Record<string, readonly [Script.TurnInput, string]> = {
    "has failed": [Script.turn([Script.text("Half"), Script.failure("server_error")]), "failed"],
    "is incomplete": [Script.turn([Script.text("Half"), Script.incomplete("max_output_tokens")]), "incomplete"],
    "was cut": [Script.turn([Script.text("Half of it")], { fault: Script.cut({ afterEvents: 5 }) }), "failed"]
  }
  for (const [what, [turn, status]] of Object.entries(ends)) {
    it.effect(`law 12: ${what}`, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { cursor, reader } = yield* begin(service)
        yield* passing(reader, long)
        expect(yield* service.status(cursor)).toBe(status)
      }).pipe(inMemory([turn])))
  }

  it.effect("law 12: has lost its reader, or its time is over", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const left = yield* begin(service)
      yield* passing(Fiber.interrupt(left.reader), long)
      expect(yield* service.status(left.cursor)).toBe("cancelled")
      const late = yield* begin(service, { timeout: "3 seconds" })
      yield* passing(late.reader, long)
      expect(yield* service.status(late.cursor)).toBe("cancelled")
    }).pipe(inMemory([Script.always(Script.turn("a b c d e f g h", { latency: "1 second" }))])))

  it.effect("is gone for who knows nothing of it", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor, end, reader } = yield* begin(service)
      yield* end
      yield* passing(reader, long)
      const other = { ...cursor, runId: "run_other" as typeof cursor.runId }
      for (const verb of [service.status, service.cancel]) {
        expect(yield* Effect.flip(verb(other))).toMatchObject({ _tag: "NotResumable", why: "gone" })
      }
    }).pipe(inMemory(calling("note", "a", "b"))))
})
