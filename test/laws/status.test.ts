import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Cursor, Run, type RunError, type RunEvent, RunLog, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { collect, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { counting, elsewhere, over, script, told, toolkit, whole } from "./backgroundRun.ts"

const slow = Script.turn("one two three four five", { latency: "1 second" })

/** Longer than any run here. */
const long = 60_000

const cancels = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests),
  (requests) => requests.filter(({ path }) => path.endsWith("/cancel")).length
)

const withLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(RunLog.makeMemory, (log) => Effect.provideService(effect, RunLog.RunLog, log))

/** A run of three steps, begun here; only the cursor of its first event is kept. */
const begin = (service: Threads.Service, handlers = counting().handlers) =>
  Effect.gen(function*() {
    const { id } = yield* service.create()
    const cursor = yield* passing(Effect.provide(service.start(id, { message: "Go", toolkit }), handlers), 1000)
    return { id, cursor }
  })

describe("a run of several steps, by the cursor that start gave", () => {
  it.effect("is in progress until its end, tools and all, and completed for good then", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor } = yield* begin(service)
      const seen: Array<string> = []
      for (let time = 0; time < 1500; time += 30) {
        const status = yield* passing(service.status(cursor), 0)
        if (status !== seen.at(-1)) seen.push(status)
        yield* pass(30)
      }
      expect(seen).toEqual(["queued", "in_progress", "completed"])
      expect(yield* passing(service.cancel(cursor), long)).toBe("completed")
      expect(yield* passing(service.status(cursor), long)).toBe("completed")
      expect(yield* cancels).toBe(0)
    }).pipe(over(script)))

  it.effect("law 2: is told to its end once more, whoever has handlers, and makes no call again", () =>
    Effect.gen(function*() {
      const { handlers, made } = counting()
      const service = yield* Threads.Threads
      const { cursor } = yield* begin(service, handlers)
      yield* pass(long)
      const undisturbed = told(yield* whole)
      expect(yield* passing(service.wait(cursor), long)).toMatchObject({ status: "completed", steps: 3 })
      for (const options of [{}, { toolkit }]) {
        const events = yield* passing(
          Effect.provide(collect(service.resume(cursor, options)), handlers),
          long
        )
        expect(told(events)).toEqual(undisturbed)
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => cursor.sequence + 1 + index))
      }
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    }).pipe(over(script)))

  it.effect("elsewhere, a log tells the same", () =>
    Effect.scoped(withLog(Effect.gen(function*() {
      const { service } = yield* elsewhere
      const { cursor } = yield* begin((yield* elsewhere).service)
      yield* pass(100)
      expect(yield* passing(service.status(cursor), 1000)).toBe("in_progress")
      yield* pass(long)
      expect(yield* passing(service.status(cursor), long)).toBe("completed")
      expect(yield* passing(service.cancel(cursor), long)).toBe("completed")
      const events = yield* passing(collect(service.resume(cursor)), long)
      expect(told(events)).toEqual(told(yield* whole))
    }))).pipe(over(script)))

  it.effect("elsewhere, a log tells that the tools run", () =>
    Effect.scoped(withLog(Effect.gen(function*() {
      const first = yield* elsewhere
      const { cursor } = yield* begin(first.service, counting("1 minute").handlers)
      yield* pass(5000)
      const { service } = yield* elsewhere
      expect(yield* passing(service.status(cursor), 1000)).toBe("in_progress")
      yield* first.die
      expect(yield* passing(service.status(cursor), 1000)).toBe("requires_action")
    }))).pipe(over(script)))

  it.effect("elsewhere and without a log, calls that the thread has answers to do not wait", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cursor } = yield* begin((yield* elsewhere).service)
      yield* pass(long)
      const { service } = yield* elsewhere
      expect(yield* passing(service.status(cursor), long)).toBe("completed")
      expect(yield* passing(service.cancel(cursor), long)).toBe("completed")
      for (const from of [cursor, { ...cursor, over: true }]) {
        expect(yield* passing(Effect.flip(service.wait(from)), long)).toMatchObject({
          _tag: "NotResumable",
          why: "nextStep"
        })
      }
    })).pipe(over(script)))

  for (
    const [what, part] of [
      ["an MCP server", Script.approvalRequest("drop", {})],
      ["another tool's call", Script.toolCall("custom_tool_call", { name: "grep", input: "x" })]
    ] as const
  ) {
    it.effect(`elsewhere and without a log, ${what} waits in a step that nobody remembers`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { cursor } = yield* begin((yield* elsewhere).service)
        yield* pass(long)
        const { service } = yield* elsewhere
        expect(yield* passing(service.status(cursor), long)).toBe("requires_action")
      })).pipe(over([Script.functionCall("note", { text: "a" }), part])))
  }

  it.effect("elsewhere, a log tells which answer to cancel", () =>
    Effect.scoped(withLog(Effect.gen(function*() {
      const { handlers, made } = counting()
      const first = yield* elsewhere
      const { cursor, id } = yield* begin(first.service, handlers)
      const simulator = yield* Simulator.Simulator
      const asked = Effect.map(simulator.requests, (all) => all.filter(({ path }) => path === "/responses").length)
      while ((yield* asked) < 2) yield* pass(10)
      yield* pass(50)
      const { service } = yield* elsewhere
      expect(yield* passing(service.cancel(cursor), long)).toBe("cancelled")
      expect(yield* cancels).toBe(1)
      yield* pass(long)
      expect(made.sort()).toEqual(["0a", "0b"])
      expect(yield* passing(service.status(cursor), long)).toBe("cancelled")
      expect(yield* passing(Effect.flip(first.service.wait(cursor)), long)).toMatchObject({ _tag: "RunCancelled" })
      expect(yield* passing(Run.text(first.service.run(id, { message: "And now?" })), long)).toBe("Fine.")
    }))).pipe(over(script)))

  it.effect("is cancelled for good while its tools run, here and elsewhere", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { cursor } = yield* begin(service, counting("1 hour").handlers)
      yield* pass(5000)
      expect(yield* passing(service.cancel(cursor), long)).toBe("cancelled")
      yield* pass(10_000)
      expect(yield* passing(service.status(cursor), long)).toBe("cancelled")
      expect(yield* passing(service.cancel(cursor), long)).toBe("cancelled")
      expect(yield* passing(Effect.flip(service.wait(cursor)), long)).toMatchObject({ _tag: "RunCancelled" })
      expect(yield* passing((yield* elsewhere).service.status(cursor), long)).toBe("cancelled")
    })).pipe(over(script)))

  it.effect("that waits for answers waits no more once it has them", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Go" }), long)
      yield* pass(5000)
      expect(yield* passing(service.status(cursor), long)).toBe("requires_action")
      const waiting = yield* passing(service.wait(cursor), long)
      expect(waiting).toMatchObject({ status: "requires_action", pending: [{}, {}] })
      const answers = waiting.pending.flatMap((one) =>
        one._tag === "PendingCall" ? [{ callId: one.call.callId, output: "noted" }] : []
      )
      yield* passing(Stream.runDrain(service.submit(id, answers)), long)
      expect(yield* passing(service.status(cursor), long)).not.toBe("requires_action")
    }).pipe(over([
      Script.always(({ context }) =>
        context.at(-1)?.["type"] === "function_call_output" ? "Done." : Script.turn([
          Script.functionCall("note", { text: "a" }),
          Script.functionCall("note", { text: "b" })
        ])
      )
    ])))
})

