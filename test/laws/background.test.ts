import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Schema, Scope, Stream } from "effect"
import { Cursor, Run, RunEvent, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { badEnd, collect, observe } from "../support/observe.ts"
import { inOwnTime, pass, passing } from "../support/time.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
const toolkit = Toolkit.make(Note)

/** Counts how often each call was made. */
const counting = () => {
  const made: Array<string> = []
  const handlers = toolkit.toLayer({
    note: ({ text }) => Effect.delay(Effect.sync(() => `noted ${made.push(text) && text}`), "20 millis")
  })
  return { made, handlers }
}

const latency = "10 millis"

/** Two steps with tools and an answer; what is next is told by what is there. */
const script: Script.Script = [
  Script.always(({ context }) => {
    if (JSON.stringify(context).includes("And now?")) return "Fine."
    const step = context.filter(({ type }) => type === "function_call_output").length / 2
    return step < 2
      ? Script.turn([
        Script.reasoning("Let me see what there is."),
        Script.text(`Step ${step} is to note two things.`),
        Script.functionCall("note", { text: `${step}a` }),
        Script.functionCall("note", { text: `${step}b` })
      ], { latency })
      : Script.turn([Script.reasoning("That was all."), Script.text("All is noted, and nothing is missing.")], {
        latency
      })
  })
]

/** What a run has told, whatever the pieces it came in. */
const told = (events: ReadonlyArray<RunEvent.RunEvent>) => {
  const texts = new Map<string, string>()
  const reasoning = new Map<string, string>()
  for (const event of events) {
    if (event._tag === "TextDelta") texts.set(event.itemId, (texts.get(event.itemId) ?? "") + event.delta)
    if (event._tag === "ReasoningDelta") {
      reasoning.set(event.itemId, (reasoning.get(event.itemId) ?? "") + event.delta)
    }
  }
  const of = <T extends RunEvent.Tag>(tag: T) => events.filter((event): event is RunEvent.Of<T> => event._tag === tag)
  return {
    texts: [...texts.values()],
    reasoning: [...reasoning.values()],
    whole: of("TextCompleted").map(({ text }) => text),
    messages: of("MessageCompleted").map(({ message }) => Thread.textOf(message)),
    calls: of("ToolCallRequested").map(({ call }) => call.arguments),
    outputs: of("ToolCallCompleted").map(({ output }) => output).sort(),
    usage: of("StepCompleted").map(({ usage }) => usage),
    end: of("RunCompleted").map(({ messages, status, text, usage }) => ({
      status,
      text,
      usage,
      messages: messages.map(Thread.textOf)
    }))
  }
}

/** Another process: nothing is shared but OpenAI. */
const elsewhere = Effect.gen(function*() {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const layer = Threads.layer.pipe(Layer.provide(ThreadStore.layerConversations))
  const context = yield* Layer.buildWithScope(Layer.fresh(layer), scope)
  return { service: yield* Effect.provide(Threads.Threads, context), die: Scope.close(scope, Exit.void) }
})

/** Over a simulated OpenAI, in a time of its own. */
const over = (...options: Parameters<typeof threads>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(threads(...options)), inOwnTime(1))

/** What a run says that nothing disturbs. */
const whole = Effect.gen(function*() {
  const { handlers } = counting()
  const service = yield* Threads.Threads
  const { id } = yield* service.create()
  const run = collect(service.run(id, { message: "Go", toolkit, background: true })).pipe(Effect.provide(handlers))
  return yield* passing(run, 10_000)
}).pipe(over(script))

describe("background", () => {
  it.effect("a run says what it would in the foreground", () =>
    Effect.gen(function*() {
      const { handlers } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const foreground = collect(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(handlers))
      expect(told(yield* whole)).toEqual(told(yield* passing(foreground, 10_000)))
      expect((yield* simulator.requests).map(({ path }) => path).filter((path) => path === "/responses")).toHaveLength(
        3
      )
    }).pipe(over(script)))

  it.effect("law 12: a store without it says so before any request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const unsupported = { _tag: "Unsupported", capability: "background" }
      expect(yield* Effect.flip(collect(service.run(id, { message: "Hi", background: true })))).toMatchObject(
        unsupported
      )
      expect(yield* Effect.flip(service.start(id, { message: "Hi" }))).toMatchObject(unsupported)
      expect(yield* (yield* Simulator.Simulator).requests).toEqual([])
      expect(yield* collect(service.items(id))).toEqual([])
    }).pipe(over([], { store: "memory" })))

  it.effect("law 2: a connection that breaks is replaced, and nothing is lost or told twice", () =>
    Effect.gen(function*() {
      const { handlers, made } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 9 }), ({ path }) => path === "/responses")
      yield* simulator.inject(
        Script.reset({ afterEvents: 3 }),
        ({ method, path }) => method === "GET" && path.startsWith("/responses/")
      )
      const seen = yield* passing(
        observe(service.run(id, { message: "Go", toolkit, background: true })).pipe(Effect.provide(handlers)),
        20_000
      )
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.tags.filter((tag) => tag === "Reconnected")).toHaveLength(2)
      expect(told(seen.events)).toEqual(told(yield* whole))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
    }).pipe(over(script)))

  it.effect("past the window the answer is waited for", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      yield* simulator.inject(
        Script.httpError({ status: 400, message: "This response can no longer be streamed because it is old." }),
        ({ method }) => method === "GET"
      )
      const seen = yield* passing(observe(service.run(id, { message: "Hi", background: true })), 20_000)
      expect(badEnd(seen)).toBeUndefined()
      expect(told(seen.events)).toMatchObject({ texts: ["one two three four five"], end: [{ status: "completed" }] })
    }).pipe(over([Script.turn("one two three four five", { latency: "1 second" })])))

  it.effect("a run that cannot be heard on fails with what there was, and can be resumed", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.cut({ afterEvents: 6 }), ({ path }) => path === "/responses")
      for (let index = 0; index < 6; index++) yield* simulator.inject(Script.refuse, ({ method }) => method === "GET")
      const seen = yield* passing(observe(service.run(id, { message: "Hi", background: true })), 300_000)
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", partial: "one" })
      const rest = yield* collect(service.resume(Cursor.fromEvent(seen.events.at(-1)!)))
      expect(told([...seen.events, ...rest])).toMatchObject({
        texts: ["one two three"],
        end: [{ text: "one two three" }]
      })
    }).pipe(over([Script.turn("one two three", { latency: "1 second" })])))
})

