import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, Schema, Stream } from "effect"
import {
  Assistants,
  OpenAI,
  OpenAIError,
  Run,
  RunLog,
  Thread,
  Threads,
  ThreadStore,
  Tools
} from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { analyst, noRetries, stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
const toolkit = Toolkit.make(Note)

/** Counts how often each call was made. */
const counting = () => {
  const made = new Map<string, number>()
  const layer = toolkit.toLayer({
    note: ({ text }) =>
      Effect.gen(function*() {
        made.set(text, (made.get(text) ?? 0) + 1)
        yield* Effect.sleep("20 millis")
        return `noted ${text}`
      })
  })
  return { made, layer }
}

const step = (texts: ReadonlyArray<string>, options: Script.TurnOptions = {}) =>
  Script.turn([
    Script.reasoning("Let me see."),
    ...texts.map((text) => Script.functionCall("note", { text }, { chunks: 1 }))
  ], options)

/** What is noted in each step: several things at once, and one alone. */
const steps = [["first a", "first b"], ["second"], ["third a", "third b"]]

/** Three steps with tools and an answer, and one more for the run after. What is next is told by what is there. */
const script = (
  fault?: { readonly at: number; readonly fault: Script.Fault },
  options?: { readonly afterDisconnect: Script.AfterDisconnect }
): Script.Script => [
  Script.always(({ context }) => {
    if (JSON.stringify(context).includes("And now?")) return "Fine."
    const at = [0, 2, 3, 5].indexOf(context.filter(({ type }) => type === "function_call_output").length)
    const broken = fault?.at === at ? { fault: fault.fault, ...options } : {}
    const texts = steps[at]
    return texts === undefined ? Script.turn("All noted.", broken) : step(texts, broken)
  })
]

/** No call is made twice, and none that was made is told not to have been. */
const honest = (id: Thread.ThreadId, made: ReadonlyMap<string, number>) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const items = yield* collect(service.items(id))
    for (const [text, times] of made) {
      expect([text, times]).toEqual([text, 1])
      const call = items.find((item) => item._tag === "FunctionCall" && item.arguments.includes(`"${text}"`))
      const output = items.find((item) =>
        item._tag === "FunctionCallOutput" && call?._tag === "FunctionCall" && item.callId === call.callId
      )
      if (output?._tag === "FunctionCallOutput") expect(String(output.output)).not.toContain("not carried out")
    }
  })

/** The next message is accepted, and so is the next run. */
const usable = Effect.fnUntraced(function*(id: Parameters<Threads.Service["get"]>[0]) {
  const service = yield* Threads.Threads
  return yield* Run.text(service.run(id, { message: "And now?" }))
})

const eachPart = <A>(ways: Record<string, A>, parts: number) =>
  Object.entries(ways).flatMap(([what, way]) =>
    Array.from({ length: parts }, (_, index) => [what, way, index + 1] as const)
  )

const counts = new Map<keyof typeof stores, number>()

