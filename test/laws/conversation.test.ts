/** What happens to a conversation's history when a turn does not go well: nothing is lost, and the next turn is accepted. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { Run, type Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { noRetries, stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const Look = Tool.make("look", { success: Schema.String, failure: Schema.String })
const toolkit = Toolkit.make(Look)

const history = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    return (yield* collect(service.items(id))).map((item) => item._tag === "Message" ? item.role : item._tag)
  })

/** The next turn, and what is in the thread then. */
const after = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    expect(yield* advancing(Run.text(service.run(id, { message: "And now?" })), "10 seconds")).toBe("Fine.")
    return yield* history(id)
  })

const stalling = Script.turn(Script.text("One two three four", { chunks: ["One ", "two ", "three ", "four"] }), {
  fault: Script.stall({ afterEvents: 6 })
})

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  describe(`a turn that does not go well, ${store}`, () => {
    const created = Effect.flatMap(
      Threads.Threads,
      (service) => Effect.map(service.create(), ({ id }) => ({ id, service }))
    )

    it.effect("law 4: interrupted in the middle of the text, the message stays", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        const heard = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(
          Run.handle(service.run(id, { message: "Hi" }), { TextDelta: () => Deferred.succeed(heard, undefined) })
        )
        yield* Deferred.await(heard)
        yield* Fiber.interrupt(fiber)
        expect(yield* after(id)).toEqual(["user", "user", "assistant"])
      }).pipe(Effect.provide(threads([stalling, "Fine."], { store }))))

    it.effect("law 4: a stream that fails and a terminal that fails leave the same", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        yield* Effect.flip(Stream.runDrain(service.run(id, { message: "One" })))
        expect(yield* history(id)).toEqual(["user"])
        yield* Effect.flip(Run.text(service.run(id, { message: "Two" })))
        expect(yield* history(id)).toEqual(["user", "user"])
        yield* noRetries(Effect.flip(Run.text(service.run(id, { message: "Three" }))))
        expect(yield* after(id)).toEqual(["user", "user", "user", "user", "assistant"])
      }).pipe(Effect.provide(threads([
        Script.turn([Script.text("Half of it"), Script.failure("server_error")]),
        Script.turn([Script.text("Half of it"), Script.failure("server_error")]),
        Script.httpError({ status: 500 }),
        "Fine."
      ], { store }))))

    it.effect("law 3: a tool that fails leaves no call without its output", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        const failing = toolkit.toLayer({ look: () => Effect.fail("blind") })
        const error = yield* Effect.flip(
          Run.text(service.run(id, { message: "Look", toolkit })).pipe(Effect.provide(failing))
        )
        expect(error._tag).toBe("ToolFailed")
        expect(yield* after(id)).toEqual(["user", "FunctionCall", "FunctionCallOutput", "user", "assistant"])
      }).pipe(Effect.provide(threads([Script.functionCall("look", {}), "Fine."], { store }))))

    it.effect("law 3: interrupted while a tool runs, it leaves none either", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        const begun = yield* Deferred.make<void>()
        const endless = toolkit.toLayer({
          look: () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
        })
        const fiber = yield* Effect.fork(
          Run.text(service.run(id, { message: "Look", toolkit })).pipe(Effect.provide(endless))
        )
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
        expect(yield* after(id)).toEqual(["user", "FunctionCall", "FunctionCallOutput", "user", "assistant"])
      }).pipe(Effect.provide(threads([Script.functionCall("look", {}), "Fine."], { store }))))

    it.effect("law 5: interrupted while it waits for another, it goes away at once and writes nothing", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        const heard = yield* Deferred.make<void>()
        const queued = yield* Deferred.make<void>()
        const first = yield* Effect.fork(
          Run.handle(service.run(id, { message: "Hi" }), { TextDelta: () => Deferred.succeed(heard, undefined) })
        )
        yield* Deferred.await(heard)
        const second = yield* Effect.fork(
          Run.handle(service.run(id, { message: "Never" }), { RunQueued: () => Deferred.succeed(queued, undefined) })
        )
        yield* Deferred.await(queued)
        // No time passes.
        expect(Exit.isInterrupted(yield* Fiber.interrupt(second))).toBe(true)
        yield* Fiber.interrupt(first)
        expect(yield* after(id)).toEqual(["user", "user", "assistant"])
      }).pipe(Effect.provide(threads([stalling, "Fine."], { store }))))

    it.effect("law 5: two turns at once are both there, one after the other", () =>
      Effect.gen(function*() {
        const { id, service } = yield* created
        const ask = (message: string) => Run.text(service.run(id, { message }))
        const answers = yield* advancing(
          Effect.all([ask("One"), ask("Two")], { concurrency: "unbounded" }),
          "10 seconds"
        )
        expect(answers).toEqual(["First.", "Second."])
        expect(yield* after(id)).toEqual(["user", "assistant", "user", "assistant", "user", "assistant"])
      }).pipe(Effect.provide(threads(["First.", "Second.", "Fine."], { store }))))
  })
}

it.effect("law 5: two handles of one conversation lose no turn", () =>
  Effect.gen(function*() {
    const { id } = yield* Effect.flatMap(Threads.Threads, (service) => service.create())
    const simulator = yield* Simulator.Simulator
    const ask = (message: string) =>
      Effect.flatMap(Threads.Threads, (service) => Run.text(service.run(id, { message })))
    // Each with a lock of its own, as two processes have.
    const apart = Layer.fresh(Layer.provide(Threads.layer, ThreadStore.layerConversations))
    yield* advancing(
      Effect.all([ask("One"), Effect.provide(ask("Two"), apart)], { concurrency: "unbounded" }),
      "1 minute"
    )
    const [thread] = yield* simulator.threads
    const roles = thread!.items.map(({ role }) => role)
    expect(roles.filter((role) => role === "user")).toHaveLength(2)
    expect(roles.filter((role) => role === "assistant")).toHaveLength(2)
  }).pipe(Effect.provide(threads([
    // Before each event: an answer takes 5 seconds, and who is refused tries again for 8 at least.
    Script.turn("First.", { latency: "500 millis" }),
    Script.turn("Second.", { latency: "500 millis" })
  ]))))
