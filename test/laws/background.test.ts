import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Stream } from "effect"
import { Cursor, Run, type RunEvent, RunLog, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { badEnd, collect, collectLogs, observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { counting, elsewhere, oneByOne, over, script, told, toolkit, whole, wholeOf } from "./backgroundRun.ts"

describe("background", () => {
  it.effect("a run says what it would in the foreground", () =>
    Effect.gen(function*() {
      const { handlers } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const foreground = collect(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(handlers))
      expect(told(yield* whole)).toEqual(told(yield* passing(foreground, 10_000)))
      expect((yield* simulator.requests).map(({ path }) => path).filter((path) => path === "/responses")).toHaveLength(
        3
      )
    }).pipe(over(script)))

  it.effect("law 12: a store without it says so before any request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const unsupported = { _tag: "Unsupported", capability: "background" }
      expect(yield* Effect.flip(collect(service.run(id, { message: "Hi", background: true })))).toMatchObject(
        unsupported
      )
      expect(yield* Effect.flip(service.start(id, { message: "Hi" }))).toMatchObject(unsupported)
      expect(yield* (yield* Simulator.Simulator).requests).toEqual([])
      expect(yield* collect(service.items(id))).toEqual([])
    }).pipe(over([], { store: "memory" })))

  it.effect("law 4: as much metadata as there may be is too much, and nothing is written", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`key${index}`, "v"]))
      const error = yield* Effect.flip(collect(service.run(id, { message: "Hi", background: true, metadata })))
      expect(error).toMatchObject({ _tag: "InvalidInput", field: "metadata" })
      expect(yield* collect(service.items(id))).toEqual([])
      expect(yield* passing(Run.text(service.run(id, { message: "Hi", metadata })), 1000)).toBe("Hello.")
    }).pipe(over(["Hello."])))

  it.effect("law 2: a connection that breaks is replaced, and nothing is lost or told twice", () =>
    Effect.gen(function*() {
      const { handlers, made } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 9 }), ({ path }) => path === "/responses")
      yield* simulator.inject(
        Script.reset({ afterEvents: 3 }),
        ({ method, path }) => method === "GET" && path.startsWith("/responses/")
      )
      const seen = yield* passing(
        observe(service.run(id, { message: "Go", toolkit, background: true })).pipe(Effect.provide(handlers)),
        20_000
      )
      expect(badEnd(seen)).toBeUndefined()
      const reconnected = seen.events.flatMap((event) => event._tag === "Reconnected" ? [event.attempt] : [])
      expect(reconnected).toEqual([1, 1])
      expect(told(seen.events)).toEqual(told(yield* whole))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    }).pipe(over(script)))

  it.effect("past the window the answer is waited for", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      yield* simulator.inject(
        Script.httpError({ status: 400, message: "This response can no longer be streamed because it is old." }),
        ({ method }) => method === "GET"
      )
      const seen = yield* passing(observe(service.run(id, { message: "Hi", background: true })), 20_000)
      expect(badEnd(seen)).toBeUndefined()
      expect(told(seen.events)).toMatchObject({ texts: ["one two three four five"], end: [{ status: "completed" }] })
    }).pipe(over([Script.turn("one two three four five", { latency: "1 second" })])))

  it.effect("a run that cannot be heard on fails with what there was, and can be resumed", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      for (let index = 0; index < 6; index++) yield* simulator.inject(Script.refuse, ({ method }) => method === "GET")
      const seen = yield* passing(observe(service.run(id, { message: "Hi", background: true })), 300_000)
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", partial: "one" })
      const rest = yield* collect(service.resume(Cursor.fromEvent(seen.events.at(-1)!)))
      expect(told([...seen.events, ...rest])).toMatchObject({
        texts: ["one two three"],
        end: [{ text: "one two three" }]
      })
    }).pipe(over([Script.turn("one two three", { latency: "1 second" })])))

  /** It is lost in its second step, which cannot be heard on. */
  const lostLater = Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    const { handlers, made } = counting()
    yield* simulator.inject(
      Script.cut({ afterEvents: 6 }),
      ({ body, path }) => path === "/responses" && JSON.stringify(body).includes("function_call_output")
    )
    for (let index = 0; index < 6; index++) yield* simulator.inject(Script.refuse, ({ method }) => method === "GET")
    const run = service.run(id, { message: "Go", toolkit, background: true })
    const seen = yield* passing(Effect.provide(observe(run), handlers), 300_000)
    expect(seen.error).toMatchObject({ _tag: "ConnectionLost" })
    expect(seen.events.at(-1)?.step).toBe(1)
    yield* pass(10_000)
    return { events: seen.events, handlers, id, made, service }
  })
  const outputs = (items: ReadonlyArray<Thread.Item>) =>
    items.flatMap((item) => item._tag === "FunctionCallOutput" ? [item.output] : [])

  it.effect("law 2: what was sent with an answer that could not be heard on is in the thread once", () =>
    Effect.gen(function*() {
      const { events, handlers, id, made, service } = yield* lostLater
      const resumed = service.resume(Cursor.fromEvent(events.at(-1)!), { toolkit })
      const rest = yield* passing(Effect.provide(collect(resumed), handlers), 10_000)
      expect(told([...events, ...rest]).outputs).toEqual(told(yield* whole).outputs)
      expect(outputs(yield* collect(service.items(id)))).toHaveLength(4)
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    }).pipe(over(script)))

  it.effect("law 3: and where that failed, it is written before the next run", () =>
    Effect.gen(function*() {
      const { id, service } = yield* lostLater
      expect(outputs(yield* collect(service.items(id)))).toEqual([])
      expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
      expect(outputs(yield* collect(service.items(id)))).toEqual(["noted a"])
    }).pipe(over([
      Script.functionCall("note", { text: "a" }),
      Script.turn([Script.text("one two three four five six"), Script.failure("server_error")], {
        latency: "100 millis"
      }),
      "Fine."
    ])))

  it.effect("law 3: what a run owes is written once its answer is cancelled, which would write it too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const run = service.run(id, { message: "Go", toolkit, background: true }).pipe(
        Stream.takeUntil(({ _tag, step }) => _tag === "StepStarted" && step === 1)
      )
      yield* passing(Effect.provide(Stream.runDrain(run), counting().handlers), 10_000)
      const writes = (yield* simulator.requests).filter(({ method }) => method === "POST")
      expect(writes.slice(-2).map(({ path }) => path.split("/").at(-1))).toEqual(["cancel", "items"])
      const items = yield* collect(service.items(id))
      expect(items.filter(({ _tag }) => _tag === "FunctionCallOutput")).toHaveLength(2)
    }).pipe(over(script)))

  it.effect("law 2: the calls of an answer that could not be heard on wait for whoever resumes it", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const { handlers, made } = counting()
      yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      for (let index = 0; index < 6; index++) yield* simulator.inject(Script.refuse, ({ method }) => method === "GET")
      const run = service.run(id, { message: "Go", toolkit, background: true })
      const seen = yield* passing(Effect.provide(observe(run), handlers), 300_000)
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost" })
      yield* pass(10_000)
      const resumed = service.resume(Cursor.fromEvent(seen.events.at(-1)!), { toolkit })
      const rest = yield* passing(Effect.provide(collect(resumed), handlers), 10_000)
      expect(told([...seen.events, ...rest])).toEqual(told(yield* whole))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    }).pipe(over(script)))
})

