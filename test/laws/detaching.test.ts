import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope, Stream } from "effect"
import { Run, type RunError, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { collect, collectSpans, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const slow = Script.turn("one two three four five", { latency: "1 second" })

/** Threads in a scope of their own, over the store of all. */
const shortLived = Effect.gen(function*() {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(Layer.fresh(Threads.layer), scope)
  return { service: yield* Effect.provide(Threads.Threads, context), close: Scope.close(scope, Exit.void) }
})

const texts = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    return (yield* collect(service.messages(id))).map(Thread.textOf)
  })

/** Of a run that was detached from a layer that is gone. */
const isGivenUp = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    yield* simulator.advance("1 milli")
    expect(yield* simulator.openStreams).toBe(0)
    expect((yield* simulator.requests).at(-1)).toMatchObject({ path: "/responses", aborted: true })
    const service = yield* Threads.Threads
    yield* service.addMessage(id, "Next", { onBusy: "reject" })
    expect((yield* observe(service.run(id))).error).toBeUndefined()
    expect(yield* texts(id)).toEqual(["Hi", "Next", "Fine"])
  })

describe("onStop: detach, where the layer is closed before the run's end", () => {
  type Reader = (
    run: Stream.Stream<RunEvent.RunEvent, RunError.RunError>,
    close: Effect.Effect<void>
  ) => Effect.Effect<unknown, unknown>
  const readers: Record<string, Reader> = {
    "after its reader stopped": (run, close) => Effect.zipRight(Stream.runDrain(Stream.take(run, 2)), close),
    "while its reader is there": (run, close) =>
      Stream.runForEach(
        run,
        ({ _tag }) => _tag === "MessageStarted" ? Effect.zipRight(close, Effect.fail("enough")) : Effect.void
      ),
    "while its reader is there, a terminal": (run, close) =>
      Run.handle(run, { MessageStarted: () => Effect.zipRight(close, Effect.fail("enough")) })
  }
  for (const [when, reader] of Object.entries(readers)) {
    it.effect(`law 3: gives back the lock and the connection (${when})`, () => {
      const traced = collectSpans()
      return Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const { close, service: gone } = yield* shortLived
        const read = reader(gone.run(id, { message: "Hi", onStop: "detach" }), close)
        yield* advancing(Effect.exit(read), "5 seconds")
        yield* isGivenUp(id)
        const agents = traced.spans.filter(({ name }) => name.startsWith("invoke_agent"))
        expect(agents.length).toBeGreaterThan(0)
        expect(traced.spans.filter(({ status }) => status._tag !== "Ended").map(({ name }) => name)).toEqual([])
      }).pipe(Effect.provide([threads([slow, "Fine"]), traced.layer]))
    })
  }
})

describe("onStop: detach, a write after the reader stopped", () => {
  const readers = {
    "of a stream": (run: Stream.Stream<RunEvent.RunEvent, RunError.RunError>) => Stream.runDrain(Stream.take(run, 2)),
    "of a terminal": (run: Stream.Stream<RunEvent.RunEvent, RunError.RunError>) =>
      Effect.flip(Run.handle(run, { StepStarted: () => Effect.fail("enough") }))
  }
  for (const store of ["conversations", "memory"] as const) {
    for (const [what, reader] of Object.entries(readers)) {
      it.effect(`law 5: waits for the run like any other (${what}, ${store})`, () =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { id } = yield* service.create()
          const detached = (message: string) => reader(service.run(id, { message, onStop: "detach" }))
          yield* advancing(
            Effect.gen(function*() {
              yield* detached("One")
              const rejected = yield* Effect.flip(service.addMessage(id, "Never", { onBusy: "reject" }))
              expect(rejected._tag === "ThreadBusy" ? rejected.why : rejected._tag).toBe("running")
              yield* service.addMessage(id, "Two")
              yield* detached("Three")
              yield* Run.text(service.run(id, { message: "Four" }))
            }),
            "1 minute"
          )
          const answer = "one two three four five"
          expect(yield* texts(id)).toEqual(["One", answer, "Two", "Three", answer, "Four", "Fine"])
        }).pipe(Effect.provide(threads([slow, slow, "Fine"], { store }))))
    }
  }

  it.effect("law 5: while it reads, its writes are the run's own", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const inside = yield* Effect.flip(
        Run.handle(service.run(id, { onStop: "detach" }), { TextDelta: () => service.addMessage(id, "inside") })
      )
      expect(inside).toMatchObject({ _tag: "ThreadBusy", why: "ownRun" })
    }).pipe(Effect.provide(threads(["one two"]))))
})
