import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Stream } from "effect"
import { Cursor, OpenAI, Run, type RunError, type RunEvent, RunLog, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { collect, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { counting, elsewhere, over, script, told, toolkit, whole } from "./backgroundRun.ts"

const slow = Script.turn("one two three four five", { latency: "1 second" })

/** Longer than any run here. */
const long = 60_000

const inLog = (log: RunLog.Service) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, RunLog.RunLog, log)

/** What a run has told, but for what it took: other words in its thread are counted, too. */
const said = (events: ReadonlyArray<RunEvent.RunEvent>) => {
  const { calls, messages, texts, whole } = told(events)
  return { calls, messages, texts, whole }
}

/** A run that a process began that died. */
const left = (wait = 0) =>
  Effect.gen(function*() {
    const first = yield* elsewhere
    const { id } = yield* first.service.create()
    const cursor = yield* passing(
      Effect.zipLeft(first.service.start(id, { message: "Go", toolkit }), first.die).pipe(
        Effect.provide(counting().handlers)
      ),
      1000
    )
    yield* pass(wait)
    return { id, cursor }
  })

/** The thread is busy: a message that is written to it does not come to an end. */
const occupied = (service: Threads.Service, id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    yield* simulator.inject(
      Script.stall({ headers: true }),
      ({ method, path }) => method === "POST" && path.endsWith("/items")
    )
    const busy = yield* Effect.fork(service.addMessage(id, "Hello?"))
    yield* pass(10)
    return busy
  })

const requests = Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests)

describe("a run that is over", () => {
  it.effect("is told without the thread's lock, here and elsewhere", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
      yield* pass(long)
      const busy = yield* Effect.fork(observe(service.run(id, { message: "More" })))
      yield* pass(500)
      const other = yield* elsewhere
      const blocked = yield* Effect.fork(observe(other.service.run(id, { message: "Even more" })))
      yield* pass(500)
      for (const { resume } of [service, other.service]) {
        const events = yield* passing(collect(resume(cursor, { onBusy: "reject" })), 100)
        expect(told(events)).toMatchObject({ texts: ["one two three four five"], end: [{ status: "completed" }] })
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => cursor.sequence + 1 + index))
      }
      yield* Fiber.interruptAll([busy, blocked])
    })).pipe(over([Script.always(slow)])))

  it.effect("law 2: a place in the queue is numbered behind the cursor, and has a cursor of its own", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cursor, id } = yield* left(long)
      const { service } = yield* elsewhere
      const busy = yield* occupied(service, id)
      const { handlers } = counting()
      const events: Array<RunEvent.RunEvent> = []
      const reader = yield* Effect.fork(Effect.provide(
        Stream.runForEach(service.resume(cursor, { toolkit }), (event) => Effect.sync(() => events.push(event))),
        handlers
      ))
      yield* pass(1000)
      expect(events).toMatchObject([
        { _tag: "RunQueued", place: 1, sequence: cursor.sequence + 1, responseId: cursor.responseId, wire: cursor.wire }
      ])
      yield* Fiber.interrupt(busy)
      yield* passing(reader, long)
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => cursor.sequence + 1 + index))
      expect(said(events)).toEqual(said(yield* whole))
    })).pipe(over(script)))
})