/** How many events the whole run has. It is the same each time, and counted once. */
const eventCount = (store: keyof typeof stores) =>
  Effect.gen(function*() {
    const known = counts.get(store)
    if (known !== undefined) return known
    const { layer } = counting()
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const events = yield* advancing(
      collect(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)),
      "200 millis"
    )
    expect(events.at(-1)?._tag).toBe("RunCompleted")
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index))
    counts.set(store, events.length)
    return events.length
  }).pipe(Effect.provide(threads(script(), { store })))

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  describe(`a run with tools, ${store}`, () => {
    // The first test of a file takes the time to load and to warm up, which is none of a property's.
    it.effect("has its events in order, without a gap", () => eventCount(store))

    const ways = {
      "that is not read on": (run: Stream.Stream<unknown, unknown>, at: number) =>
        Stream.runDrain(Stream.take(run, at)),
      "whose reader is interrupted": (run: Stream.Stream<unknown, unknown>, at: number) => {
        let seen = 0
        return Stream.runForEach(run, () => ++seen === at ? Effect.interrupt : Effect.void)
      }
    }
    const parts = 8
    // In memory the two ways differ by nothing.
    const { "whose reader is interrupted": interrupted } = ways
    const tried = store === "memory" ? { "whose reader is interrupted": interrupted } : ways
    for (const [what, stop, part] of eachPart(tried, parts)) {
      it.effect(`law 3: ${what}, at any event, leaves a thread for the next run (${part} of ${parts})`, () =>
        Effect.gen(function*() {
          const count = yield* eventCount(store)
          for (let at = part; at <= count; at += parts) {
            yield* Effect.gen(function*() {
              const { layer, made } = counting()
              const service = yield* Threads.Threads
              const { id } = yield* service.create()
              const run = service.run(id, { message: "Go", toolkit })
              yield* advancing(Effect.exit(stop(Stream.provideLayer(run, layer), at)), "200 millis")
              expect(yield* advancing(usable(id), "200 millis")).toBe("Fine.")
              yield* honest(id, made)
            }).pipe(Effect.provide(threads(script(), { store })))
          }
        }))
    }

    it.effect.each([0, 5, 19, 20, 21, 30, 41, 55, 61, 200])(
      "law 3: interrupted at any time while tools run, too (%i ms)",
      (time) =>
        Effect.gen(function*() {
          const { layer, made } = counting()
          const service = yield* Threads.Threads
          const simulator = yield* Simulator.Simulator
          const { id } = yield* service.create()
          const fiber = yield* Effect.fork(
            Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))
          )
          yield* simulator.advance(`${time} millis`)
          yield* advancing(Fiber.interrupt(fiber), "10 seconds")
          expect(yield* advancing(usable(id), "200 millis")).toBe("Fine.")
          yield* honest(id, made)
        }).pipe(Effect.provide(threads(script(), { store })))
    )

    it.effect.each([0, 1, 2, 3])(
      "law 3: a connection that breaks in step %i leaves a thread for the next run",
      (at) =>
        Effect.gen(function*() {
          const faults = [
            ...[10, 400, 900, 1_500, 2_500].map((afterBytes) => Script.cut({ afterBytes })),
            ...[10, 900, 2_000].map((afterBytes) => Script.reset({ afterBytes }))
          ]
          for (const fault of faults) {
            yield* Effect.gen(function*() {
              const { layer, made } = counting()
              const service = yield* Threads.Threads
              const { id } = yield* service.create()
              const exit = yield* advancing(
                Effect.exit(Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))),
                "5 minutes"
              )
              if (Exit.isSuccess(exit)) expect(exit.value.text).toBe("All noted.")
              expect(yield* advancing(usable(id), "5 minutes")).toBe("Fine.")
              yield* honest(id, made)
            }).pipe(Effect.provide(threads(script({ at, fault }), { store })))
          }
        })
    )

    const breaking = {
      "is cut": [Script.cut, "cancelled"],
      "is cut, and whose answer goes on unheard": [Script.cut, "completed"],
      "is reset": [Script.reset, "cancelled"]
    } as const
    // A step has 17 events at most, and all of them are tried.
    const events = Array.from({ length: 18 }, (_, index) => index)
    for (const [what, [broken, afterDisconnect]] of Object.entries(breaking)) {
      it.effect.each([0, 1, 2, 3])(
        `law 3: a connection that ${what} at any event of step %i`,
        (at) =>
          Effect.gen(function*() {
            for (const afterEvents of events) {
              const broke = { at, fault: broken({ afterEvents }) }
              yield* Effect.gen(function*() {
                const { layer, made } = counting()
                const service = yield* Threads.Threads
                const { id } = yield* service.create()
                yield* advancing(
                  Effect.exit(Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))),
                  "5 minutes"
                )
                expect(yield* advancing(usable(id), "5 minutes"), `after ${afterEvents}`).toBe("Fine.")
                yield* honest(id, made)
              }).pipe(Effect.provide(threads(script(broke, { afterDisconnect }), { store })))
            }
          }),
        20_000
      )
    }

    it.effect("law 3: a continuation that is refused leaves the outputs in the thread", () =>
      Effect.gen(function*() {
        const { layer } = counting()
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const error = yield* advancing(
          Effect.flip(noRetries(Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)))),
          "200 millis"
        )
        expect(error).toMatchObject({ _tag: "RateLimited" })
        expect(yield* advancing(usable(id), "1 second")).toBe("Fine.")
        const items = yield* collect(service.items(id))
        const outputs = items.flatMap((item) => item._tag === "FunctionCallOutput" ? [item.output] : [])
        expect(outputs).toEqual(["noted first a", "noted first b"])
      }).pipe(Effect.provide(
        threads([step(steps[0]!), Script.httpError({ status: 429, code: "rate_limit_exceeded" }), "Fine."], { store })
      )))
  })
}

