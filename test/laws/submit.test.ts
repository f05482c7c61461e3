import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schema } from "effect"
import { Run, Thread, Threads, Tools } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
  .annotate(Tools.NeedsApproval, true)
const toolkit = Toolkit.make(Note)
const handlers = toolkit.toLayer({ note: ({ text }) => Effect.succeed(`noted ${text}`) })

const calls = (...texts: ReadonlyArray<string>) =>
  Script.turn(texts.map((text) => Script.functionCall("note", { text })))

/** Two calls, and an answer once they have their outputs. */
const twice: Script.Script = [
  Script.always(({ context }) =>
    context.some(({ type }) => String(type).endsWith("_output")) ? "Thanks." : calls("a", "b")
  )
]

const callIds = (pending: Run.RunResult["pending"]) =>
  pending.flatMap((one) => one._tag === "PendingCall" ? [one.call.callId] : [])

const waiting = Effect.gen(function*() {
  const service = yield* Threads.Threads
  const { id } = yield* service.create()
  const { pending } = yield* Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(handlers))
  return { id, ids: callIds(pending) }
})

const submit = (id: Thread.ThreadId, answers: ReadonlyArray<Threads.Answer>) =>
  Effect.flatMap(Threads.Threads, (service) => Run.result(service.submit(id, answers, { toolkit })))
    .pipe(Effect.provide(handlers))

/** What is in the thread, and what was asked for beyond reading. */
const state = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const writes = (yield* simulator.requests).filter(({ method }) => method !== "GET")
    return { items: yield* collect(service.items(id)), writes: writes.length }
  })

const wrong = Thread.CallId.make("call_wrong")