describe("two who go on with a run at once", () => {
  it.effect("law 2: the second reads along with the first", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cursor } = yield* left()
      const { service } = yield* elsewhere
      const { handlers, made } = counting()
      const resume = observe(service.resume(cursor, { toolkit })).pipe(Effect.provide(handlers))
      const seen = yield* passing(Effect.all([resume, resume, resume], { concurrency: "unbounded" }), long)
      const undisturbed = told(yield* whole)
      for (const { error, events, tags } of seen) {
        expect(error).toBeUndefined()
        // None waits for the first to end.
        expect(tags).not.toContain("RunQueued")
        expect(told(events)).toEqual(undisturbed)
      }
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    })).pipe(over(script)))

  it.effect("law 2: the second may stand at another step than the first", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const events: Array<RunEvent.RunEvent> = []
      const { handlers } = counting()
      yield* passing(
        Stream.runForEach(
          Stream.takeUntil(
            first.service.run(id, { message: "Go", toolkit, background: true, onStop: "detach" }),
            ({ _tag, step }) => _tag === "StepStarted" && step === 1
          ),
          (event) => Effect.sync(() => events.push(event))
        ).pipe(Effect.zipLeft(first.die), Effect.provide(handlers)),
        long
      )
      const { service } = yield* elsewhere
      const resume = (event: RunEvent.RunEvent) =>
        observe(service.resume(Cursor.fromEvent(event), { toolkit })).pipe(Effect.provide(handlers))
      const early = events.find(({ _tag }) => _tag === "StepStarted")!
      const late = yield* Effect.fork(resume(events.at(-1)!))
      yield* pass(1)
      const earlier = yield* passing(resume(early), long)
      expect((yield* late).error).toBeUndefined()
      expect(earlier.error).toBeUndefined()
      expect(said(earlier.events)).toEqual(said(yield* whole))
    })).pipe(over(script)))

  it.effect("law 2: the second goes on where the first has stopped", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cursor } = yield* left()
      const { service } = yield* elsewhere
      const { handlers } = counting("5 seconds")
      const resume = (timeout?: Duration.DurationInput) =>
        Effect.provide(observe(service.resume(cursor, { toolkit, timeout })), handlers)
      const first = yield* Effect.fork(resume("2 seconds"))
      yield* pass(1)
      const second = yield* passing(resume(), long)
      expect((yield* first).error).toMatchObject({ _tag: "TimedOut" })
      expect(second.error).toBeUndefined()
      expect(told(second.events)).toEqual(told(yield* whole))
    })).pipe(over(script)))

  it.effect("the second goes on where the first could not wait for the thread", () =>
    Effect.scoped(Effect.gen(function*() {
      const { cursor, id } = yield* left()
      const { service } = yield* elsewhere
      const busy = yield* occupied(service, id)
      const { handlers } = counting()
      const resume = (busyTimeout?: Duration.DurationInput) =>
        Effect.provide(observe(service.resume(cursor, { toolkit, busyTimeout })), handlers)
      const first = yield* Effect.fork(resume("1 second"))
      yield* pass(1)
      const second = yield* Effect.fork(resume())
      yield* pass(5000)
      expect((yield* first).error).toMatchObject({ _tag: "ThreadBusy", why: "deadline" })
      yield* Fiber.interrupt(busy)
      const { error, events } = yield* passing(second, long)
      expect(error).toBeUndefined()
      expect(said(events)).toEqual(said(yield* whole))
    })).pipe(over(script)))

  it.effect("the second ends with the first where that dies of a tool", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const broken = toolkit.toLayer({ note: () => Effect.delay(Effect.die("no ink"), 1000) })
      const start = service.start(id, { message: "Go", toolkit, onToolDefect: "fail" })
      const cursor = yield* passing(Effect.provide(start, broken), 1000)
      const { error } = yield* passing(observe(service.resume(cursor)), long)
      expect(error).toMatchObject({ _tag: "RunCancelled" })
      expect(yield* passing(service.status(cursor), 100)).toBe("cancelled")
    }).pipe(over(script)))

  it.effect("law 2: the second is told what calls gave that the first has not made", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers } = counting("1 second")
      const run = first.service.run(id, { message: "Go", toolkit, background: true, onStop: "detach" })
      const events = yield* passing(
        collect(Stream.takeUntil(run, ({ _tag, step }) => _tag === "StepStarted" && step === 1)).pipe(
          Effect.zipLeft(first.die),
          Effect.provide(handlers)
        ),
        long
      )
      const { service } = yield* elsewhere
      const resume = (event: RunEvent.RunEvent) =>
        Effect.provide(observe(service.resume(Cursor.fromEvent(event), { toolkit })), handlers)
      const late = yield* Effect.fork(resume(events.at(-1)!))
      // It makes the calls of its step.
      yield* pass(500)
      const early = yield* passing(resume(events.find(({ _tag }) => _tag === "StepStarted")!), long)
      expect(early.error).toBeUndefined()
      expect(told(early.events)).toEqual(told([...events, ...(yield* late).events]))
    })).pipe(over(script)))
})