it.effect.each([1, 2])(
  "law 7: a pull that is given up does not end a run that makes %i calls",
  (count) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const slow = toolkit.toLayer({ note: () => Effect.delay(Effect.succeed("noted"), "10 seconds") })
      const tags: Array<string> = []
      const beating = Effect.scoped(Effect.gen(function*() {
        const pull = yield* Stream.toPull(service.run(id, { message: "Go", toolkit }))
        for (;;) {
          const next = yield* Effect.timeoutOption(pull, "3 seconds")
          for (const { _tag } of Option.getOrElse(next, () => [{ _tag: "still there" }])) tags.push(_tag)
        }
      }))
      const reader = yield* Effect.fork(Effect.flip(Effect.provide(beating, slow)))
      yield* simulator.advance("1 minute")
      expect((yield* reader)._tag).toBe("None")
      expect(tags.filter((tag) => tag === "still there").length).toBeGreaterThan(2)
      expect(tags.at(-1)).toBe("RunCompleted")
    }).pipe(Effect.provide(threads([step(steps[count === 1 ? 1 : 0]!), "Fine."])))
)

it.live("law 2: an output that is being written when the reader stops is written once", () =>
  Effect.gen(function*() {
    const kit = Toolkit.make(Tool.make("note", { success: Schema.String, failure: Schema.String }))
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    const run = yield* Effect.fork(
      Run.result(service.run(id, { message: "Go", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ note: () => Effect.fail("no") }))
      )
    )
    const writes = Effect.map(
      simulator.requests,
      (requests) => requests.filter(({ method, path }) => method === "POST" && path.endsWith("/items")).length
    )
    while ((yield* writes) < 2) yield* Effect.yieldNow()
    yield* Fiber.interrupt(run)
    const outputs = (yield* collect(service.items(id))).filter(({ _tag }) => _tag === "FunctionCallOutput")
    expect(outputs).toHaveLength(1)
  }).pipe(Effect.provide(threads([Script.functionCall("note", {})]))))

it.effect("law 13: a run with tools costs one request for each step", () =>
  Effect.gen(function*() {
    const { layer } = counting()
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    const before = (yield* simulator.requests).length
    yield* advancing(
      Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)),
      "200 millis"
    )
    const paths = (yield* simulator.requests).slice(before).map(({ method, path }) => `${method} ${path}`)
    expect(paths).toEqual([
      `POST /conversations/${id}/items`,
      "POST /responses",
      "POST /responses",
      "POST /responses",
      "POST /responses"
    ])
  }).pipe(Effect.provide(Layer.fresh(threads(script())))))

const eventTags = Effect.gen(function*() {
  const { layer } = counting()
  const service = yield* Threads.Threads
  const { id } = yield* service.create()
  const run = service.run(id, { message: "Go", toolkit })
  return (yield* advancing(collect(run).pipe(Effect.provide(layer)), "200 millis")).map(({ _tag }) => _tag)
})

/** A process of its own over the same OpenAI, which may die: then it writes nothing any more. */
const processOver = (openai: OpenAI.Service) => {
  const state = { alive: true }
  const { createItems } = openai.conversations
  const conversations: OpenAI.Conversations = {
    ...openai.conversations,
    createItems: (id, items) =>
      Effect.suspend(() =>
        state.alive ? createItems(id, items) : Effect.fail(new OpenAIError.ConnectionFailed({ reason: "dead" }))
      )
  }
  const layer = Threads.layer.pipe(
    Layer.provide(ThreadStore.layerConversations),
    Layer.provide(Assistants.layer([analyst])),
    Layer.provide(Layer.succeed(OpenAI.OpenAI, { ...openai, conversations })),
    Layer.fresh
  )
  return { layer, state }
}

/** Runs in a process that dies at an event. */
const killed = Effect.fnUntraced(function*(
  tools: Layer.Layer<Tool.HandlersFor<Toolkit.Tools<typeof toolkit>>>,
  at: number,
  log: RunLog.Service = RunLog.none
) {
  const { layer, state } = processOver(yield* OpenAI.OpenAI)
  return yield* Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    let seen = 0
    const read = Stream.runForEach(service.run(id, { message: "Go", toolkit }), () => {
      if (++seen < at) return Effect.void
      state.alive = false
      return Effect.interrupt
    })
    yield* advancing(Effect.exit(read), "30 seconds")
    return id
  }).pipe(Effect.provide([layer, tools]), Effect.provideService(RunLog.RunLog, log))
})

