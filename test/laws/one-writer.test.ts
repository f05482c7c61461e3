import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { OpenAI, Run, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { stores, threads } from "../support/layers.ts"
import { collect, observe } from "../support/observe.ts"

const texts = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    return (yield* collect(service.messages(id))).map(Thread.textOf)
  })

describe("law 4: the user's message", () => {
  const faults = {
    "a failed model": Script.failure("server_error"),
    "an HTTP error": Script.httpError({ status: 500, code: "server_error" }),
    "a cut": Script.turn([Script.text("Hello there")], { fault: Script.cut({ afterEvents: 5 }) }),
    "a reset before the answer": Script.turn([Script.text("Hello there")], { fault: Script.reset() }),
    "an overflow": Script.failure("context_length_exceeded")
  }
  for (const store of ["conversations", "memory"] as const) {
    for (const [name, turn] of Object.entries(faults)) {
      it.effect(`law 4: survives ${name} (${store})`, () =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const thread = yield* service.create()
          const seen = yield* observe(service.run(thread.id, { message: "Keep me" }))
          expect(seen.error).toBeDefined()
          const kept = yield* texts(thread.id)
          expect(kept[0]).toBe("Keep me")
          expect(kept.filter((text) => text === "Keep me")).toHaveLength(1)
        }).pipe(Effect.provide(threads([turn], { store }))))
    }
  }

  it.effect("law 4: is written before the model is asked", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      yield* Run.text(service.run(thread.id, { message: "First" }))
      const paths = (yield* simulator.requests).map(({ method, path }) => `${method} ${path}`)
      expect(paths).toEqual(["POST /conversations", `POST /conversations/${thread.id}/items`, "POST /responses"])
    }).pipe(Effect.provide(threads([Script.text("Yes")]))))

  it.effect("law 4: while a run is queued nothing is written", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      const go = yield* Deferred.make<void>()
      const first = yield* Effect.fork(Run.handle(service.run(thread.id, { message: "One" }), {
        TextCompleted: () => Deferred.await(go)
      }))
      yield* simulator.advance("1 second")
      const queued: Array<string> = []
      const second = yield* Effect.fork(
        Stream.runForEach(
          service.run(thread.id, { message: "Two" }),
          (event) => Effect.sync(() => queued.push(event._tag))
        )
      )
      yield* simulator.advance("1 second")
      expect(queued).toEqual(["RunQueued"])
      expect(yield* texts(thread.id)).toEqual(["One"])
      yield* Fiber.interrupt(second)
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(first)
      expect(yield* texts(thread.id)).toEqual(["One", "Answer"])
    }).pipe(Effect.provide(threads([Script.text("Answer")]))))
})

