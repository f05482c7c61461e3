import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Run, type RunEvent, RunLog, type Thread, Threads, Tools } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { stores, threads } from "../support/layers.ts"
import { collect, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

const Guarded = Tool.make("guarded", { parameters: { x: Schema.String }, success: Schema.String })
  .annotate(Tools.NeedsApproval, true)
const Free = Tool.make("free", { parameters: { x: Schema.String }, success: Schema.String, failure: Refused })
const toolkit = Toolkit.make(Guarded, Free)
const handlers = toolkit.toLayer({
  guarded: ({ x }) => Effect.succeed(`guarded ${x}`),
  free: ({ x }) =>
    x === "fail"
      ? Effect.fail(new Refused())
      : x === "slow"
      ? Effect.as(Effect.sleep("1 hour"), "slow")
      : Effect.succeed(`free ${x}`)
})

/** Both tools in one step, and then an answer. */
const both = (x: string): Script.Script => [
  Script.always(({ context }) =>
    context.some(({ type }) => type === "function_call")
      ? "Fine."
      : Script.turn([Script.functionCall("guarded", { x }), Script.functionCall("free", { x })])
  )
]

const outputsOf = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const items = yield* collect(service.items(id))
    return items.flatMap((item) => item._tag === "FunctionCallOutput" ? [String(item.output)] : [])
  })

/** The next run is accepted, without a word on what waits. */
const usable = (id: Thread.ThreadId) =>
  Effect.flatMap(
    Threads.Threads,
    (service) =>
      advancing(Run.text(service.run(id, { message: "And now?", toolkit })).pipe(Effect.provide(handlers)), "1 minute")
  )

type Options = Omit<Threads.RunOptions<Toolkit.Tools<typeof toolkit>>, "toolkit" | "message">

const run = (options: Options = {}, log: RunLog.Service = RunLog.none) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const seen = yield* advancing(
      observe(service.run(id, { message: "Go", toolkit, ...options })).pipe(
        Effect.provide(handlers),
        Effect.provideService(RunLog.RunLog, log)
      ),
      "10 minutes"
    )
    return { id, seen }
  })

const called = (events: ReadonlyArray<RunEvent.RunEvent>) =>
  Object.fromEntries(events.flatMap((event) => event._tag === "ToolCallCompleted" ? [[event.name, event]] : []))