describe("start and resume", () => {
  it.effect("start gives the cursor while the run goes on, and resume reads along", () =>
    Effect.gen(function*() {
      const { handlers, made } = counting()
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const cursor = yield* passing(
        Effect.provide(service.start(id, { message: "Go", toolkit }), handlers),
        100
      )
      expect(cursor).toMatchObject({ threadId: id, step: 0 })
      yield* pass(50)
      expect(yield* service.status(cursor)).toBe("in_progress")
      const [first, second] = yield* passing(
        Effect.all([collect(service.resume(cursor)), collect(service.resume(cursor))], { concurrency: 2 }),
        20_000
      )
      expect(told(first)).toEqual(told(yield* whole))
      expect(told(second)).toEqual(told(first))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
      expect(yield* service.status(cursor)).toBe("completed")
      yield* pass(1000)
      expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
    }).pipe(over(script)))

  /** What a reader sees who is killed with its process behind one event, and the one who goes on elsewhere. */
  const killedAfter = (at: number) =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const run = first.service.run(id, { message: "Go", toolkit, background: true, onStop: "detach" })
      const before = yield* passing(
        Stream.runCollect(Stream.take(run, at + 1)).pipe(
          Effect.zipLeft(first.die),
          Effect.provide(counting().handlers)
        ),
        2000
      )
      const seen = [...before]
      const cursor = yield* Cursor.decode(Cursor.encode(Cursor.fromEvent(seen.at(-1)!)))
      const { service } = yield* elsewhere
      const rest = yield* passing(
        Effect.provide(collect(service.resume(cursor, { toolkit })), counting().handlers),
        20_000
      )
      expect(rest[0]?.sequence).toBe(at + 1)
      return [...seen, ...rest]
    })).pipe(over(script))

  it.effect("law 2: from any event another process goes on", () =>
    Effect.gen(function*() {
      const undisturbed = yield* whole
      for (const at of undisturbed.keys()) {
        if (at === 0 || at === undisturbed.length - 1) continue
        expect(told(yield* killedAfter(at)), `${at}, ${undisturbed[at]?._tag}`).toEqual(told(undisturbed))
      }
    }), 60_000)

  it.effect("past the window another process tells the answer whole, and no piece of it again", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const run = first.service.run(id, { message: "Hi", background: true, onStop: "detach" })
      const until = Stream.takeUntil(run, ({ _tag }) => _tag === "TextDelta")
      const before = [...yield* passing(Effect.zipLeft(Stream.runCollect(until), first.die), 10_000)]
      yield* pass(360_000)
      const { service } = yield* elsewhere
      const rest = yield* passing(collect(service.resume(Cursor.fromEvent(before.at(-1)!))), 10_000)
      expect(told(before)).toMatchObject({ texts: ["one"], end: [] })
      expect(told(rest)).toMatchObject({
        texts: [],
        whole: ["one two three"],
        messages: ["one two three"],
        end: [{ status: "completed", text: "one two three" }]
      })
    })).pipe(over([Script.turn("one two three", { latency: "1 second" })])))
})

