import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { expect, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Run, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"

const refusal = (message: string) => Script.httpError({ status: 400, code: null, message, param: "input" })

const messages = {
  pairing: "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
  orphanOutput: "No tool call found for function call output with call_id call_1.",
  duplicate: "Duplicate item found with id msg_1. Remove duplicate items from your input and try again."
}

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  for (const [why, message] of Object.entries(messages)) {
    it.effect(`law 3: a history that is rejected for ${why} is mended, and asked about once more, ${store}`, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create({ messages: ["Hi"] })
        expect(yield* Run.text(service.run(id))).toBe("Fine.")
        // What cannot be mended is not tried for ever.
        const error = yield* Effect.flip(Run.result(service.run(id)))
        expect(error).toMatchObject({ _tag: "HistoryRejected", why })
        const requests = (yield* (yield* Simulator.Simulator).requests).filter(({ path }) => path === "/responses")
        expect(requests).toHaveLength(4)
      }).pipe(Effect.provide(threads([refusal(message), "Fine.", refusal(message), refusal(message)], { store }))))
  }

  it.effect(`law 3: a run mends its thread once, whichever step is rejected, ${store}`, () =>
    Effect.gen(function*() {
      const kit = Toolkit.make(Tool.make("note", { success: Schema.String }))
      const service = yield* Threads.Threads
      const { id } = yield* service.create({ messages: ["Hi"] })
      const run = Run.result(service.run(id, { toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ note: () => Effect.succeed("noted") }))
      )
      expect(yield* Effect.flip(run)).toMatchObject({ _tag: "HistoryRejected", why: "pairing" })
      expect(yield* Run.text(service.run(id))).toBe("Fine.")
    }).pipe(Effect.provide(threads(
      [refusal(messages.pairing), Script.functionCall("note", {}), refusal(messages.pairing), "Fine."],
      { store }
    ))))

  it.effect(`law 3: an output of no call, and reasoning that nothing follows, are removed, ${store}`, () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const threadStore = yield* ThreadStore.ThreadStore
      const { id } = yield* service.create({ messages: ["Hi"] })
      yield* threadStore.append(id, [
        { type: "function_call_output", call_id: "call_1", output: "lost" },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" },
        { type: "message", role: "user", content: "Hm." }
      ])
      expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine.")
      const tags = (yield* collect(service.items(id))).map((item) => item._tag === "Message" ? item.role : item._tag)
      expect(tags).toEqual(["user", "user", "user", "assistant"])
    }).pipe(Effect.provide(threads(["Fine."], { store }))))
}
