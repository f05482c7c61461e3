import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Stream } from "effect"
import { Cursor, RetryPolicy, Run, RunLog, type Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { vi } from "vitest"
import { threads } from "../support/layers.ts"
import { collect, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"
import {
  calling,
  handling,
  inTools,
  isFree,
  long,
  outputsOf,
  type Process,
  processes,
  processOf,
  reading,
  toolkit,
  waiting
} from "./twoProcesses.ts"

const unknown = expect.stringContaining("not known")

/** Answers what waits with calls of its own. */
const submitting = (process: Process, { answers, id }: Effect.Effect.Success<ReturnType<typeof waiting>>) =>
  Effect.map(handling, ({ end, handlers, made }) => ({
    made,
    end,
    run: (options: Omit<Threads.RunOptions, "toolkit"> = {}) =>
      process.in(observe(process.service.submit(id, answers, { toolkit, ...options })).pipe(Effect.provide(handlers)))
  }))

describe("two processes that answer the same calls", () => {
  for (const background of [false, true]) {
    for (const after of [0, 1, 300, 1500, 40_000]) {
      const how = `${after} ms later, ${background ? "background" : "foreground"}`
      it.effect(`law 2: one makes them, and the other, that comes ${how}, writes nothing`, () =>
        Effect.scoped(Effect.gen(function*() {
          const { first, log, second } = yield* processes
          const left = yield* waiting(first)
          const one = yield* submitting(first, left)
          const two = yield* submitting(second, left)
          const readers = [yield* Effect.fork(one.run({ background }))]
          if (after > 0) yield* pass(after)
          readers.push(yield* Effect.fork(two.run({ background })))
          yield* pass(2000)
          expect([...one.made, ...two.made].toSorted()).toEqual(["a", "b"])
          yield* Effect.all([one.end, two.end])
          const ends = yield* passing(Fiber.join(Fiber.all(readers)), long)
          expect(ends.map(({ error, tags }) => error?._tag ?? tags.at(-1)).toSorted()).toEqual([
            "InvalidInput",
            "RunCompleted"
          ])
          expect([...one.made, ...two.made].toSorted()).toEqual(["a", "b"])
          expect((yield* outputsOf(first, left.id)).toSorted()).toEqual(["noted a", "noted b"])
          expect(yield* isFree(log, left.id)).toBe(true)
        })).pipe(over(calling("pay", "a", "b"))))
    }
  }

  it.effect("law 5: the other does not wait where it does not want to, and not for ever", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second } = yield* processes
      const left = yield* waiting(first)
      const one = yield* submitting(first, left)
      const two = yield* submitting(second, left)
      const reader = yield* Effect.fork(one.run({ toolTimeout: "1 hour" }))
      yield* pass(1000)
      const busy = { _tag: "ThreadBusy", threadId: left.id }
      expect((yield* passing(two.run({ onBusy: "reject" }), 0)).error).toMatchObject({ ...busy, why: "running" })
      const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      expect((yield* passing(two.run({ busyTimeout: "7 seconds" }), long)).error).toMatchObject({
        ...busy,
        why: "deadline"
      })
      expect((yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - start).toBe(7000)
      expect((yield* passing(two.run(), 301_000)).error).toMatchObject({ ...busy, why: "deadline" })
      expect((yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - start).toBe(307_000)
      expect(two.made).toEqual([])
      yield* one.end
      expect((yield* passing(reader, long)).error).toBeUndefined()
      expect((yield* outputsOf(first, left.id)).toSorted()).toEqual(["noted a", "noted b"])
    })).pipe(over(calling("pay", "a", "b"))))

  it.effect("law 5: whoever waits can be cancelled, here and elsewhere, and interrupted", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second, third } = yield* processes
      const left = yield* waiting(first)
      const one = yield* submitting(first, left)
      const reader = yield* Effect.fork(one.run())
      yield* pass(1000)
      for (const canceller of [second, third]) {
        const run = second.service.submit(left.id, left.answers, { toolkit })
        const { handlers } = yield* handling
        const { cursor, reader } = yield* reading(second, Stream.provideSomeLayer(run, handlers))
        yield* pass(100)
        const from = yield* cursor
        expect(yield* passing(canceller.in(canceller.service.cancel(from)), 2000)).toBe("cancelled")
        expect((yield* passing(reader, 1000)).error).toMatchObject({ _tag: "RunCancelled" })
      }
      const two = yield* submitting(second, left)
      const waits = yield* Effect.fork(two.run())
      yield* pass(100)
      yield* passing(Fiber.interrupt(waits), 0)
      yield* one.end
      expect((yield* passing(reader, long)).error).toBeUndefined()
      expect((yield* outputsOf(first, left.id)).toSorted()).toEqual(["noted a", "noted b"])
    })).pipe(over(calling("pay", "a", "b"))))

  it.effect("law 2: a log knows of all of them before the first is made, and of none twice", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, log } = yield* processes
      const told: Array<string> = []
      const knowing: RunLog.Service = {
        ...log,
        intend: (calls) => Effect.zipRight(Effect.sync(() => told.push(`intend ${calls.length}`)), log.intend(calls)),
        start: (call) => Effect.zipRight(Effect.sync(() => told.push("start")), log.start(call)),
        finish: (call, outcome) => Effect.zipRight(Effect.sync(() => told.push("finish")), log.finish(call, outcome))
      }
      const left = yield* waiting(first)
      const one = yield* submitting(yield* processOf(knowing), left)
      yield* one.end
      expect((yield* passing(one.run({ toolConcurrency: 1 }), long)).error).toBeUndefined()
      expect(told).toEqual(["intend 2", "start", "finish", "start", "finish"])
    })).pipe(over(calling("pay", "a", "b"))))

  it.effect("law 2: a run that passes over an approval waits for whoever makes the call beside it", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second } = yield* processes
      const { id } = yield* first.service.create()
      const { end, handlers, made } = yield* handling
      yield* first.in(Effect.provide(Stream.runDrain(first.service.run(id, { message: "Go", toolkit })), handlers))
      const answers = (yield* second.service.pending(id)).map((one): Threads.Answer =>
        one._tag === "PendingCall"
          ? { callId: one.call.callId, approve: true }
          : one._tag === "PendingApproval"
          ? { approvalId: one.itemId, approve: true }
          : { callId: one.callId, output: "" }
      )
      const submitted = Stream.provideSomeLayer(second.service.submit(id, answers, { toolkit }), handlers)
      const { reader } = yield* reading(second, submitted)
      yield* pass(1000)
      const closing = yield* Effect.fork(first.in(Run.text(first.service.run(id, { onPending: "close" }))))
      yield* pass(10_000)
      expect(yield* outputsOf(first, id)).toEqual([])
      yield* end
      expect((yield* passing(reader, long)).error).toBeUndefined()
      expect(yield* passing(closing, long)).toBe("Done.")
      expect(made).toEqual(["b"])
      expect(yield* outputsOf(first, id)).toEqual(["noted b"])
    })).pipe(over([
      Script.turn([Script.approvalRequest("search", {}), Script.functionCall("pay", { text: "b" })]),
      "Done.",
      "Done."
    ])))

  it.effect("law 6: what was begun by one that died is not made again by another", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second } = yield* processes
      const left = yield* waiting(first)
      const one = yield* submitting(first, left)
      yield* Effect.fork(one.run({ toolConcurrency: 1 }))
      yield* pass(1000)
      expect(one.made).toEqual(["a", "b"])
      yield* first.kill
      const two = yield* submitting(second, left)
      const seen = yield* passing(two.run(), long)
      expect(seen.error).toBeUndefined()
      // That of "c" was going to be made.
      expect(two.made).toEqual(["c"])
      expect(yield* outputsOf(second, left.id)).toEqual(["noted a", unknown, "noted c"])
    })).pipe(over(calling("pay", "a", "b", "c"))))
})