describe("a RunLog", () => {
  /** Two processes with one log. */
  const two = Effect.gen(function*() {
    const log = yield* RunLog.makeMemory
    const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, RunLog.RunLog, log)
    return { logged, first: yield* elsewhere, second: yield* elsewhere }
  })

  it.effect("law 2: a run is told from its beginning by its id, whatever has become of its process", () =>
    Effect.gen(function*() {
      const undisturbed = told(yield* whole)
      for (const millis of [30, 200, 350, 500, 700, 5000]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const { first, logged, second } = yield* two
          const { handlers, made } = counting()
          const { id } = yield* first.service.create()
          const cursor = yield* logged(passing(
            Effect.provide(first.service.start(id, { message: "Go", toolkit }), handlers),
            20
          ))
          yield* pass(millis)
          yield* first.die
          const events = yield* logged(passing(
            Effect.provide(collect(second.service.resume(cursor.runId, { toolkit })), handlers),
            60_000
          ))
          expect(told(events), `after ${millis} ms`).toEqual(undisturbed)
          expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index))
          for (const text of ["0a", "0b", "1a", "1b"]) {
            expect(made.filter((one) => one === text).length, `${text} after ${millis} ms`).toBeLessThan(2)
          }
        })).pipe(over(script))
      }
    }))

  it.effect("law 6: two processes never make the same calls; the second reads along", () =>
    Effect.scoped(Effect.gen(function*() {
      const { first, logged, second } = yield* two
      const { handlers, made } = counting()
      const { id } = yield* first.service.create()
      const cursor = yield* logged(passing(
        Effect.provide(first.service.start(id, { message: "Go", toolkit }), handlers),
        20
      ))
      const events = yield* logged(passing(
        Effect.provide(collect(second.service.resume(cursor, { toolkit })), handlers),
        60_000
      ))
      expect(told(events)).toEqual(told(yield* whole))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    })).pipe(over(script)))
})

