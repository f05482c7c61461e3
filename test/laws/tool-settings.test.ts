import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { Assistant, Assistants, Cursor, OpenAI, Run, RunLog, Threads, ThreadStore, Tools } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { analyst, stores, threads } from "../support/layers.ts"
import { collect, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
const toolkit = Toolkit.make(Note)
const handlers = toolkit.toLayer({ note: ({ text }) => Effect.succeed(`noted ${text}`) })
const note = (text = "a") => Script.functionCall("note", { text })

const asked = Effect.flatMap(
  Simulator.Simulator,
  (simulator) =>
    Effect.map(
      simulator.requests,
      (requests) => requests.flatMap(({ body, path }) => path === "/responses" ? [body as Record<string, unknown>] : [])
    )
)

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  const over = (script: Script.Script) => Effect.provide(Layer.merge(threads(script, { store }), handlers))

  describe(`steps with tools, ${store}`, () => {
    it.effect("law 2: usage is that of all steps", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const { steps, usage } = yield* Run.result(service.run(id, { message: "Go", toolkit }))
        expect(steps).toBe(3)
        expect(usage).toEqual({ input: 111, cachedInput: 6, output: 33, reasoning: 9, total: 144 })
      }).pipe(over([
        Script.turn([note()], { usage: { inputTokens: 1, cachedTokens: 1, outputTokens: 10, reasoningTokens: 2 } }),
        Script.turn([note()], { usage: { inputTokens: 10, cachedTokens: 2, outputTokens: 11, reasoningTokens: 3 } }),
        Script.turn("Done.", { usage: { inputTokens: 100, cachedTokens: 3, outputTokens: 12, reasoningTokens: 4 } })
      ])))

    it.effect("every step is asked for with the same settings", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const result = yield* Run.result(service.run(id, {
          message: "Go",
          toolkit,
          output: Schema.Struct({ n: Schema.Int }),
          temperature: 0.5,
          topP: 0.25,
          maxOutputTokens: 100,
          reasoning: { effort: "low" },
          verbosity: "low",
          metadata: { a: "b" },
          additionalInstructions: "In Latin."
        }))
        expect(result.output).toEqual({ n: 1 })
        const [first, second] = (yield* asked).map(({ input: _, ...settings }) => settings)
        expect(first).toMatchObject({
          temperature: 0.5,
          top_p: 0.25,
          max_output_tokens: 100,
          reasoning: { effort: "low" },
          text: { verbosity: "low", format: { type: "json_schema" } },
          metadata: { a: "b" },
          instructions: "Be brief.\n\nIn Latin.",
          tools: [{ name: "note" }]
        })
        expect(second).toEqual(first)
      }).pipe(over([note(), `{"n":1}`])))

    it.effect("a run takes 20 steps, and no more", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const error = yield* Effect.flip(Run.result(service.run(id, { message: "Go", toolkit })))
        expect(error).toMatchObject({ _tag: "TooManySteps", maxSteps: 20 })
        expect(yield* asked).toHaveLength(20)
      }).pipe(over([Script.always(Script.turn([note()]))])))

    it.effect("what an MCP server asks for is decided by approve, without an end of the run", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        for (const approve of [true, false]) {
          const { id } = yield* service.create()
          const approval = { approve, ...(approve ? {} : { reason: "no" }) }
          const result = yield* Run.result(service.run(id, { message: "Go", approve: () => Effect.succeed(approval) }))
          expect(result).toMatchObject({ status: "completed", text: "Found.", steps: 2 })
          const responses = (yield* collect(service.items(id))).flatMap((item) =>
            item._tag === "Unknown" ? [item.raw] : []
          )
          expect(responses).toMatchObject([{ type: "mcp_approval_response", ...approval }])
        }
      }).pipe(over([
        Script.approvalRequest("search", {}),
        "Found.",
        Script.approvalRequest("search", {}),
        "Found."
      ])))
  })
}