for (const store of ["conversations", "memory"] as const) {
  describe(`law 5: one writer (${store})`, () => {
    it.effect("law 5: runs, messages and deletes on one thread take turns, in order", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const thread = yield* service.create()
        const go = yield* Deferred.make<void>()
        const order: Array<string> = []
        const note = (what: string) => Effect.sync(() => order.push(what))
        const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.zipLeft(Effect.fork(effect), simulator.advance("1 milli"))
        yield* fork(Run.handle(service.run(thread.id, { message: "One" }), {
          TextCompleted: () => Deferred.await(go),
          RunCompleted: () => note("run one")
        }))
        const message = yield* fork(Effect.tap(service.addMessage(thread.id, "Two"), () => note("message")))
        const second = yield* fork(Run.handle(service.run(thread.id), { RunCompleted: () => note("run two") }))
        const end = yield* fork(Effect.tap(service.delete(thread.id), () => note("delete")))
        expect(order).toEqual([])
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(message)
        yield* Fiber.join(second)
        yield* Fiber.join(end)
        expect(order).toEqual(["run one", "message", "run two", "delete"])
      }).pipe(Effect.provide(threads([Script.text("First"), Script.text("Second")], { store }))))

    it.effect("law 5: a write from inside the thread's own run fails at once", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const thread = yield* service.create()
        const inHandler = yield* Effect.exit(Run.handle(service.run(thread.id, { message: "One" }), {
          TextDelta: () => service.addMessage(thread.id, "inside")
        }))
        expect(Exit.match(inHandler, {
          onSuccess: () => undefined,
          onFailure: (cause) => cause._tag === "Fail" ? cause.error : cause._tag
        })).toMatchObject({ _tag: "ThreadBusy", why: "ownRun" })
        const inStream = yield* Effect.flip(Stream.runForEach(service.run(thread.id), (event) =>
          event._tag === "TextDelta" ? service.delete(thread.id) : Effect.void))
        expect(inStream).toMatchObject({ _tag: "ThreadBusy", why: "ownRun" })
        // Another thread, and the same one after the end, are free.
        const other = yield* service.create()
        yield* Run.handle(service.run(thread.id), {
          TextDelta: () =>
            service.addMessage(other.id, "elsewhere"),
          RunCompleted: () => service.addMessage(thread.id, "afterwards")
        })
        expect((yield* texts(thread.id)).at(-1)).toBe("afterwards")
      }).pipe(
        Effect.provide(threads([Script.text("First"), Script.text("Second"), Script.text("Third")], { store }))
      ))

    it.effect("law 5: reject does not wait, a queue has a deadline, waiting is interruptible", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const thread = yield* service.create()
        const go = yield* Deferred.make<void>()
        const first = yield* Effect.fork(Run.handle(service.run(thread.id, { message: "One" }), {
          TextCompleted: () => Deferred.await(go)
        }))
        yield* simulator.advance("1 second")
        const rejected = yield* observe(service.run(thread.id, { onBusy: "reject" }))
        expect(rejected.error).toMatchObject({ _tag: "ThreadBusy", why: "running" })
        const late = yield* Effect.fork(observe(service.run(thread.id, { busyTimeout: "10 seconds" })))
        const interrupted = yield* Effect.fork(service.addMessage(thread.id, "never"))
        yield* simulator.advance("5 seconds")
        yield* Fiber.interrupt(interrupted)
        yield* simulator.advance("5 seconds")
        expect(yield* Fiber.join(late)).toMatchObject({
          tags: ["RunQueued"],
          error: { _tag: "ThreadBusy", why: "deadline" }
        })
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(first)
        yield* service.addMessage(thread.id, "free again")
        expect(yield* texts(thread.id)).toEqual(["One", "First", "free again"])
      }).pipe(Effect.provide(threads([Script.text("First")], { store }))))
  })
}

it.effect("law 5: the lock belongs to the store, so two facades over it share it", () =>
  Effect.gen(function*() {
    expect(Object.keys(stores)).toHaveLength(2)
    const one = yield* Threads.Threads
    const two = yield* Effect.provide(Threads.Threads, Threads.layer)
    expect(one).not.toBe(two)
    const simulator = yield* Simulator.Simulator
    const thread = yield* one.create()
    const go = yield* Deferred.make<void>()
    const first = yield* Effect.fork(Run.handle(one.run(thread.id, { message: "One" }), {
      TextCompleted: () => Deferred.await(go)
    }))
    yield* simulator.advance("1 second")
    const busy = yield* Effect.flip(two.addMessage(thread.id, "Two", { onBusy: "reject" }))
    expect(busy._tag).toBe("ThreadBusy")
    yield* Deferred.succeed(go, undefined)
    yield* Fiber.join(first)
  }).pipe(Effect.provide(threads([Script.text("First")]))))

it.effect("law 13: a run costs one write for its message and one request for each step", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const thread = yield* service.create()
    const since = Effect.map(simulator.requests, (all) => all.length)
    const before = yield* since
    yield* Run.text(service.run(thread.id, { message: "One" }))
    expect((yield* since) - before).toBe(2)
    yield* Run.text(service.run(thread.id))
    expect((yield* since) - before).toBe(3)
    expect((yield* simulator.requests).map(({ method }) => method)).toEqual(["POST", "POST", "POST", "POST"])
  }).pipe(Effect.provide(threads([Script.text("First"), Script.text("Second")]))))

it.effect("law 13: a run on local threads costs one request for each step", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const openai = yield* OpenAI.OpenAI
    expect(openai).toBeDefined()
    const thread = yield* service.create()
    yield* Run.text(service.run(thread.id, { message: "One" }))
    expect((yield* simulator.requests).map(({ path }) => path)).toEqual(["/responses"])
  }).pipe(Effect.provide(threads([Script.text("First")], { store: "memory" }))))