describe("the lease of a run", () => {
  it.effect("is renewed while its driver lives, and given back at the end", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers, made } = counting("50 seconds")
      const start = Effect.provide(first.service.start(id, { message: "Go", toolkit }), handlers)
      const { runId } = yield* inLog(log)(passing(start, 1000))
      const isFree = log.lease(runId, "nobody", Duration.zero)
      const free: Array<boolean> = []
      for (let time = 0; time < 115_000; time += 5000) {
        free.push(yield* isFree)
        yield* pass(5000)
      }
      expect(new Set(free.slice(0, 20))).toEqual(new Set([false]))
      expect(free.at(-1)).toBe(true)
      expect(made).toHaveLength(4)
      expect(yield* log.lease(runId, "somebody", Duration.minutes(1))).toBe(true)
    })).pipe(over(script)))

  it.effect("is given back by whoever could not go on", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const { cursor, id } = yield* inLog(log)(left(40_000))
      const { service } = yield* elsewhere
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.stall({ headers: true }), ({ method, path }) =>
        method === "POST" && path.endsWith("/items"))
      const busy = yield* Effect.fork(service.addMessage(id, "Hello?"))
      yield* pass(10)
      const { handlers } = counting()
      const fails = <E, R>(run: Stream.Stream<RunEvent.RunEvent, E, R>) =>
        inLog(log)(passing(Effect.provide(Effect.flip(Stream.runDrain(run)), handlers), 1000))
      const resume = service.resume(cursor, { toolkit, onBusy: "reject" })
      const withoutTools = service.resume(cursor, { toolkit: Effect.fail("no tools" as const), onBusy: "reject" })
      expect(yield* fails(resume)).toMatchObject({ _tag: "ThreadBusy", why: "running" })
      expect(yield* log.lease(cursor.runId, "somebody", Duration.seconds(1))).toBe(true)
      yield* pass(1000)
      expect(yield* fails(withoutTools)).toBe("no tools")
      expect(yield* log.lease(cursor.runId, "somebody", Duration.seconds(1))).toBe(true)
      yield* pass(1000)
      yield* simulator.inject(
        Script.httpError({ status: 401, code: "invalid_api_key" }),
        ({ method, path }) =>
          method === "GET" && path.includes("/items")
      )
      yield* Fiber.interrupt(busy)
      expect(yield* fails(resume)).toMatchObject({ _tag: "AuthenticationError" })
      expect(yield* log.lease(cursor.runId, "somebody", Duration.seconds(1))).toBe(true)
    })).pipe(over(script)))

  it.effect("law 6: a driver that lost it stops, and neither answers, nor asks, nor cancels", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      for (const lostAt of [100, 5000, 10_500]) {
        let isLost = false
        const losing: RunLog.Service = {
          ...log,
          lease: (...args) => Effect.suspend(() => isLost ? Effect.succeed(false) : log.lease(...args))
        }
        const first = yield* elsewhere
        const { id } = yield* first.service.create()
        const { handlers, made } = counting("11 seconds")
        const run = first.service.run(id, { message: "Go", toolkit, background: true })
        const reader = yield* Effect.fork(inLog(losing)(observe(Stream.provideSomeLayer(run, handlers))))
        yield* pass(lostAt)
        const before = (yield* requests).length
        isLost = true
        // Before the calls, while they are made, and before the next step.
        const seen = yield* passing(reader, lostAt === 100 ? 1000 : 15_000)
        expect(seen.error).toMatchObject({ _tag: "ThreadBusy", why: "running" })
        expect(seen.events.at(-1)?.step).toBe(0)
        yield* pass(long)
        expect((yield* requests).slice(before)).toEqual([])
        expect(made.length).toBe(lostAt === 10_500 ? 2 : 0)
      }
    })).pipe(over(script)))

  it.effect("law 6: a driver that lost it during an answer leaves that to the other", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      let isLost = false
      const losing: RunLog.Service = {
        ...log,
        lease: (...args) => Effect.suspend(() => isLost ? Effect.succeed(false) : log.lease(...args))
      }
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const run = service.run(id, { message: "Hi", background: true })
      const reader = yield* Effect.fork(inLog(losing)(observe(run)))
      yield* pass(5000)
      isLost = true
      yield* pass(5500)
      expect((yield* passing(reader, 100)).error).toMatchObject({ _tag: "ThreadBusy", why: "running" })
      expect(yield* simulator.openStreams).toBe(0)
      expect((yield* requests).some(({ path }) => path.endsWith("/cancel"))).toBe(false)
      yield* pass(long)
      expect((yield* passing(collect(service.messages(id)), 1000)).map(Thread.textOf)).toHaveLength(2)
    })).pipe(over([Script.turn("one two three four five six seven eight", { latency: "2 seconds" })])))

  it.effect("law 6: whoever reads along takes the place of a driver that died, and no call is made twice", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const first = yield* elsewhere
      const second = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers, made } = counting()
      const never = toolkit.toLayer({
        note: ({ text }) => text === "1a" ? Effect.never : Effect.succeed(`noted ${text}`)
      })
      const cursor = yield* inLog(log)(passing(
        Effect.provide(first.service.start(id, { message: "Go", toolkit }), never),
        1000
      ))
      const reader = yield* Effect.fork(
        inLog(log)(
          observe(Stream.provideSomeLayer(second.service.resume(cursor, { toolkit }), handlers))
        )
      )
      yield* pass(3000)
      yield* first.die
      const seen = yield* passing(reader, long)
      expect(seen.error).toBeUndefined()
      expect(said(seen.events)).toEqual(said(yield* whole))
      // Whether the call was made that the other died in, nobody knows.
      expect(told(seen.events).outputs).toEqual([
        "This was interrupted: it is not known whether the call was carried out.",
        "noted 0a",
        "noted 0b",
        "noted 1b"
      ])
      expect(made).toEqual([])
    })).pipe(over(script)))

  it.effect("whoever has taken the place over lets the run go on when its reader stops", () =>
    Effect.scoped(Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const first = yield* elsewhere
      const { service } = yield* elsewhere
      const { id } = yield* first.service.create()
      const { handlers } = counting("10 seconds")
      const cursor = yield* inLog(log)(passing(
        Effect.provide(first.service.start(id, { message: "Go", toolkit }), handlers),
        1000
      ))
      const run = Stream.provideSomeLayer(service.resume(cursor, { toolkit }), handlers)
      const reader = yield* Effect.fork(inLog(log)(Stream.runDrain(run)))
      yield* pass(1000)
      yield* first.die
      yield* pass(2000)
      yield* Fiber.interrupt(reader)
      yield* pass(long)
      expect(yield* inLog(log)(passing(service.status(cursor), 100))).toBe("completed")
    })).pipe(over(script)))
})