describe("before the response is known", () => {
  /** The events of a run as they come. */
  const reading = (run: Stream.Stream<RunEvent.RunEvent, RunError.ResumeError>) =>
    Effect.gen(function*() {
      const events: Array<RunEvent.RunEvent> = []
      const fiber = yield* Effect.fork(observe(Stream.tap(run, (event) => Effect.sync(() => events.push(event)))))
      return { events, fiber }
    })

  it.effect("a run in the queue is queued, and cancelling it takes it out", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* reading(service.run(id, { message: "One" }))
      yield* pass(1000)
      const second = yield* reading(service.run(id, { message: "Two" }))
      const third = yield* reading(service.run(id, { message: "Three" }))
      yield* pass(100)
      expect(third.events).toMatchObject([{ _tag: "RunQueued", place: 2 }])
      expect(second.events).toMatchObject([{ _tag: "RunQueued", place: 1 }])
      const cursor = Cursor.fromEvent(second.events[0]!)
      expect(yield* passing(service.status(cursor), 100)).toBe("queued")
      expect(yield* passing(service.cancel(cursor), 100)).toBe("cancelled")
      expect(yield* passing(second.fiber, 100)).toMatchObject({ tags: ["RunQueued"], error: { _tag: "RunCancelled" } })
      expect(yield* passing(service.status(cursor), 100)).toBe("cancelled")
      expect(yield* passing(service.cancel(cursor), 100)).toBe("cancelled")
      yield* pass(long)
      for (const { fiber } of [first, third]) expect((yield* fiber).tags.at(-1)).toBe("RunCompleted")
      const messages = yield* passing(collect(service.messages(id)), long)
      expect(messages.map(Thread.textOf).filter((text) => !text.startsWith("one"))).toEqual(["One", "Three"])
    }).pipe(over([Script.always(slow)])))

  it.effect("a run that has begun is in progress, and cancelling it sends nothing to its model", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const refused = Script.httpError({
        status: 429,
        code: "rate_limit_exceeded",
        headers: { "retry-after": "20" }
      })
      yield* simulator.inject(refused, ({ path }) => path === "/responses")
      for (const background of [false, true]) {
        const { events, fiber } = yield* reading(service.run(id, { message: "Hi", background }))
        yield* pass(1000)
        const cursor = Cursor.fromEvent(events.at(-1)!)
        expect(cursor.responseId).toBeUndefined()
        expect(yield* passing(service.status(cursor), 100)).toBe("in_progress")
        const asked = (yield* simulator.requests).filter(({ path }) => path === "/responses").length
        expect(yield* passing(service.cancel(cursor), 100)).toBe("cancelled")
        expect(yield* passing(fiber, 100)).toMatchObject({ error: { _tag: "RunCancelled" } })
        yield* pass(long)
        expect((yield* simulator.requests).filter(({ path }) => path === "/responses")).toHaveLength(asked)
        yield* simulator.inject(refused, ({ path }) => path === "/responses")
      }
    }).pipe(over([Script.always(slow)])))

  it.effect("a run is read along from its place in the queue, and by its id", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* reading(service.run(id, { message: "One" }))
      yield* pass(1000)
      const second = yield* reading(service.run(id, { message: "Two", background: true }))
      yield* pass(100)
      const cursor = Cursor.fromEvent(second.events[0]!)
      const along = yield* reading(service.resume(cursor))
      const byId = yield* reading(service.resume(cursor.runId))
      yield* pass(long)
      yield* first.fiber
      const seen = yield* second.fiber
      for (const { fiber } of [along, byId]) {
        const { error, events } = yield* fiber
        expect(error).toBeUndefined()
        expect(told(events)).toEqual(told(seen.events))
      }
      expect((yield* along.fiber).events[0]?.sequence).toBe(1)
      expect((yield* byId.fiber).events[0]?.sequence).toBe(0)
    }).pipe(over([Script.always(slow)])))

  it.effect("a run that is read along there and fails before its response fails alike", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* reading(service.run(id, { message: "One" }))
      yield* pass(1000)
      const second = yield* reading(service.run(id, { message: "Two", background: true, busyTimeout: "2 seconds" }))
      yield* pass(100)
      const along = yield* reading(service.resume(Cursor.fromEvent(second.events[0]!)))
      yield* pass(long)
      yield* first.fiber
      expect(yield* along.fiber).toMatchObject({ tags: [], error: { _tag: "ThreadBusy", why: "deadline" } })
    }).pipe(over([Script.always(slow)])))
})