/** What another process may do to a thread whose run is in its tools. */
const intruders: Record<
  string,
  (process: Process, id: Thread.ThreadId) => Effect.Effect<unknown, unknown, Simulator.Simulator>
> = {
  reconcile: ({ service }, id) => service.reconcile(id),
  "a run": ({ service }, id) => Run.text(service.run(id, { message: "And now?" })),
  "a run whose history is rejected": ({ service }, id) =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const message = "Duplicate item found with id msg_1. Remove duplicate items from your input and try again."
      yield* simulator.inject(
        Script.httpError({ status: 400, code: null, message, param: "input" }),
        ({ path }) => path === "/responses"
      )
      return yield* Run.text(service.run(id, { message: "And now?" }))
    }),
  "a run that closes what waits": ({ service }, id) =>
    Run.text(service.run(id, { message: "And now?", onPending: "close" })),
  "a run with tools": ({ service }, id) =>
    Effect.flatMap(
      handling,
      ({ end, handlers, made }) =>
        Effect.zipRight(end, Run.text(service.run(id, { message: "And now?", toolkit }))).pipe(
          Effect.provide(handlers),
          Effect.tap(() => expect(made).toEqual([]))
        )
    )
}

for (const background of [false, true]) {
  describe(`a run that is in its tools, ${background ? "background" : "foreground"}`, () => {
    for (const [what, intrude] of Object.entries(intruders)) {
      it.effect(`law 2: ${what} of another process waits for its end, and nothing is made or answered twice`, () =>
        Effect.scoped(Effect.gen(function*() {
          const { first, log, second } = yield* processes
          const { cursor, end, id, made, reader } = yield* inTools(first, { background, toolConcurrency: 1 })
          const intruder = yield* Effect.fork(second.in(intrude(second, id)))
          yield* pass(40_000)
          expect(intruder.unsafePoll()).toBeNull()
          yield* end
          expect((yield* passing(reader, 1000)).error).toBeUndefined()
          yield* passing(intruder, long)
          expect(made).toEqual(["a", "b", "c"])
          expect(yield* outputsOf(second, id)).toEqual(["noted a", "noted b", "noted c"])
          for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(true)
        })).pipe(over(calling("note", "a", "b", "c"))))

      it.effect(`law 3: ${what} of another process goes on once its driver is dead`, () =>
        Effect.scoped(Effect.gen(function*() {
          const { first, second } = yield* processes
          const { id } = yield* inTools(first, { background, toolConcurrency: 1 })
          yield* first.kill
          yield* pass(25_000)
          const intruder = yield* Effect.fork(second.in(
            Effect.exit(what === "a run" ? second.service.reconcile(id) : intrude(second, id))
          ))
          yield* passing(intruder, 10_000)
          expect(yield* outputsOf(second, id)).toHaveLength(3)
        })).pipe(over(calling("note", "a", "b", "c"))))
    }

    it.effect("law 2: nobody comes between an answer and its calls, however slowly it is read", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { id } = yield* first.service.create()
        const { end, handlers, made } = yield* handling
        yield* end
        const run = first.service.run(id, { message: "Go", toolkit, background })
        const reader = yield* Effect.fork(first.in(
          Run.handle(Stream.provideSomeLayer(run, handlers), { StepCompleted: () => Effect.sleep("20 seconds") })
        ))
        yield* pass(5000)
        expect(made).toEqual([])
        expect(yield* passing(second.in(second.service.reconcile(id)), long)).toEqual({ closed: [], removed: [] })
        expect(yield* passing(reader, long)).toMatchObject({ text: "Done." })
        expect(made).toEqual(["a", "b"])
        expect((yield* outputsOf(first, id)).toSorted()).toEqual(["noted a", "noted b"])
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 4: a run with tools that does not want to wait for it writes nothing", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { id, reader } = yield* inTools(first, { background })
        const { handlers } = yield* handling
        const run = second.service.run(id, { message: "And now?", toolkit, onBusy: "reject" })
        const { error } = yield* passing(second.in(Effect.provide(observe(run), handlers)), 100)
        expect(error).toMatchObject({ _tag: "ThreadBusy", why: "running" })
        const messages = yield* collect(second.service.messages(id))
        expect(messages).toHaveLength(1)
        yield* passing(Fiber.interrupt(reader), 10_000)
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 3: a run that was cancelled by another process leaves nothing to somebody who could answer", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { cursor, end, id, reader } = yield* inTools(first, { background })
        // The mark comes when it is done with what it can do itself.
        yield* log.cancel(cursor.runId)
        yield* end
        expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "RunCancelled" })
        expect(yield* second.service.pending(id)).toEqual([])
        expect(yield* outputsOf(second, id)).toEqual(["noted b", expect.stringContaining("not carried out")])
      })).pipe(over([
        Script.turn([Script.functionCall("note", { text: "b" }), Script.functionCall("pay", { text: "a" })])
      ])))

    it.effect("law 5: reconcile does not wait where it does not want to, and not for ever", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { id, reader } = yield* inTools(first, { background })
        const reconcile = (waiting: Parameters<Threads.Service["reconcile"]>[1]) =>
          passing(second.in(Effect.flip(second.service.reconcile(id, waiting))), 10_000)
        expect(yield* reconcile({ onBusy: "reject" })).toMatchObject({ _tag: "ThreadBusy", why: "running" })
        expect(yield* reconcile({ busyTimeout: "5 seconds" })).toMatchObject({ _tag: "ThreadBusy", why: "deadline" })
        expect(yield* outputsOf(second, id)).toEqual([])
        yield* passing(Fiber.interrupt(reader), 10_000)
        expect(yield* passing(second.in(second.service.reconcile(id)), 1000)).toEqual({ closed: [], removed: [] })
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 2: whoever resumes it elsewhere reads along, and makes no call", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { cursor, end, id, made, reader } = yield* inTools(first, { background })
        expect((yield* log.steps(cursor.runId)).map(({ responseId }) => responseId)).toEqual([cursor.responseId])
        const { handlers, made: again } = yield* handling
        const along = yield* reading(
          second,
          Stream.provideSomeLayer(second.service.resume(cursor, { toolkit }), handlers)
        )
        yield* pass(40_000)
        expect(along.reader.unsafePoll()).toBeNull()
        yield* end
        const { events } = yield* passing(reader, 1000)
        const seen = yield* passing(along.reader, 10_000)
        expect(seen.error).toBeUndefined()
        const outcome = ({ tags, ...seen }: typeof along.reader extends Fiber.Fiber<infer A> ? A : never) => ({
          end: tags.at(-1),
          outputs: seen.events.flatMap((event) => event._tag === "ToolCallCompleted" ? [event.output] : []).toSorted(),
          texts: seen.events.flatMap((event) => event._tag === "TextCompleted" ? [event.text] : [])
        })
        expect(outcome(seen)).toEqual({ end: "RunCompleted", outputs: ["noted a", "noted b"], texts: ["Done."] })
        expect(events.at(-1)?._tag).toBe("RunCompleted")
        expect([...made, ...again]).toEqual(["a", "b"])
        expect(yield* log.steps(cursor.runId)).toHaveLength(2)
        expect((yield* outputsOf(first, id)).toSorted()).toEqual(["noted a", "noted b"])
      })).pipe(over(calling("note", "a", "b"))))

    it.effect("law 2: whoever resumes it elsewhere takes both leases once its driver is dead", () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log, second } = yield* processes
        const { cursor, id } = yield* inTools(first, { background, toolConcurrency: 1 })
        yield* first.kill
        const { end, handlers, made } = yield* handling
        const resumed = yield* reading(
          second,
          Stream.provideSomeLayer(second.service.resume(cursor, { toolkit, toolConcurrency: 1 }), handlers)
        )
        yield* pass(10_000)
        expect(made).toEqual([])
        yield* pass(25_000)
        // "b" had begun, and nobody knows what became of it.
        expect(made).toEqual(["b2"])
        for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(false)
        yield* end
        expect((yield* passing(resumed.reader, long)).error).toBeUndefined()
        expect(yield* outputsOf(second, id)).toEqual(["noted a", unknown, "noted b2"])
        for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(true)
      })).pipe(over(calling("note", "a", "b", "b2"))))

    for (const lost of ["thread", "run"] as const) {
      it.effect(`law 6: a driver that lost the lease of its ${lost} neither answers nor asks any more`, () =>
        Effect.scoped(Effect.gen(function*() {
          for (const endsItself of [false, true]) {
            const { log } = yield* processes
            const taken = new Set<string>()
            const first = yield* processOf({
              ...log,
              lease: (key, ...rest) => taken.has(key) ? Effect.succeed(false) : log.lease(key, ...rest)
            })
            const { cursor, end, id, reader } = yield* inTools(first, { background })
            const simulator = yield* Simulator.Simulator
            const before = (yield* simulator.requests).length
            taken.add(lost === "thread" ? id : cursor.runId)
            // It finds out before it goes on, or when it says that it lives.
            if (endsItself) yield* end
            expect((yield* passing(reader, endsItself ? 100 : 11_000)).error).toMatchObject({
              _tag: "ThreadBusy",
              why: "running"
            })
            yield* pass(long)
            expect((yield* simulator.requests).slice(before).filter(({ method }) => method !== "GET")).toEqual([])
            expect(yield* isFree(log, lost === "thread" ? cursor.runId : id)).toBe(true)
          }
        })).pipe(over(calling("note", "a", "b"))))
    }

    it.effect("law 6: what a driver owes that lost its thread is not written by it", () =>
      Effect.scoped(Effect.gen(function*() {
        const { log } = yield* processes
        const taken = new Set<string>()
        const first = yield* processOf({
          ...log,
          lease: (key, ...rest) => taken.has(key) ? Effect.succeed(false) : log.lease(key, ...rest)
        })
        const { id, reader } = yield* inTools(first, { background })
        taken.add(id)
        yield* passing(Fiber.interrupt(reader), 10_000)
        expect(yield* outputsOf(first, id)).toEqual([])
      })).pipe(over(calling("note", "a", "b"))))
  })
}