describe("an end that somebody wants", () => {
  const failing = ({ path }: Simulator.InjectionTarget) => path.endsWith("/cancel")

  it.effect("fails where OpenAI does not cancel, whose run it is", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const refused = Script.httpError({ status: 403, code: "denied" })
      const cursor = yield* passing(service.start(id, { message: "Hi" }), long)
      for (const { cancel } of [(yield* elsewhere).service, service, service]) {
        yield* simulator.inject(refused, failing)
        expect(yield* passing(Effect.flip(cancel(cursor)), long)).toMatchObject({ _tag: "PermissionDenied" })
        yield* pass(100)
      }
      // The answer goes on, and says so.
      yield* pass(10_000)
      expect(yield* passing(service.status(cursor), 1000)).toBe("in_progress")
      expect(yield* passing(service.cancel(cursor), 1000)).toBe("cancelled")
    })).pipe(over([Script.turn("a b c d e f g h i j k l m n o p", { latency: "5 seconds" })])))

  it.effect("what cancel gives is what the answer came to in the end", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
      // The answer is faster.
      const { service: late } = yield* Effect.updateService(elsewhere, OpenAI.OpenAI, ({ responses, ...openai }) => ({
        ...openai,
        responses: { ...responses, cancel: (responseId) => responses.retrieve(responseId) }
      }))
      expect(yield* passing(late.cancel(cursor), long)).toBe("completed")
    }).pipe(Effect.scoped, over([slow])))

  it.effect("law 7: a timeout ends the answer of a run that nobody reads, too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi", timeout: "4 seconds" }), 5000)
      yield* pass(6000)
      expect((yield* requests).filter(({ path }) => path.endsWith("/cancel"))).toHaveLength(1)
      expect(yield* passing(service.status(cursor), 1000)).toBe("cancelled")
      expect(yield* passing(Run.text(service.run(id, { message: "And now?", onBusy: "reject" })), 1000)).toBe("Fine.")
    }).pipe(over([Script.turn("a b c d e f g h i j k l m n", { latency: "2 seconds" }), "Fine."])))

  it.effect("a timeout of whoever only goes on with a run ends nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(Effect.zipLeft(first.service.start(id, { message: "Hi" }), first.die), 5000)
      const { service } = yield* elsewhere
      expect(yield* passing(Effect.flip(service.wait(cursor, { timeout: "2 seconds" })), 10_000)).toMatchObject({
        _tag: "TimedOut"
      })
      expect(yield* passing(service.wait(cursor), long)).toMatchObject({ text: "one two three four five" })
    })).pipe(over([slow])))

  it.effect("a timeout of whoever reads along holds while the tools run, too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const { handlers } = counting("1 hour")
      const cursor = yield* passing(Effect.provide(service.start(id, { message: "Go", toolkit }), handlers), 1000)
      const seen = yield* passing(observe(service.resume(cursor, { timeout: "10 seconds" })), 10_000)
      expect(seen.error).toMatchObject({ _tag: "TimedOut", phase: "total" })
      expect(yield* passing(service.status(cursor), 1000)).toBe("in_progress")
    }).pipe(over(script)))

  it.effect("a start that is interrupted in the queue never begins", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* Effect.fork(observe(service.run(id, { message: "One" })))
      yield* pass(1000)
      const second = yield* Effect.fork(service.start(id, { message: "Two" }))
      yield* pass(1000)
      yield* Fiber.interrupt(second)
      yield* pass(long)
      yield* first
      expect((yield* passing(collect(service.messages(id)), 1000)).map(Thread.textOf)).toEqual([
        "One",
        "one two three four five"
      ])
    }).pipe(over([Script.always(slow)])))

  it.effect("a start that is interrupted while its model is asked ends", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(
        Script.httpError({
          status: 429,
          code: "rate_limit_exceeded",
          headers: { "retry-after": "5" }
        }),
        ({ path }) => path === "/responses"
      )
      const starting = yield* Effect.fork(service.start(id, { message: "Hi" }))
      yield* pass(1000)
      yield* Fiber.interrupt(starting)
      yield* pass(long)
      expect((yield* requests).filter(({ path }) => path === "/responses")).toHaveLength(1)
    }).pipe(over([Script.always(slow)])))
})