describe("calls of tools", () => {
  it.effect("four run at once", () =>
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const gate = yield* Deferred.make<void>()
      const slow = toolkit.toLayer({
        note: () =>
          Effect.gen(function*() {
            most = Math.max(most, ++running)
            if (running === 4) yield* Effect.forkDaemon(Effect.delay(Deferred.succeed(gate, undefined), "1 second"))
            yield* Deferred.await(gate)
            running--
            return ""
          })
      })
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const run = Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(slow))
      yield* advancing(run, "1 minute")
      expect(most).toBe(4)
    }).pipe(Effect.provide(threads([Script.turn(Array.from({ length: 6 }, () => note())), "Done."]))))

  const Slow = Note.annotate(Tools.Timeout, "2 seconds")
  const slowKit = Toolkit.make(Slow)
  const stuck = slowKit.toLayer({ note: () => Effect.never })

  it.effect("a tool's own timeout is the one that counts", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const events = yield* advancing(
        collect(service.run(id, { message: "Go", toolkit: slowKit, toolTimeout: "1 hour" })).pipe(
          Effect.provide(stuck)
        ),
        "3 seconds"
      )
      expect(events.find(({ _tag }) => _tag === "ToolCallCompleted")).toMatchObject({
        isFailure: true,
        output: expect.stringContaining("longer than 2s")
      })
    }).pipe(Effect.provide(threads([note(), "Done."]))))

  it.effect("one that takes too long ends a run that defects end, with its output written", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const seen = yield* advancing(
        observe(service.run(id, { message: "Go", toolkit: slowKit, onToolDefect: "fail" })).pipe(Effect.provide(stuck)),
        "3 seconds"
      )
      expect(seen.defect).toContain("took longer than 2s")
      expect((yield* collect(service.items(id))).at(-1)).toMatchObject({
        _tag: "FunctionCallOutput",
        output: expect.stringContaining("longer than 2s")
      })
    }).pipe(Effect.provide(threads([note()]))))

  it.effect("one that cannot be interrupted holds up nothing", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const deaf = toolkit.toLayer({ note: () => Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), "")) })
      const late = yield* advancing(
        collect(service.run(id, { message: "Go", toolkit, toolTimeout: "1 second" })).pipe(Effect.provide(deaf)),
        "2 seconds"
      )
      expect(late.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Done." })
      const fiber = yield* Effect.fork(Run.result(service.run(id, { toolkit })).pipe(Effect.provide(deaf)))
      yield* simulator.advance("1 second")
      yield* advancing(Fiber.interrupt(fiber), "1 second")
      expect(yield* advancing(Run.text(service.run(id, { message: "And now?" })), "1 second")).toBe("Fine.")
    }).pipe(Effect.provide(threads([note(), "Done.", note(), "Fine."]))))

  const ends = {
    "that is interrupted in a call": [Effect.never, {}],
    "that fails, before its end is told": [Effect.die("bug"), { onToolDefect: "fail" }]
  } as const
  for (const [what, [handler, options]] of Object.entries(ends)) {
    it.effect(`law 7: what a run writes takes 5 seconds at most: one ${what}`, () =>
      Effect.gen(function*() {
        const openai = yield* OpenAI.OpenAI
        const conversations = { ...openai.conversations, createItems: () => Effect.never }
        const layer = Threads.layer.pipe(
          Layer.provide(ThreadStore.layerConversations),
          Layer.provide(Assistants.layer([analyst])),
          Layer.provide(Layer.succeed(OpenAI.OpenAI, { ...openai, conversations })),
          Layer.fresh
        )
        const simulator = yield* Simulator.Simulator
        yield* Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { id } = yield* service.create()
          const fiber = yield* Effect.fork(Run.result(service.run(id, { toolkit, ...options })))
          yield* simulator.advance("1 second")
          const ending = yield* Effect.fork(Fiber.interrupt(fiber))
          yield* simulator.advance("4900 millis")
          expect(ending.unsafePoll()).toBe(null)
          yield* simulator.advance("100 millis")
          expect(ending.unsafePoll()).not.toBe(null)
        }).pipe(Effect.provide([layer, toolkit.toLayer({ note: () => handler })]))
      }).pipe(Effect.provide(threads([note()]))))
  }

  const done = Effect.succeed("noted")
  const holding = {
    "while somebody decides": [{ approve: () => Effect.never }, RunLog.none, done],
    "while its log is written": [{}, { ...RunLog.none, start: () => Effect.never }, done],
    "while its tool runs": [{}, RunLog.none, Effect.never],
    "while its tool runs and remembers it": [{}, { ...RunLog.none }, Effect.never],
    "while its tool runs and cannot be interrupted": [
      {},
      RunLog.none,
      Effect.uninterruptible(Effect.delay(done, "1 hour"))
    ]
  } as const
  for (const [what, [options, log, handler]] of Object.entries(holding)) {
    it.effect(`law 7: a run is cancelled ${what}, and its thread is free`, () =>
      Effect.gen(function*() {
        const kit = Toolkit.make(Note.annotate(Tools.NeedsApproval, "approve" in options))
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create()
        let cursor: Cursor.Cursor | undefined
        const run = yield* Effect.fork(
          Run.handle(service.run(id, { message: "Go", toolkit: kit, ...options }), {
            ToolCallRequested: (event) => Effect.sync(() => cursor = Cursor.fromEvent(event))
          }).pipe(
            Effect.provide(kit.toLayer({ note: () => handler })),
            Effect.provideService(RunLog.RunLog, log)
          )
        )
        yield* simulator.advance("1 second")
        yield* advancing(service.cancel(cursor!), "1 second")
        yield* simulator.advance("1 second")
        expect(yield* Effect.flip(run)).toMatchObject({ _tag: "RunCancelled" })
        expect(yield* advancing(Run.text(service.run(id, { message: "And now?" })), "1 second")).toBe("Fine.")
      }).pipe(Effect.provide(threads([note(), "Fine."]))))
  }

  it.effect("a name that the assistant has too is refused before any request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const assistant = Assistant.make({
        id: "own",
        model: "test-model",
        tools: [{ type: "function", name: "note", parameters: { type: "object", properties: {} }, strict: false }]
      })
      const simulator = yield* Simulator.Simulator
      const before = (yield* simulator.requests).length
      const run = Run.result(service.run(id, { message: "Go", assistant, toolkit })).pipe(Effect.provide(handlers))
      expect(yield* Effect.flip(run)).toMatchObject({ _tag: "InvalidInput", field: "toolkit.note" })
      expect(yield* simulator.requests).toHaveLength(before)
    }).pipe(Effect.provide(threads([]))))

  it.effect("a tool that has to be strict and cannot be is refused before any request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const simulator = yield* Simulator.Simulator
      const before = (yield* simulator.requests).length
      const kit = Toolkit.make(
        Tool.make("loose", { parameters: { any: Schema.Unknown } }).annotate(Tools.Strict, true)
      )
      const run = Run.result(service.run(id, { message: "Go", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ loose: () => Effect.void }))
      )
      expect(yield* Effect.flip(run)).toMatchObject({ _tag: "InvalidInput", field: "toolkit.loose" })
      expect(yield* simulator.requests).toHaveLength(before)
    }).pipe(Effect.provide(threads([]))))

  it.effect("a tool has five minutes where nothing is said, and the program hears that it took longer", () =>
    Effect.gen(function*() {
      const never = toolkit.toLayer({ note: () => Effect.never })
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const run = yield* Effect.fork(
        collect(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(never))
      )
      yield* simulator.advance("299 seconds")
      expect(run.unsafePoll()).toBe(null)
      yield* simulator.advance("2 seconds")
      const called = (yield* run).find((event) => event._tag === "ToolCallCompleted")
      expect(Cause.isCause(called?.cause) && Cause.squash(called.cause)).toMatchObject({
        _tag: "TimeoutException",
        message: expect.stringContaining("5m")
      })
    }).pipe(Effect.provide(threads([note(), "Done."]))))

  it.effect("a provider's tool that needs a handler waits for the program", () =>
    Effect.gen(function*() {
      const Shell = Tool.providerDefined({
        id: "openai.local_shell",
        toolkitName: "LocalShell",
        providerName: "local_shell",
        args: {},
        requiresHandler: true
      })
      const kit = Toolkit.make(Shell({}))
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const run = Run.result(service.run(id, { message: "Go", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ LocalShell: () => Effect.succeed({} as never) }))
      )
      expect(yield* run).toMatchObject({
        status: "requires_action",
        pending: [{ _tag: "PendingItem", type: "local_shell_call" }]
      })
    }).pipe(
      Effect.provide(threads([Script.toolCall("local_shell_call", { action: { type: "exec", command: ["ls"] } })]))
    ))

  it.effect("what tools and their schemas need comes from where the run is read", () =>
    Effect.gen(function*() {
      class Units extends Context.Tag("test/Units")<Units, { readonly name: string }>() {}
      class Factor extends Context.Tag("test/Factor")<Factor, number>() {}
      const Scaled = Schema.transformOrFail(Schema.Number, Schema.Number, {
        strict: true,
        decode: (value) => Effect.map(Factor, (factor) => value * factor),
        encode: (value) => Effect.map(Factor, (factor) => value / factor)
      })
      const Measure = Tool.make("measure", {
        parameters: { value: Scaled },
        success: Schema.Struct({ value: Scaled, unit: Schema.String }),
        dependencies: [Units]
      })
      const kit = Toolkit.make(Measure)
      const seen: Array<number> = []
      const layer = kit.toLayer({
        measure: ({ value }) => Effect.map(Units, ({ name }) => (seen.push(value), { value: value + 10, unit: name }))
      })
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const events = yield* collect(service.run(id, { message: "Go", toolkit: kit })).pipe(
        Effect.provide(layer),
        Effect.provideService(Units, { name: "mm" }),
        Effect.provideService(Factor, 10)
      )
      expect(seen).toEqual([20])
      expect(events.find(({ _tag }) => _tag === "ToolCallCompleted")).toMatchObject({
        output: `{"unit":"mm","value":3}`,
        result: { value: 30, unit: "mm" }
      })
    }).pipe(Effect.provide(threads([Script.functionCall("measure", { value: 2 }), "Done."]))))
})
