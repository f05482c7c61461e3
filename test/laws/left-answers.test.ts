import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { expect, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { Run, type RunEvent, Threads, Tools } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { pass, passing } from "../support/time.ts"
import { elsewhere, over } from "./backgroundRun.ts"

const Pay = Tool.make("pay", { parameters: { text: Schema.String }, success: Schema.String })
  .annotate(Tools.NeedsApproval, true)
const toolkit = Toolkit.make(Pay)

const approved = (pending: ReadonlyArray<RunEvent.Pending>) =>
  pending.flatMap((one) => one._tag === "PendingCall" ? [{ callId: one.call.callId, approve: true }] : [])

it.effect("law 3: answers whose process dies before the model is asked leave nothing open, and nothing is made twice", () =>
  Effect.scoped(Effect.gen(function*() {
    const made: Array<string> = []
    const handlers = toolkit.toLayer({
      pay: ({ text }) => Effect.suspend(() => (made.push(text), text === "a" ? Effect.succeed("paid") : Effect.never))
    })
    const service = yield* Threads.Threads
    const other = yield* elsewhere
    const { id } = yield* service.create()
    yield* passing(Effect.provide(service.start(id, { message: "Go", toolkit }), handlers), 5_000)
    yield* pass(5_000)
    const answers = approved(yield* passing(service.pending(id), 5_000))
    expect(answers).toHaveLength(2)
    const submitted = other.service.submit(id, answers, { toolkit, background: true, onStop: "detach" })
    const fiber = yield* Effect.fork(Effect.provide(Run.result(submitted), handlers))
    yield* pass(1_000)
    yield* passing(Effect.zipRight(Fiber.interrupt(fiber), other.die), 10_000)
    expect(yield* passing(service.pending(id), 5_000)).toEqual([])
    expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 5_000)).toBe("Fine.")
    expect(made.toSorted()).toEqual(["a", "b"])
  })).pipe(over([
    Script.turn([Script.functionCall("pay", { text: "a" }), Script.functionCall("pay", { text: "b" })]),
    "Fine."
  ])))