describe("a process that dies in a run with tools", () => {
  const parts = 12
  for (const [what, log, part] of eachPart({ none: Effect.succeed(RunLog.none), memory: RunLog.makeMemory }, parts)) {
    it.effect(`law 3: at any event, another goes on, and no call is made twice (log: ${what}, ${part} of ${parts})`, () =>
      Effect.gen(function*() {
        const count = yield* eventCount("conversations")
        for (let at = part; at <= count; at += parts) {
          yield* Effect.gen(function*() {
            const { layer, made } = counting()
            const remembered = yield* log
            const id = yield* killed(layer, at, remembered)
            const next = processOver(yield* OpenAI.OpenAI)
            const text = Effect.gen(function*() {
              const service = yield* Threads.Threads
              return yield* Run.text(service.run(id, { message: "And now?", toolkit }))
            }).pipe(Effect.provide([next.layer, layer]), Effect.provideService(RunLog.RunLog, remembered))
            expect(yield* advancing(text, "10 seconds")).toBe("Fine.")
            yield* honest(id, made)
          }).pipe(Effect.provide(threads(script())))
        }
      }))
  }

  const remembering = Effect.fnUntraced(function*(tool: typeof Note, at: number) {
    const log = yield* RunLog.makeMemory
    const made = new Map<string, number>()
    const kit = Toolkit.make(tool)
    const layer = kit.toLayer({
      note: ({ text }) =>
        Effect.gen(function*() {
          made.set(text, (made.get(text) ?? 0) + 1)
          yield* Effect.sleep("20 millis")
          return `noted ${text}`
        })
    })
    const id = yield* killed(layer, at, log)
    const next = processOver(yield* OpenAI.OpenAI)
    const events = yield* advancing(
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        return yield* collect(service.run(id, { message: "And now?", toolkit: kit }))
      }).pipe(Effect.provide([next.layer, layer]), Effect.provideService(RunLog.RunLog, log)),
      "10 seconds"
    )
    expect(events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Fine." })
    const told = events.flatMap((event) => event._tag === "ToolCallCompleted" ? [event.output] : [])
    return { made, told }
  })

  const completed = (tool: typeof Note) =>
    Effect.gen(function*() {
      const whole = yield* Effect.provide(eventTags, threads(script()))
      // In the middle of the calls of the first step.
      return yield* Effect.provide(remembering(tool, whole.indexOf("ToolCallCompleted") + 1), threads(script()))
    })

  it.effect("what a log remembers of its calls is told, and nothing is made twice", () =>
    Effect.gen(function*() {
      const { made, told } = yield* completed(Note)
      const known = told.filter((output) => output.startsWith("noted first"))
      const unknown = told.filter((output) => output.includes("not known"))
      expect([known.length, unknown.length]).toEqual([1, 1])
      for (const [text, times] of made) expect([text, times]).toEqual([text, 1])
    }))

  it.effect.each([Note.annotate(Tool.Idempotent, true), Note.annotate(Tool.Readonly, true)])(
    "of a tool that may run twice, what had begun is made again (%#)",
    (tool) =>
      Effect.gen(function*() {
        const { told } = yield* completed(tool)
        expect(told).toEqual(["noted first a", "noted first b"])
      })
  )

  it.effect("law 2: a log knows of all calls of a step before the first is made", () =>
    Effect.gen(function*() {
      const log = yield* RunLog.makeMemory
      const seen: Array<ReadonlyArray<string>> = []
      const kit = Toolkit.make(Note)
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const callIds: Array<Thread.CallId> = []
      const states = Effect.suspend(() =>
        Effect.forEach(callIds, (callId) =>
          Effect.map(log.find(id, callId), Option.match({ onNone: () => "none", onSome: ({ _tag }) => _tag })))
      )
      const layer = kit.toLayer({
        note: ({ text }) =>
          Effect.as(Effect.map(states, (all) => void seen.push(all)), text)
      })
      const knowing = {
        ...log,
        intend: (calls: ReadonlyArray<RunLog.Call>) =>
          Effect.suspend(() => {
            callIds.push(...calls.map(({ callId }) => callId))
            return log.intend(calls)
          })
      }
      yield* Run.result(service.run(id, { message: "Go", toolkit: kit, toolConcurrency: 1 })).pipe(
        Effect.provide(layer),
        Effect.provideService(RunLog.RunLog, knowing)
      )
      expect(seen).toEqual([["Started", "Intended"], ["Done", "Started"]])
    }).pipe(Effect.provide(threads([step(steps[0]!), "Fine."]))))

  it.effect("law 5: reconcile waits for the run that has the thread", () =>
    Effect.gen(function*() {
      const { layer, made } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const run = yield* Effect.fork(
        Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))
      )
      // Its first calls are made, and have no outputs yet.
      yield* simulator.advance("10 millis")
      expect(made.size).toBe(2)
      const reconciled = yield* Effect.fork(service.reconcile(id))
      yield* simulator.advance("1 milli")
      expect(reconciled.unsafePoll()).toBe(null)
      yield* simulator.advance("1 second")
      expect((yield* run).text).toBe("All noted.")
      expect(yield* reconciled).toEqual({ closed: [], removed: [] })
    }).pipe(Effect.provide(threads(script()))))

  it.effect("law 3: reconcile says what it did", () =>
    Effect.gen(function*() {
      const { layer } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const openai = yield* OpenAI.OpenAI
      const { id } = yield* service.create()
      yield* advancing(
        Stream.runDrain(Stream.takeUntil(service.run(id, { message: "Go" }), ({ _tag }) => _tag === "RunCompleted")),
        "200 millis"
      )
      // Half of a pair, as a process leaves it that dies while it deletes.
      const [before] = yield* simulator.threads
      const lone = before!.items.findIndex(({ type }) => type === "reasoning")
      const calls = before!.items.slice(lone + 1)
      yield* openai.conversations.deleteItem(id, Thread.ItemId.make(String(calls[0]!.id)))
      yield* openai.conversations.deleteItem(id, Thread.ItemId.make(String(calls[1]!.id)))
      yield* openai.conversations.createItems(id, [{ type: "message", role: "user", content: "Hm." }])
      const done = yield* service.reconcile(id)
      expect(done).toEqual({ closed: [], removed: [before!.items[lone]!.id] })
      expect(yield* service.reconcile(id)).toEqual({ closed: [], removed: [] })
      expect(yield* Run.text(service.run(id, { message: "And now?", toolkit })).pipe(Effect.provide(layer))).toBe(
        "Fine."
      )
    }).pipe(Effect.provide(threads(script()))))

  it.effect("law 3: what waits for a person is not closed by a run, unless it is told to", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const waiting = yield* Run.result(service.run(id, { message: "Go" }))
      expect(waiting.pending).toHaveLength(2)
      const busy = yield* Effect.flip(Run.result(service.run(id, { message: "And now?" })))
      expect(busy).toMatchObject({ _tag: "ThreadBusy", why: "requires_action", isRetryable: false })
      expect(yield* Run.text(service.run(id, { onPending: "close" }))).toBe("Fine.")
    }).pipe(Effect.provide(threads(script()))))

  it.effect("a call that was approved is made by whichever process is told so", () =>
    Effect.gen(function*() {
      const made: Array<string> = []
      const guarded = Toolkit.make(Note.annotate(Tools.NeedsApproval, true))
      const layer = guarded.toLayer({ note: ({ text }) => Effect.sync(() => (made.push(text), `noted ${text}`)) })
      const first = processOver(yield* OpenAI.OpenAI)
      const { id, pending } = yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        return { id, ...(yield* Run.result(service.run(id, { message: "Go", toolkit: guarded }))) }
      }).pipe(Effect.provide([first.layer, layer]))
      expect(made).toEqual([])
      const second = processOver(yield* OpenAI.OpenAI)
      const answers = pending.flatMap((one, index) =>
        one._tag === "PendingCall" ? [{ callId: one.call.callId, approve: index !== 1, reason: "not this one" }] : []
      )
      const submitted = yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const unknown = yield* Effect.flip(Run.result(
          service.submit(id, [{ callId: Thread.CallId.make("call_x"), approve: true }], { toolkit: guarded })
        ))
        expect(unknown).toMatchObject({ _tag: "InvalidInput", field: "answers" })
        return yield* collect(service.submit(id, answers, { toolkit: guarded }))
      }).pipe(Effect.provide([second.layer, layer]))
      expect(made).toEqual(["first a"])
      expect(submitted.filter(({ _tag }) => _tag === "ToolCallCompleted")).toHaveLength(1)
      expect(submitted.at(-1)).toMatchObject({ _tag: "RunCompleted", status: "requires_action" })
    }).pipe(Effect.provide(threads(script()))))
})