describe("status, wait and cancel", () => {
  const slow = Script.turn("one two three four five", { latency: "1 second" })

  it.effect("a run that is cancelled ends, at OpenAI too, and its thread is free", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
      const reader = yield* Effect.fork(observe(service.resume(cursor)))
      yield* pass(5000)
      expect(yield* service.status(cursor)).toBe("in_progress")
      expect(yield* passing(service.cancel(cursor), 5000)).toBe("cancelled")
      expect(yield* passing(service.cancel(cursor), 5000)).toBe("cancelled")
      expect(yield* service.status(cursor)).toBe("cancelled")
      const seen = yield* passing(reader.await, 5000)
      expect(Exit.isSuccess(seen) && seen.value.error).toMatchObject({ _tag: "RunCancelled" })
      expect(yield* passing(Effect.flip(service.wait(cursor)), 5000)).toMatchObject({ _tag: "RunCancelled" })
      expect((yield* simulator.requests).filter(({ path }) => path.endsWith("/cancel"))).toHaveLength(1)
      expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
    }).pipe(over([slow, "Fine."])))

  it.effect("a run that nobody reads warns of how it failed, unless it was cancelled", () =>
    Effect.gen(function*() {
      const { layer, lines } = collectLogs()
      yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const cursor = yield* passing(service.start(id, { message: "Hi" }), 5000)
        expect(yield* passing(service.cancel(cursor), 5000)).toBe("cancelled")
        yield* pass(5000)
        expect(lines.join()).not.toContain("nobody reads")
        yield* passing(service.start(id, { message: "And now?" }), 5000)
        yield* pass(5000)
        expect(lines.join()).toContain("nobody reads any more failed with RunFailed")
      }).pipe(Effect.provide(layer))
    }).pipe(
      over([slow, Script.turn([Script.text("Half"), Script.failure("server_error")], { latency: "100 millis" })])
    ))

  it.effect("from another process too", () =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(first.service.start(id, { message: "Hi" }), 5000)
      const { service } = yield* elsewhere
      yield* pass(4000)
      expect(yield* service.status(cursor)).toBe("in_progress")
      expect(yield* passing(service.cancel(cursor), 5000)).toBe("cancelled")
      yield* pass(5000)
      expect(yield* passing(Run.text(first.service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
    })).pipe(over([slow, "Fine."])))

  it.effect("a run in the foreground is cancelled by closing its connection", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const events: Array<RunEvent.RunEvent> = []
      const reader = yield* Effect.fork(
        Effect.flip(
          Stream.runForEach(service.run(id, { message: "Hi" }), (event) => Effect.sync(() => events.push(event)))
        )
      )
      yield* pass(6000)
      const cursor = Cursor.fromEvent(events.at(-1)!)
      expect(yield* passing(service.cancel(cursor), 5000)).toBe("cancelled")
      expect(yield* passing(reader, 100)).toMatchObject({ _tag: "RunCancelled" })
      expect(yield* simulator.openStreams).toBe(0)
      expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
      expect(yield* Effect.flip(collect(service.resume(cursor)))).toMatchObject({ _tag: "RunCancelled" })
    }).pipe(over([slow, "Fine."])))

  it.effect("wait gives what the run comes to, with its tools", () =>
    Effect.scoped(Effect.gen(function*() {
      const { handlers, made } = counting()
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(
        Effect.zipLeft(first.service.start(id, { message: "Go", toolkit }), first.die).pipe(Effect.provide(handlers)),
        1000
      )
      const { service } = yield* elsewhere
      const result = yield* passing(Effect.provide(service.wait(cursor, { toolkit }), handlers), 20_000)
      expect(result).toMatchObject({ status: "completed", steps: 3, text: "All is noted, and nothing is missing." })
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    })).pipe(over(script)))

  it.effect("without handlers a run that is resumed waits for its answers", () =>
    Effect.scoped(Effect.gen(function*() {
      const { handlers } = counting()
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const cursor = yield* passing(
        Effect.zipLeft(first.service.start(id, { message: "Go", toolkit }), first.die).pipe(Effect.provide(handlers)),
        1000
      )
      const { service } = yield* elsewhere
      const { pending, status } = yield* passing(service.wait(cursor), 20_000)
      expect(status).toBe("requires_action")
      expect(yield* service.status(cursor)).toBe("requires_action")
      const answers = pending.flatMap((one) =>
        one._tag === "PendingCall" ? [{ callId: one.call.callId, output: "noted" }] : []
      )
      const { pending: next } = yield* passing(Run.result(service.submit(id, answers, { background: true })), 20_000)
      expect(next).toHaveLength(2)
    })).pipe(over(script)))

  const cursor: Cursor.Cursor = {
    v: 1,
    threadId: Thread.ThreadId.make("conv_1"),
    runId: Thread.RunId.make("run_1"),
    step: 0,
    wire: 3,
    sequence: 4
  }
  const gone = { ...cursor, responseId: Thread.ResponseId.make("resp_1") }

  it.effect("what cannot be resumed says why", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const why = (from: Cursor.Cursor | Thread.RunId) =>
        Effect.map(Effect.flip(collect(service.resume(from))), (error) => "why" in error ? error.why : error._tag)
      expect(yield* why(cursor)).toBe("notStarted")
      expect(yield* why(gone)).toBe("gone")
      expect(yield* why(cursor.runId)).toBe("unknownRun")
      expect(yield* Effect.flip(service.status(gone))).toMatchObject({ _tag: "NotResumable", why: "gone" })
      expect(yield* Effect.flip(service.cancel(cursor))).toMatchObject({ _tag: "NotResumable", why: "notStarted" })
      const { id } = yield* service.create()
      const { responseId } = yield* passing(service.start(id, { message: "Hi" }), 1000)
      expect(yield* why({ ...cursor, threadId: id, responseId })).toBe("otherRun")
    }).pipe(over(["Fine."])))
})

