import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Run, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { observe } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"

const slow = Script.turn("a b c d e f g h i j k l m n o p q r s t u v w x y z", { latency: "10 seconds" })
/** Comes in good time, and takes long. */
const steady = Script.turn("a ".repeat(100), { latency: "1 second" })
const refused = Script.httpError({ status: 403, code: "denied" })
const isCancel = ({ path }: Simulator.InjectionTarget) => path.endsWith("/cancel")

describe("onBusy: interrupt, where the other run cannot be cancelled", () => {
  it.effect("says why when the thread stays locked", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* Effect.fork(observe(service.run(id, { message: "One", background: true })))
      yield* pass(15_000)
      yield* simulator.inject(refused, isCancel)
      const { error } = yield* passing(observe(service.run(id, { message: "Two", onBusy: "interrupt" })), 300_000)
      expect(error).toMatchObject({ _tag: "ThreadBusy", why: "locked", cause: { _tag: "PermissionDenied" } })
      expect(error?.message).toMatch(/try again in a few seconds\. The run before could not be cancelled: .*denied/)
      expect(error).toMatchObject({ isRetryable: true })
      // Another run that ends nobody has no such cause.
      const { error: other } = yield* passing(observe(service.run(id, { message: "Three" })), 300_000)
      expect(other).toMatchObject({ _tag: "ThreadBusy", why: "locked" })
      expect(Object.keys(other ?? {})).not.toContain("cause")
    }).pipe(over([slow])))

  it.effect("says why at the deadline", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      // Its reader does not read on, so that it does not give the thread back.
      const stuck = yield* Effect.fork(
        Run.handle(service.run(id, { message: "One", background: true }), { MessageStarted: () => Effect.never })
      )
      yield* pass(6_000)
      yield* simulator.inject(refused, isCancel)
      const run = service.run(id, { message: "Two", onBusy: "interrupt", busyTimeout: "20 seconds" })
      const { error } = yield* passing(observe(run), 30_000)
      expect(error).toMatchObject({ _tag: "ThreadBusy", why: "deadline", cause: { _tag: "PermissionDenied" } })
      expect(error?.message).toMatch(/release it in time\. The run before could not be cancelled: .*denied/)
      yield* passing(Fiber.interrupt(stuck), 10_000)
    }).pipe(over([steady])))

  it.effect("has no cause where the other run was cancelled", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const stuck = yield* Effect.fork(
        Run.handle(service.run(id, { message: "One", background: true }), { MessageStarted: () => Effect.never })
      )
      yield* pass(6_000)
      const run = service.run(id, { message: "Two", onBusy: "interrupt", busyTimeout: "20 seconds" })
      const { error } = yield* passing(observe(run), 30_000)
      expect(error).toMatchObject({ _tag: "ThreadBusy", why: "deadline" })
      expect(Object.keys(error ?? {})).not.toContain("cause")
      expect(error?.message).toBe(`Thread "${id}" is busy: another run or write did not release it in time`)
      yield* passing(Fiber.interrupt(stuck), 10_000)
    }).pipe(over([steady])))
})