describe("both leases are given back", () => {
  const note = (...texts: ReadonlyArray<string>) =>
    Script.turn(texts.map((text) => Script.functionCall("note", { text })))
  const ends: Record<string, { readonly script: Script.Script; readonly tag: string }> = {
    "a run that completes": { script: [note("a"), "Done."], tag: "RunCompleted" },
    "a run that waits": {
      script: [Script.turn([Script.functionCall("note", { text: "a" }), Script.functionCall("pay", { text: "a" })])],
      tag: "RunCompleted"
    },
    "a run that fails": { script: [note("a"), Script.failure("server_error")], tag: "RunFailed" },
    "a run of too many steps": { script: [note("a"), note("a")], tag: "TooManySteps" },
    "a run that is refused": { script: [note("a"), Script.httpError({ status: 401 })], tag: "AuthenticationError" }
  }
  for (const background of [false, true]) {
    for (const [what, { script, tag }] of Object.entries(ends)) {
      it.effect(`by ${what}, ${background ? "background" : "foreground"}`, () =>
        Effect.scoped(Effect.gen(function*() {
          const { first, log } = yield* processes
          const { id } = yield* first.service.create()
          const { handlers } = yield* handling
          const run = first.service.run(id, { message: "Go", toolkit, background, maxSteps: 2 })
          const asked = new Set<string>()
          const { cursor, reader } = yield* reading(
            first,
            Stream.tap(Stream.provideSomeLayer(run, handlers), ({ _tag, runId }) =>
              _tag === "ToolCallCompleted"
                ? Effect.map(
                  Effect.all([isFree(log, runId), isFree(log, id)]),
                  (free) => asked.add(free.join())
                )
                : Effect.void)
          )
          const seen = yield* passing(reader, long)
          expect(seen.error?._tag ?? seen.tags.at(-1)).toBe(tag)
          expect([...asked]).toEqual(["false,false"])
          for (const key of [(yield* cursor).runId, id]) expect(yield* isFree(log, key)).toBe(true)
        })).pipe(over(script)))
    }

    it.effect(`by a run that is interrupted, ${background ? "background" : "foreground"}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, log } = yield* processes
        const { cursor, id, reader } = yield* inTools(first, { background })
        expect(yield* Effect.all([isFree(log, cursor.runId), isFree(log, id)])).toEqual([false, false])
        yield* passing(Fiber.interrupt(reader), 10_000)
        for (const key of [cursor.runId, id]) expect(yield* isFree(log, key)).toBe(true)
        expect((yield* outputsOf(first, id)).toSorted()).toEqual([unknown, "noted a"])
      })).pipe(over(calling("note", "a", "b"))))
  }

  it.effect("after what its calls lack is written", () =>
    Effect.scoped(Effect.gen(function*() {
      const { log } = yield* processes
      const order: Array<string> = []
      const first = yield* processOf({
        ...log,
        lease: (key, owner, time) =>
          Effect.zipRight(
            Effect.suspend(() => {
              if (Duration.toMillis(time) > 0) return Effect.void
              order.push(key.startsWith("run_") ? "run" : "thread")
              return Effect.flatMap(
                Simulator.Simulator,
                ({ requests }) => Effect.map(requests, (all) => order.push(`${all.length} requests`))
              )
            }),
            log.lease(key, owner, time)
          ) as Effect.Effect<boolean>
      })
      const { reader } = yield* inTools(first)
      const simulator = yield* Simulator.Simulator
      const before = (yield* simulator.requests).length
      yield* passing(Fiber.interrupt(reader), 10_000)
      expect(order).toEqual(["run", `${before + 1} requests`, "thread", `${before + 1} requests`])
    })).pipe(over(calling("note", "a", "b"))))
})

it.effect("law 5: whoever is next in the queue finds the thread given back, with a log that takes its time, too", () =>
  Effect.scoped(Effect.gen(function*() {
    const { log } = yield* processes
    const asked: Array<boolean> = []
    const first = yield* processOf({
      ...log,
      lease: (key, owner, time) =>
        Effect.tap(Effect.delay(log.lease(key, owner, time), "20 millis"), (isMine) => asked.push(isMine))
    })
    const { id } = yield* first.service.create()
    const { end, handlers } = yield* handling
    yield* end
    const run = Run.text(first.service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(handlers))
    expect(yield* passing(first.in(Effect.all([run, run, run], { concurrency: 3 })), long)).toEqual(
      ["Done.", "Done.", "Done."]
    )
    expect(new Set(asked)).toEqual(new Set([true]))
  })).pipe(over(calling("note", "a", "b"))))

it.effect("without a log that remembers, nobody asks for a lease", () =>
  Effect.gen(function*() {
    const spies = (["lease", "cancel", "isCancelled", "step"] as const).map((name) => vi.spyOn(RunLog.none, name))
    yield* Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { handlers } = yield* handling
      for (const background of [false, true]) {
        const { id } = yield* service.create()
        yield* Effect.provide(Stream.runDrain(service.run(id, { message: "Go", toolkit, background })), handlers)
        const pending = yield* service.pending(id)
        const answers = pending.flatMap((one) =>
          one._tag === "PendingCall" ? [{ callId: one.call.callId, approve: true }] : []
        )
        yield* Effect.provide(collect(service.submit(id, answers, { toolkit, background })), handlers)
        yield* service.reconcile(id)
      }
    }).pipe(Effect.provide(threads(calling("pay", "a"))))
    for (const spy of spies) expect(spy).not.toHaveBeenCalled()
    vi.restoreAllMocks()
  }))

describe("a driver that another process has followed", () => {
  const slow = (options: Script.TurnOptions) => [
    Script.always(({ context }) =>
      context.some(({ type }) => type === "function_call_output")
        ? "Done."
        : Script.turn(
          [Script.text("One two three."), ...["a", "b"].map((text) => Script.functionCall("note", { text }))],
          options
        )
    )
  ]

  /** Another process goes on with the run, and is in its tools when the first writes to the thread. */
  const writing = (first: Process, second: Process, id: Thread.ThreadId, from: Effect.Effect<Cursor.Cursor>) =>
    Effect.gen(function*() {
      const { end, handlers, made } = yield* handling
      const resumed = Stream.provideSomeLayer(second.service.resume(yield* from, { toolkit }), handlers)
      const { reader } = yield* reading(second, resumed)
      yield* pass(20_000)
      expect(made).toEqual(["a", "b"])
      yield* passing(first.in(first.service.addMessage(id, "And now?")), 1000)
      yield* end
      expect((yield* passing(reader, long)).error).toBeUndefined()
      expect(yield* outputsOf(second, id)).toEqual(["noted a", "noted b"])
      expect(yield* passing(first.in(Run.text(first.service.run(id))), long)).toBe("Done.")
    })

  it.effect("law 2: closes nothing of an answer that it was ousted from", () =>
    Effect.scoped(Effect.gen(function*() {
      const { log, second } = yield* processes
      let isLost = false
      const losing: RunLog.Service = {
        ...log,
        lease: (...args) => Effect.suspend(() => isLost ? Effect.succeed(false) : log.lease(...args))
      }
      const first = yield* processOf(losing)
      const { id } = yield* first.service.create()
      const { handlers } = yield* handling
      const run = first.service.run(id, { message: "Go", background: true, toolkit })
      const { cursor, reader } = yield* reading(first, Stream.provideSomeLayer(run, handlers))
      yield* pass(3000)
      isLost = true
      yield* pass(8000)
      expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "ThreadBusy" })
      yield* pass(30_000)
      isLost = false
      yield* writing(first, second, id, cursor)
    })).pipe(over(slow({ latency: "2 seconds" }))))

  it.effect("law 2: closes nothing of an answer that it could not hear on", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second } = yield* processes
      const { id } = yield* first.service.create()
      const { handlers } = yield* handling
      const run = first.service.run(id, { message: "Go", background: true, toolkit }).pipe(
        Stream.provideSomeLayer(handlers),
        Stream.provideService(RetryPolicy.RetryPolicy, RetryPolicy.none)
      )
      const { cursor, reader } = yield* reading(first, run)
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.httpError({ status: 500 }), ({ method, path }) =>
        method === "GET" && path.includes("/responses/"))
      yield* pass(30_000)
      expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "ConnectionLost" })
      yield* writing(first, second, id, cursor)
    })).pipe(over(slow({ latency: "1 second", fault: Script.reset({ afterEvents: 5 }) }))))

  for (const isRemembered of [true, false]) {
    const how = isRemembered ? "with a log" : "without a log"
    it.effect(`law 2: closes nothing of an answer for which it found the thread locked, ${how}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { id } = yield* second.service.create()
        const { end, handlers, made } = yield* handling
        const inLog = isRemembered ? second.in : <A, E, R>(effect: Effect.Effect<A, E, R>) => effect
        const run = Stream.provideSomeLayer(second.service.run(id, { message: "Go", toolkit }), handlers)
        const reader = yield* Effect.fork(inLog(observe(run)))
        yield* pass(500)
        const other = yield* Effect.fork(inLog(observe(first.service.run(id, { message: "And now?" }))))
        yield* pass(20_000)
        expect(made).toEqual(["a", "b"])
        yield* end
        expect((yield* passing(reader, long)).error).toBeUndefined()
        expect((yield* passing(other, long)).error?._tag).toBe(isRemembered ? undefined : "ThreadBusy")
        expect(yield* outputsOf(second, id)).toEqual(["noted a", "noted b"])
      })).pipe(over(slow({ latency: "500 millis" }))))
  }

  it.effect("law 2: writes no answer again behind which somebody has written", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, second } = yield* processes
      const { id } = yield* first.service.create()
      const { handlers } = yield* handling
      const { cursor, events, reader } = yield* reading(
        first,
        Stream.provideSomeLayer(first.service.run(id, { message: "Go", toolkit }), handlers)
      )
      expect((yield* passing(reader, long)).error).toBeUndefined()
      for (const text of ["And now?", "Hello?"]) yield* first.service.addMessage(id, text)
      const before = yield* collect(second.service.items(id))
      const from = Cursor.fromEvent(events.find(({ _tag }) => _tag === "ToolCallRequested")!)
      for (const cursors of [from, yield* cursor]) {
        const seen = yield* passing(second.in(observe(second.service.resume(cursors))), long)
        expect(seen.events.at(-1)).toMatchObject({ _tag: "RunCompleted", status: "requires_action" })
      }
      expect(yield* collect(second.service.items(id))).toEqual(before)
    })).pipe(over(calling("pay", "a", "b"))))

  it.effect("whoever reads along keeps no lease behind its end", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, log, second } = yield* processes
      const { cursor, end, reader } = yield* inTools(first, { background: true })
      const along = yield* reading(second, second.service.resume(cursor))
      yield* pass(1000)
      yield* end
      expect((yield* passing(reader, long)).error).toBeUndefined()
      expect((yield* passing(along.reader, long)).error).toBeUndefined()
      expect(yield* isFree(log, cursor.runId)).toBe(true)
      expect(yield* passing(first.in(first.service.cancel(cursor)), 100)).toBe("completed")
    })).pipe(over(calling("note", "a", "b"))))

  it.effect("law 7: a log that does not answer holds the end of a run for 5 seconds", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      let hangs = false
      const first = yield* processOf({
        ...log,
        lease: (...args) => Effect.suspend(() => hangs ? Effect.never : log.lease(...args))
      })
      const { id } = yield* first.service.create()
      const { reader } = yield* reading(first, first.service.run(id, { message: "Go" }))
      yield* pass(2000)
      hangs = true
      yield* passing(Fiber.interrupt(reader), 5000)
      expect(yield* passing(first.service.addMessage(id, "And now?"), 5000)).toBeDefined()
    })).pipe(over([Script.turn("one two three", { latency: "1 second" })])))
})