describe("start and resume", () => {
  it.effect("start gives the cursor while the run goes on, and resume reads along", () =>
    Effect.gen(function*() {
      const { handlers, made } = counting()
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const cursor = yield* passing(
        Effect.provide(service.start(id, { message: "Go", toolkit }), handlers),
        100
      )
      expect(cursor).toMatchObject({ threadId: id, step: 0 })
      expect(yield* service.status(cursor)).toBe("in_progress")
      const [first, second] = yield* passing(
        Effect.all([collect(service.resume(cursor)), collect(service.resume(cursor))], { concurrency: 2 }),
        20_000
      )
      expect(told(first)).toEqual(told(yield* whole))
      expect(told(second)).toEqual(told(first))
      expect(made.sort()).toEqual(["0a", "0b", "1a", "1b"])
      expect(yield* service.status(cursor)).toBe("requires_action")
      yield* pass(1000)
      expect(yield* passing(Run.text(service.run(id, { message: "And now?" })), 1000)).toBe("Fine.")
    }).pipe(over(script)))

  /** What a reader sees who is killed with its process behind one event, and the one who goes on elsewhere. */
  const killedAfter = (at: number) =>
    Effect.scoped(Effect.gen(function*() {
      const first = yield* elsewhere
      const { id } = yield* first.service.create()
      const run = first.service.run(id, { message: "Go", toolkit, background: true, onStop: "detach" })
      const before = yield* passing(
        Stream.runCollect(Stream.take(run, at + 1)).pipe(
          Effect.zipLeft(first.die),
          Effect.provide(counting().handlers)
        ),
        2000
      )
      const seen = [...before]
      const cursor = yield* Cursor.decode(Cursor.encode(Cursor.fromEvent(seen.at(-1)!)))
      const { service } = yield* elsewhere
      const rest = yield* passing(
        Effect.provide(collect(service.resume(cursor, { toolkit })), counting().handlers),
        20_000
      )
      expect(rest[0]?.sequence).toBe(at + 1)
      return [...seen, ...rest]
    })).pipe(over(script))

  it.effect("law 2: from any event another process goes on", () =>
    Effect.gen(function*() {
      const undisturbed = yield* whole
      for (const at of undisturbed.keys()) {
        if (at === 0 || at === undisturbed.length - 1) continue
        expect(told(yield* killedAfter(at)), `${at}, ${undisturbed[at]?._tag}`).toEqual(told(undisturbed))
      }
    }), 60_000)
})
