import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Schema, Stream } from "effect"
import { Cursor, Run, RunLog, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { collect, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { counting, elsewhere, over, script, toolkit } from "./backgroundRun.ts"

const slow = Script.turn("one two three four five", { latency: "1 second" })

/** Longer than any run here. */
const long = 60_000

/** What the model was asked for. */
const asked = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests),
  (requests) => requests.filter(({ path }) => path === "/responses").map(({ body }) => body)
)

describe("a run that another process goes on with", () => {
  it.effect("asks for the same as before", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers } = counting()
      const options = {
        instructions: "Be brief.",
        temperature: 0.3,
        topP: 0.9,
        maxOutputTokens: 500,
        reasoning: { effort: "low" },
        verbosity: "low",
        metadata: { chat: "7" },
        output: Schema.Struct({ noted: Schema.NullOr(Schema.String) })
      } as const
      const cursor = yield* passing(
        Effect.zipLeft(first.service.start(id, { message: "Go", toolkit, ...options }), first.die).pipe(
          Effect.provide(handlers)
        ),
        1000
      )
      const { service } = yield* elsewhere
      yield* passing(Effect.provide(service.wait(cursor, { toolkit }), handlers), long)
      const [begun, ...rest] = yield* asked
      expect(begun).toMatchObject({ temperature: 0.3, top_p: 0.9, max_output_tokens: 500 })
      expect(rest).toHaveLength(2)
      for (const body of rest) {
        const { input: _, metadata, ...same } = body as Script.Json
        const { input: __, metadata: first, ...settings } = begun as Script.Json
        expect(same).toMatchObject(settings)
        expect(same["text"]).toEqual(settings["text"])
        expect(metadata).toMatchObject({ chat: "7" })
        expect(Object.keys(metadata as object)).toEqual(Object.keys(first as object))
      }
    })).pipe(over(script)))

  it.effect("law 2: makes the calls that nobody has answered, and no others", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers, made } = counting()
      const begun = first.service.start(id, { message: "Go", toolkit })
      const cursor = yield* passing(
        Effect.zipLeft(begun, first.die).pipe(Effect.provide(handlers)),
        1000
      )
      yield* pass(5000)
      const { service } = yield* elsewhere
      const { pending } = yield* passing(service.wait(cursor), long)
      expect(pending).toHaveLength(2)
      const [answered] = pending
      if (answered?._tag !== "PendingCall") return expect.fail("it is no call")
      const store = yield* ThreadStore.ThreadStore
      const output = { type: "function_call_output", call_id: answered.call.callId, output: "by hand" } as const
      yield* passing(store.append(id, [output]), 1000)
      // Without handlers it waits for the other one.
      const { pending: left } = yield* passing(service.wait(cursor), long)
      expect(left).toEqual([pending[1]])
      expect(yield* passing(service.status(cursor), 1000)).toBe("requires_action")
      yield* passing(Effect.provide(service.wait(cursor, { toolkit }), handlers), long)
      expect(made.sort()).toEqual(["0b", "1a", "1b"])
    })).pipe(over(script)))

  it.effect("law 6: makes no call again of which a log remembers what it gave", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const logged = Effect.provideService(RunLog.RunLog, log)
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers, made } = counting()
      const hanging = toolkit.toLayer({
        note: ({ text }) => text === "0b" ? Effect.never : Effect.succeed("noted before")
      })
      const start = first.service.start(id, { message: "Go", toolkit })
      const cursor = yield* passing(start.pipe(Effect.provide(hanging), logged), 1000)
      yield* pass(5000)
      yield* first.die
      const { service } = yield* elsewhere
      const events = yield* passing(
        collect(service.resume(cursor, { toolkit })).pipe(Effect.provide(handlers), logged),
        long
      )
      expect(made.sort()).toEqual(["1a", "1b"])
      const outputs = events.flatMap((event) => event._tag === "ToolCallCompleted" ? [event.output] : [])
      expect(outputs).toContain("noted before")
    })).pipe(over(script)))

  it.effect("law 3: that waits for answers waits on, whatever is written to its thread", () =>
    Effect.scoped(Effect.gen(function*() {
      const { service } = yield* elsewhere
      const first = yield* elsewhere
      const { id } = yield* service.create()
      yield* passing(service.addMessage(id, "Go"), 100)
      const events = yield* passing(collect(first.service.run(id, { background: true })), 1000)
      const again = yield* passing(Run.result(service.resume(Cursor.fromEvent(events.at(-2)!))), 1000)
      expect(again).toMatchObject({ status: "requires_action", pending: [{ _tag: "PendingCall" }] })
      yield* passing(service.addMessage(id, "Well?"), 100)
      expect(yield* passing(service.pending(id), 100)).toHaveLength(1)
    })).pipe(over([Script.functionCall("note", { text: "a" })])))

  it.effect("goes on with its tools when its reader stops, unless that wants its end", () =>
    Effect.scoped(Effect.gen(function*() {
      for (const onStop of [undefined, "cancel"] as const) {
        const { handlers, made } = counting()
        const first = yield* elsewhere
        const { id } = yield* first.service.create()
        const cursor = yield* passing(
          Effect.zipLeft(first.service.start(id, { message: "Go", toolkit }), first.die).pipe(Effect.provide(handlers)),
          1000
        )
        const { service } = yield* elsewhere
        const reader = Stream.runDrain(Stream.take(service.resume(cursor, { toolkit, onStop }), 2))
        yield* passing(Effect.provide(reader, handlers), long)
        yield* pass(long)
        expect(made.sort()).toEqual(onStop === undefined ? ["0a", "0b", "1a", "1b"] : [])
        const status = yield* passing(service.status(cursor), 1000)
        expect(status).toBe(onStop === undefined ? "completed" : "cancelled")
      }
    })).pipe(over(script)))

  it.effect("goes on at OpenAI when that process dies, too", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(Effect.zipLeft(first.service.start(id, { message: "Hi" }), first.die), 5000)
      const second = yield* elsewhere
      yield* passing(Stream.runDrain(Stream.take(second.service.resume(cursor), 2)), long)
      yield* second.die
      yield* pass(long)
      const { service } = yield* elsewhere
      expect(yield* passing(service.wait(cursor), long)).toMatchObject({ text: "one two three four five" })
    })).pipe(over([slow])))
})