const notCarriedOut = expect.stringContaining("not carried out")

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  const over = (script: Script.Script) => Effect.provide(threads(script, { store }))

  describe(`trouble with tools, ${store}`, () => {
    const approvals: Record<string, NonNullable<Options["approve"]>> = {
      "that dies": () => Effect.dieMessage("boom"),
      "that throws": () => {
        throw new Error("boom")
      },
      "that is interrupted": () => Effect.interrupt
    }
    for (const [what, approve] of Object.entries(approvals)) {
      it.effect(`law 3: an approval ${what} is a defect of its call`, () =>
        Effect.gen(function*() {
          const { id, seen } = yield* run({ approve })
          expect(seen.events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Fine." })
          const { free, guarded } = called(seen.events)
          expect(guarded).toMatchObject({ isFailure: true, output: notCarriedOut })
          expect(guarded?.cause).toBeDefined()
          expect(free).toMatchObject({ isFailure: false, output: "free a" })
          expect(yield* outputsOf(id)).toEqual([notCarriedOut, "free a"])
        }).pipe(over(both("a"))))

      it.effect(`law 3: an approval ${what} ends a run that defects end, with all outputs written`, () =>
        Effect.gen(function*() {
          const { id, seen } = yield* run({ approve, onToolDefect: "fail" })
          expect(seen.defect).toBeDefined()
          expect(yield* outputsOf(id)).toEqual([notCarriedOut, "free a"])
          expect(yield* usable(id)).toBe("Fine.")
        }).pipe(over(both("a"))))
    }

    const told: Record<"intend" | "start" | "finish", string> = {
      intend: notCarriedOut,
      start: notCarriedOut,
      // It was made, and the model hears what it gave.
      finish: "free a"
    }
    for (const when of ["intend", "start", "finish"] as const) {
      const broken = { ...RunLog.none, [when]: () => Effect.dieMessage("no database") }
      const approve = () => Effect.succeed({ approve: false })

      it.effect(`law 3: a log that dies on ${when} is a defect of the call`, () =>
        Effect.gen(function*() {
          const { id, seen } = yield* run({ approve }, broken)
          expect(seen.events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Fine." })
          expect(called(seen.events)["free"]?.cause).toBeDefined()
          expect(yield* outputsOf(id)).toEqual([notCarriedOut, told[when]])
        }).pipe(over(both("a"))))

      it.effect(`law 3: a log that dies on ${when} ends a run that defects end, with all outputs written`, () =>
        Effect.gen(function*() {
          const { id, seen } = yield* run({ approve, onToolDefect: "fail" }, broken)
          expect(seen.defect).toContain("no database")
          expect(yield* outputsOf(id)).toEqual([notCarriedOut, told[when]])
          expect(yield* usable(id)).toBe("Fine.")
        }).pipe(over(both("a"))))
    }

    it.effect("law 3: whose need for approval cannot be found out waits for it", () =>
      Effect.gen(function*() {
        const doubtful = Toolkit.make(
          Guarded.annotate(Tools.NeedsApproval, () => {
            throw new Error("boom")
          }),
          Free
        )
        const layer = doubtful.toLayer({ guarded: () => Effect.succeed("made"), free: () => Effect.succeed("free") })
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const options = { toolkit: doubtful }
        yield* Effect.gen(function*() {
          const first = yield* Run.result(service.run(id, { message: "Go", ...options }))
          expect(first).toMatchObject({ status: "requires_action", pending: [{ needsApproval: true }] })
          expect(yield* Effect.flip(Run.result(service.run(id, options)))).toMatchObject({ why: "requires_action" })
          expect(yield* Run.text(service.run(id, { ...options, onPending: "close" }))).toBe("Fine.")
        }).pipe(Effect.provide(layer))
        expect(yield* outputsOf(id)).toEqual(["free", notCarriedOut])
      }).pipe(over(both("a"))))

    it.effect("law 3: a declared failure closes what waits beside it", () =>
      Effect.gen(function*() {
        const { id, seen } = yield* run()
        expect(seen.error).toMatchObject({ _tag: "ToolFailed", name: "free" })
        expect(yield* outputsOf(id)).toEqual([notCarriedOut, expect.stringContaining("Refused")])
        expect(yield* usable(id)).toBe("Fine.")
      }).pipe(over(both("fail"))))

    it.effect("law 3: the last step closes what waits", () =>
      Effect.gen(function*() {
        const { id, seen } = yield* run({ maxSteps: 1 })
        expect(seen.error).toMatchObject({ _tag: "TooManySteps" })
        expect(yield* outputsOf(id)).toEqual([notCarriedOut, notCarriedOut])
        expect(yield* usable(id)).toBe("Fine.")
      }).pipe(over(both("a"))))

    it.effect("law 2: an incomplete answer leaves the outputs before it where they are, once", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const { error } = yield* observe(service.run(id, { message: "Go", toolkit }))
        expect(error).toMatchObject({ _tag: "RunIncomplete" })
        const tags = (yield* collect(service.items(id))).map(({ _tag }) => _tag)
        expect(tags).toEqual(["Message", "FunctionCall", "FunctionCallOutput", "Message"])
        yield* usable(id)
      }).pipe(
        Effect.provide(handlers),
        over([
          Script.functionCall("free", { x: "a" }),
          Script.turn([Script.text("Half of"), Script.incomplete("max_output_tokens")]),
          "Fine."
        ])
      ))

    it.effect("law 3: what waits is delivered where nothing goes wrong", () =>
      Effect.gen(function*() {
        const { id, seen } = yield* run()
        expect(seen.events.at(-1)).toMatchObject({
          status: "requires_action",
          pending: [{ call: { name: "guarded" }, needsApproval: true }]
        })
        expect(yield* outputsOf(id)).toEqual(["free a"])
      }).pipe(over(both("a"))))

    it.effect("law 3: interrupted while one runs, the other that waits is closed", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create()
        const fiber = yield* Effect.fork(
          Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(handlers))
        )
        yield* simulator.advance("1 minute")
        yield* advancing(Fiber.interrupt(fiber), "10 seconds")
        expect(yield* outputsOf(id)).toEqual([notCarriedOut, expect.stringContaining("not known")])
        expect(yield* usable(id)).toBe("Fine.")
      }).pipe(over(both("slow"))))

    it.effect("law 3: interrupted while somebody decides, the call is closed", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create()
        const fiber = yield* Effect.fork(
          Run.result(service.run(id, { message: "Go", approve: () => Effect.never }))
        )
        yield* simulator.advance("1 second")
        yield* advancing(Fiber.interrupt(fiber), "10 seconds")
        const [item] = (yield* collect(service.items(id))).slice(-1)
        expect(item).toMatchObject({ _tag: "Unknown", raw: { type: "mcp_approval_response", approve: false } })
        expect(yield* usable(id)).toBe("Fine.")
      }).pipe(over([Script.approvalRequest("search", {}), "Fine."])))

    it.effect("a run takes no longer than its timeout, also while tools run", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const took = yield* advancing(
          Effect.gen(function*() {
            const before = yield* Clock.currentTimeMillis
            const exit = yield* Effect.exit(
              Run.result(service.run(id, { message: "Go", toolkit, timeout: "10 seconds" }))
            )
            expect(Exit.isFailure(exit) && exit.cause).toMatchObject({ error: { _tag: "TimedOut", phase: "total" } })
            return (yield* Clock.currentTimeMillis) - before
          }).pipe(Effect.provide(handlers)),
          "20 minutes"
        )
        expect(took).toBe(10_000)
        expect(yield* outputsOf(id)).toEqual([notCarriedOut, expect.stringContaining("not known")])
        expect(yield* usable(id)).toBe("Fine.")
      }).pipe(over(both("slow"))))
  })
}

describe("options of tools", () => {
  it.effect.each([
    { maxSteps: 0 },
    { maxSteps: 1.5 },
    { maxSteps: Number.NaN },
    { toolConcurrency: 0 },
    { toolConcurrency: -1 }
  ])("%o is refused before any request", (options) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const before = (yield* simulator.requests).length
      const error = yield* Effect.flip(Run.result(service.run(id, { message: "Go", ...options })))
      expect(error).toMatchObject({ _tag: "InvalidInput", field: Object.keys(options)[0] })
      expect((yield* simulator.requests).length).toBe(before)
    }).pipe(Effect.provide(Layer.fresh(threads([])))))
})