const refused: Record<string, (ids: ReadonlyArray<Thread.CallId>) => ReadonlyArray<Threads.Answer>> = {
  "an id that nobody knows": () => [{ callId: wrong, output: "x" }],
  "one wrong id among the right ones": (ids) => [
    ...ids.map((callId) => ({ callId, output: "right" })),
    { callId: wrong, output: "x" }
  ],
  "an approval that nobody asked for": (ids) => [
    ...ids.map((callId) => ({ callId, output: "right" })),
    { approvalId: Thread.ItemId.make("mcpr_x"), approve: true }
  ],
  "one answer too few": (ids) => [{ callId: ids[0]!, output: "x" }],
  "one approval too few": (ids) => [{ callId: ids[0]!, approve: true }],
  "two outputs for one call": (ids) => [...ids, ids[0]!].map((callId) => ({ callId, output: "x" })),
  "an approval and a denial of one call": (ids) => [
    { callId: ids[0]!, approve: true },
    { callId: ids[0]!, approve: false },
    { callId: ids[1]!, output: "x" }
  ],
  "an item of another type": (ids) => [
    { callId: ids[0]!, item: { type: "custom_tool_call_output", output: "x" } },
    { callId: ids[1]!, output: "x" }
  ],
  "nothing": () => []
}

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  const over = (script: Script.Script) => Effect.provide(threads(script, { store }))

  describe(`submit, ${store}`, () => {
    for (const [what, answers] of Object.entries(refused)) {
      it.effect(`law 3: ${what} is refused, and what waits still waits`, () =>
        Effect.gen(function*() {
          const { id, ids } = yield* waiting
          const before = yield* state(id)
          expect(yield* Effect.flip(submit(id, answers(ids)))).toMatchObject({ _tag: "InvalidInput", field: "answers" })
          expect(yield* state(id)).toEqual(before)
          const { text } = yield* submit(id, ids.map((callId) => ({ callId, output: "right" })))
          expect(text).toBe("Thanks.")
        }).pipe(over(twice)))
    }

    it.effect("law 2: the same answers are taken once, also at the same time", () =>
      Effect.gen(function*() {
        const { id, ids } = yield* waiting
        const answers = ids.map((callId) => ({ callId, output: "right" }))
        const exits = yield* advancing(
          Effect.replicateEffect(Effect.exit(submit(id, answers)), 2, { concurrency: 2 }),
          "1 minute"
        )
        expect(exits.filter(Exit.isSuccess)).toHaveLength(1)
        const after = yield* state(id)
        expect(yield* Effect.flip(submit(id, answers))).toMatchObject({ _tag: "InvalidInput", field: "answers" })
        expect(yield* state(id)).toEqual(after)
        expect(after.items.filter(({ _tag }) => _tag === "FunctionCallOutput")).toHaveLength(2)
      }).pipe(over(twice)))

    it.effect("law 3: a denial is told, although the call beside it was interrupted", () =>
      Effect.gen(function*() {
        const { id, ids } = yield* waiting
        const service = yield* Threads.Threads
        const begun = yield* Deferred.make<void>()
        const stuck = toolkit.toLayer({ note: () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never) })
        const answers = [{ callId: ids[0]!, approve: true }, { callId: ids[1]!, approve: false, reason: "no" }]
        const fiber = yield* Effect.fork(
          Run.result(service.submit(id, answers, { toolkit })).pipe(Effect.provide(stuck))
        )
        yield* Deferred.await(begun)
        yield* advancing(Fiber.interrupt(fiber), "10 seconds")
        const { items } = yield* state(id)
        const outputs = items.flatMap((item) => item._tag === "FunctionCallOutput" ? [item.output] : [])
        expect(outputs).toEqual([expect.stringContaining("not known"), expect.stringContaining("not approved (no)")])
        expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Thanks.")
      }).pipe(over(twice)))

    it.effect("a function may give more than text", () =>
      Effect.gen(function*() {
        const { id, ids } = yield* waiting
        const output = [{ type: "input_image", image_url: "https://example.com/a.png" }]
        const answers = ids.map((callId) => ({ callId, item: { type: "function_call_output", output } }))
        expect((yield* submit(id, answers)).text).toBe("Thanks.")
        const { items } = yield* state(id)
        expect(items.filter((item) => item._tag === "FunctionCallOutput")).toMatchObject([{ output }, { output }])
      }).pipe(over(twice)))

    it.effect("the message of a run whose options are given again is not written again", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const options = { message: "Go", toolkit }
        const { pending } = yield* Run.result(service.run(id, options))
        const answers = callIds(pending).map((callId) => ({ callId, output: "noted" }))
        yield* Run.result(service.submit(id, answers, options))
        expect((yield* collect(service.messages(id))).map(Thread.textOf)).toEqual(["Go", "Thanks."])
      }).pipe(Effect.provide(handlers), over(twice)))

    it.effect("what waits is told by the thread", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id, ids } = yield* waiting
        yield* service.addMessage(id, "Well?")
        expect(callIds(yield* service.pending(id))).toEqual(ids)
        yield* submit(id, ids.map((callId) => ({ callId, approve: true })))
        expect(yield* service.pending(id)).toEqual([])
      }).pipe(over(twice)))
  })
}

it.effect("a choice that was forced is not forced again by an answer", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    for (const toolChoice of ["required", { tool: "note" }, "none"] as const) {
      for (const answer of [{ output: "x" }, { approve: false }, { approve: true }]) {
        const { id, ids } = yield* waiting
        const before = (yield* simulator.requests).length
        const answers = ids.map((callId) => ({ callId, ...answer }))
        yield* Run.result(service.submit(id, answers, { toolkit, toolChoice })).pipe(Effect.provide(handlers))
        const asked = (yield* simulator.requests).slice(before).filter(({ path }) => path === "/responses")
        expect(asked.map(({ body }) => (body as { tool_choice?: unknown }).tool_choice)).toEqual([
          toolChoice === "none" ? "none" : undefined
        ])
      }
    }
  }).pipe(Effect.provide(threads(twice))))

it.effect("law 13: an answer costs one reading of the thread, and its step", () =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    for (const answer of [{ output: "x" }, { approve: true }]) {
      const { id, ids } = yield* waiting
      const before = (yield* simulator.requests).length
      yield* submit(id, ids.map((callId) => ({ callId, ...answer })))
      const paths = (yield* simulator.requests).slice(before).map(({ method, path }) => `${method} ${path}`)
      expect(paths).toEqual([`GET /conversations/${id}/items`, "POST /responses"])
    }
  }).pipe(Effect.provide(threads(twice))))