describe("a connection that breaks for many at once", () => {
  it.effect("is not replaced by all of them at once", () =>
    Effect.gen(function*() {
      const many = 20
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const isHeardOn = ({ method, path }: Simulator.InjectionTarget) =>
        method === "GET" && path.startsWith("/responses/")
      for (let count = 0; count < many; count++) {
        yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      }
      const ids = yield* Effect.forEach(Array.from({ length: many }), () => service.create())
      const runs = yield* Effect.forEach(ids, ({ id }) =>
        Effect.fork(observe(service.run(id, { message: "Hi", background: true }))))
      const came: Array<number> = []
      let before = 0
      for (let time = 0; time < 600; time += 10) {
        yield* pass(10)
        const now = (yield* simulator.requests).filter(isHeardOn).length
        if (now > before) {
          came.push(now - before)
        }
        before = now
      }
      expect(came.reduce((sum, count) =>
        sum + count, 0)).toBe(many)
      expect(came.length).toBeGreaterThan(many / 3)
      // In a quarter of a second.
      expect(Math.max(...came)).toBeLessThan(many / 3)
      yield* pass(long)
      for (const run of runs) expect((yield* run).tags.at(-1)).toBe("RunCompleted")
    }).pipe(over([Script.always(Script.turn("one two three", { latency: "10 millis" }))])))
})

describe("a lock that outlives its answer", () => {
  for (const onBusy of ["enqueue", "interrupt"] as const) {
    it.effect(`law 3: is waited for by the next run (${onBusy})`, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create()
        const first = yield* Effect.fork(observe(service.run(id, { message: "One" })))
        yield* pass(4000)
        if (onBusy === "enqueue") yield* Fiber.interrupt(first)
        yield* pass(10)
        expect((yield* simulator.threads)[0]?.locked).toBe(true)
        const seen = yield* passing(observe(service.run(id, { message: "Two", onBusy })), long)
        expect(seen.error).toBeUndefined()
        expect(seen.events.filter(({ _tag }) => _tag === "Retrying")).toMatchObject([
          { reason: "ThreadBusy" },
          ...seen.events.filter(({ _tag }) => _tag === "Retrying").slice(1)
        ])
        expect((yield* passing(collect(service.messages(id)), 1000)).map(Thread.textOf)).toEqual([
          "One",
          "Two",
          "one two three four five"
        ])
        if (onBusy === "interrupt") expect((yield* first).error).toMatchObject({ _tag: "RunCancelled" })
      }).pipe(over([Script.always(slow)], { simulator: { lockLinger: "3 seconds" } })))
  }
})