describe("onBusy: interrupt", () => {
  it.effect("ends the active run, and runs then", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      for (const background of [false, true]) {
        const first = yield* Effect.fork(observe(service.run(id, { message: "Hi", background })))
        yield* pass(5000)
        const text = yield* passing(Run.text(service.run(id, { message: "Stop!", onBusy: "interrupt" })), 5000)
        expect(text).toBe("Stopped.")
        expect((yield* first).error).toMatchObject({ _tag: "RunCancelled" })
      }
    }).pipe(over([
      Script.always(({ context }) =>
        JSON.stringify(context.at(-1)).includes("Stop!")
          ? "Stopped."
          : Script.turn("one two three four five", { latency: "1 second" })
      )
    ])))

  it.effect("ends one whose tools run, and closes its calls", () =>
    Effect.gen(function*() {
      const handlers = toolkit.toLayer({ note: () => Effect.never })
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* Effect.fork(Effect.provide(observe(service.run(id, { message: "Hi", toolkit })), handlers))
      yield* pass(5000)
      expect(yield* passing(Run.text(service.run(id, { message: "Stop!", onBusy: "interrupt" })), 5000)).toBe(
        "Stopped."
      )
      expect((yield* first).error).toMatchObject({ _tag: "RunCancelled" })
    }).pipe(over([Script.functionCall("note", { text: "a" }), "Stopped."])))

  it.effect("as many wait as may", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const runs = yield* Effect.forEach([1, 2, 3], () =>
        Effect.fork(Effect.either(Run.text(service.run(id, { message: "Hi", maxQueued: 1 })))))
      yield* pass(60_000)
      const ends = yield* Effect.forEach(runs, (run) =>
        run)
      expect(ends.map((end) => end._tag === "Left" ? end.left : end.right)).toMatchObject([
        "one two",
        "one two",
        { _tag: "ThreadBusy", why: "full" }
      ])
    }).pipe(over([Script.always(Script.turn("one two", { latency: "1 second" }))])))
})