describe("onBusy: interrupt, where it cannot run", () => {
  it.effect("ends nothing when too many wait", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* Effect.fork(observe(service.run(id, { message: "One" })))
      yield* pass(1000)
      const second = yield* Effect.fork(observe(service.run(id, { message: "Two" })))
      yield* pass(10)
      const run = service.run(id, { message: "Three", onBusy: "interrupt", maxQueued: 1 })
      expect((yield* passing(observe(run), 100)).error).toMatchObject({ _tag: "ThreadBusy", why: "full" })
      yield* pass(long)
      for (const fiber of [first, second]) expect((yield* fiber).error).toBeUndefined()
    }).pipe(over([Script.always(slow)])))

  it.effect("law 5: ends nothing from inside of the run itself", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const inner: Array<RunError.RunError> = []
      const run = observe(service.run(id, { message: "Two", onBusy: "interrupt" }))
      const nested: Effect.Effect<void> = Effect.map(run, ({ error }) => {
        if (error !== undefined) inner.push(error)
      })
      const outer = Run.handle(service.run(id, { message: "One" }), { MessageStarted: () => nested })
      expect(yield* passing(outer, long)).toMatchObject({ text: "one two three four five" })
      expect(inner).toMatchObject([{ _tag: "ThreadBusy", why: "ownRun" }])
    }).pipe(over([Script.always(slow)])))

  it.effect("law 5: a run that had to wait is its own thread's writer, too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* Effect.fork(observe(service.run(id, { message: "One" })))
      yield* pass(1000)
      const inside = Run.handle(service.run(id, { message: "Two" }), {
        MessageStarted: () => service.addMessage(id, "inside")
      })
      expect(yield* passing(Effect.flip(inside), long)).toMatchObject({ _tag: "ThreadBusy", why: "ownRun" })
      yield* first
    }).pipe(over([Script.always(slow)])))
})