describe("stopped at any event", () => {
  type Stop = (
    run: Stream.Stream<RunEvent.RunEvent, unknown>,
    at: number,
    service: Threads.Service
  ) => Effect.Effect<unknown, unknown>
  const readUntil = (
    run: Stream.Stream<RunEvent.RunEvent, unknown>,
    at: number,
    then: (event: RunEvent.RunEvent) => Effect.Effect<unknown, unknown>
  ) => Stream.runForEach(run, (event) => event.sequence === at ? then(event) : Effect.void)
  const ways: Record<string, { readonly onStop: "cancel" | "detach"; readonly stop: Stop }> = {
    interrupt: { onStop: "cancel", stop: (run, at) => readUntil(run, at, () => Effect.interrupt) },
    cancel: {
      onStop: "cancel",
      stop: (run, at, service) =>
        readUntil(
          run,
          at,
          (event) =>
            Effect.map(
              Effect.orDie(service.cancel(Cursor.fromEvent(event))),
              (status) => expect(status, `at ${at}`).toBe(event._tag === "RunCompleted" ? "completed" : "cancelled")
            )
        )
    },
    detach: { onStop: "detach", stop: (run, at) => readUntil(run, at, () => Effect.interrupt) }
  }

  const scripts = { "several calls at once": script, "one call after the other": oneByOne }
  const all = [false, true].flatMap((background) =>
    Object.entries(scripts).flatMap(([what, script]) =>
      Object.entries(ways).map(([way, stopping]) => ({ ...stopping, background, script, way, what }))
    )
  )
  for (const { background, onStop, script, stop, way, what } of all) {
    it.effect(
      `law 7: ${way} in the ${
        background ? "background" : "foreground"
      }, ${what}: the socket closes, the thread is free`,
      () =>
        Effect.gen(function*() {
          const { length } = yield* wholeOf(script)
          for (let at = 0; at < length; at++) {
            yield* Effect.gen(function*() {
              const { handlers, made } = counting()
              const service = yield* Threads.Threads
              const simulator = yield* Simulator.Simulator
              const { id } = yield* service.create()
              const run = service.run(id, { message: "Go", toolkit, background, onStop })
              const reader = yield* Effect.fork(
                Effect.exit(stop(Stream.provideSomeLayer(run, handlers), at, service))
              )
              const end = yield* passing(Effect.flatten(reader.await), 30_000)
              const wasStopped = Exit.isInterrupted(end) || (Exit.isFailure(end) && Cause.isFailure(end.cause))
              expect(wasStopped || at === length - 1, `at ${at}: ${String(end)}`).toBe(true)
              if (onStop === "cancel") {
                yield* pass(100)
                expect(yield* simulator.openStreams, `at ${at}`).toBe(0)
              } else yield* pass(30_000)
              expect((yield* simulator.threads).map(({ locked }) => locked), `at ${at}`).toEqual([false])
              const next = service.run(id, { message: "And now?", onBusy: "reject", onPending: "reject" })
              expect(yield* passing(Run.text(next), 10_000), `at ${at}`).toBe("Fine.")
              expect(yield* simulator.openStreams).toBe(0)
              if (onStop === "detach") expect(made).toHaveLength(script === oneByOne ? 2 : 4)
              expect(new Set(made).size, `at ${at}`).toBe(made.length)
            }).pipe(over(script))
          }
        }),
      60_000
    )
  }
})