describe("a cursor that somebody has changed", () => {
  const why = (service: Threads.Service, cursor: Cursor.Cursor) =>
    Effect.map(
      passing(Effect.flip(Effect.asVoid(collect(service.resume(cursor)))), long),
      (error) => "why" in error ? error.why : error._tag
    )

  it.effect("names another thread, or a response of another run", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const { id: otherId } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
      const foreground = yield* passing(collect(service.run(otherId, { message: "Hi" })), long)
      yield* pass(long)
      for (const { cancel, resume, status } of [service, (yield* elsewhere).service]) {
        const one = { cancel, resume, status } as Threads.Service
        expect(yield* why(one, { ...cursor, threadId: otherId })).toBe("otherRun")
        expect(yield* why(one, { ...cursor, responseId: foreground.at(-1)!.responseId! })).toBe("otherRun")
        for (const verb of [cancel, status]) {
          expect(yield* Effect.flip(verb({ ...cursor, threadId: otherId }))).toMatchObject({ why: "otherRun" })
        }
      }
    })).pipe(over([Script.always(slow)])))

  it.effect("names a response in the background that no run has begun", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const openai = yield* OpenAI.OpenAI
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
      yield* pass(long)
      const { id: foreign } = yield* passing(
        openai.responses.create({ model: "any", input: "Hi", background: true }),
        long
      )
      expect(yield* why(service, { ...cursor, responseId: Thread.ResponseId.make(foreign) })).toBe("otherRun")
    }).pipe(over([Script.always("Hello.")])))

  it.effect("law 1: says that an answer is over which is not", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(Effect.zipLeft(first.service.start(id, { message: "Hi" }), first.die), 5000)
      yield* pass(2500)
      const { service } = yield* elsewhere
      const events = yield* passing(collect(service.resume({ ...cursor, over: true })), long)
      expect(told(events)).toMatchObject({
        texts: ["one two three four five"],
        end: [{ text: "one two three four five" }]
      })
    })).pipe(over([slow])))
})
