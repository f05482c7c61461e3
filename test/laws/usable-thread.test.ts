import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { OpenAI, Run, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { collect, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const isModelCall = ({ method, path }: Simulator.InjectionTarget) => method === "POST" && path === "/responses"

/** The thread in short: the text of a message, a call by its name, an output by what it says. */
const log = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    return (yield* collect(service.items(id))).map((item) =>
      item._tag === "Message"
        ? Thread.textOf(item)
        : item._tag === "FunctionCall"
        ? `${item.name}?`
        : item._tag === "FunctionCallOutput"
        ? String(item.output)
        : item._tag
    )
  })

const closed = expect.stringContaining("was cut off")

/** Runs until a call waits for its output. */
const called = Effect.gen(function*() {
  const service = yield* Threads.Threads
  const { id } = yield* service.create()
  const { pending: [pending] } = yield* Run.result(service.run(id, { message: "Time?" }))
  if (pending?._tag !== "PendingCall") throw new Error("no call is pending")
  return { id, service, submit: observe(service.submit(id, [{ callId: pending.call.callId, output: "noon" }])) }
})

describe("law 3: calls of an answer that was lost", () => {
  it.effect("law 3: a call that somebody was asked to answer stays open", () =>
    Effect.gen(function*() {
      const { id, service, submit } = yield* called
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.httpError({ status: 500 }), isModelCall)
      expect((yield* submit).error).toMatchObject({ _tag: "ServerError", accepted: "unknown" })
      yield* service.addMessage(id, "By the way")
      expect(yield* log(id)).toEqual(["Time?", "clock?", "By the way"])
      expect((yield* submit).error).toBeUndefined()
      expect(yield* log(id)).toEqual(["Time?", "clock?", "By the way", "noon", "It is noon."])
    }).pipe(Effect.provide(threads([Script.functionCall("clock", {}), "It is noon."]))))

  for (const kind of ["async", "not async"] as const) {
    it.effect(`law 3: a call that is ${kind} is ${kind === "async" ? "left as it is" : "closed"}`, () =>
      Effect.gen(function*() {
        const { conversations } = yield* OpenAI.OpenAI
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create({ messages: ["Hi"] })
        yield* simulator.inject(Script.httpError({ status: 500 }), isModelCall)
        expect((yield* observe(service.run(id))).error?._tag).toBe("ServerError")
        // What the server made of it all the same.
        const call = { type: "function_call", call_id: "call_1", name: "mail", arguments: "{}" } as const
        yield* conversations.createItems(id, [kind === "async" ? { ...call, async: true } : call])
        yield* service.addMessage(id, "Next")
        expect(yield* log(id)).toEqual(kind === "async" ? ["Hi", "mail?", "Next"] : ["Hi", "mail?", closed, "Next"])
      }).pipe(Effect.provide(threads([]))))
  }

  it.effect("law 3: a call that comes while the next run waits for the thread is closed before it", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const first = yield* advancing(observe(service.run(id, { message: "Hi" })), "14 seconds")
      expect(first.error?._tag).toBe("ConnectionLost")
      expect((yield* simulator.threads)[0]!.locked).toBe(true)
      const second = yield* advancing(observe(service.run(id, { message: "Next" })), "1 minute")
      expect(second.error).toBeUndefined()
      expect(second.tags).toContain("Retrying")
      expect(yield* log(id)).toEqual(["Hi", "Next", "search?", closed, "Fine"])
      expect((yield* observe(service.run(id))).error).toBeUndefined()
    }).pipe(Effect.provide(threads([
      Script.turn(Script.functionCall("search", { query: "x".repeat(60) }, { chunks: 12 }), {
        latency: "1 second",
        fault: Script.cut({ afterEvents: 3 }),
        afterDisconnect: "completed"
      }),
      "Fine",
      "Fine again"
    ]))))

  /** Its model goes on for two minutes after its reader was told of the end. */
  const long = Script.turn(Script.functionCall("search", { query: "x".repeat(60) }, { chunks: 12 }), {
    latency: "6 seconds",
    fault: Script.cut({ afterEvents: 1 }),
    afterDisconnect: "completed"
  })

  it.effect("law 3: a thread that stayed locked to the end is made whole before the run after it", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* advancing(observe(service.run(id, { message: "Hi" })), "17 seconds")
      const locked = yield* advancing(observe(service.run(id, { message: "Next" })), "1 minute")
      expect(locked.error).toMatchObject({ _tag: "ThreadBusy", why: "locked" })
      const simulator = yield* Simulator.Simulator
      yield* simulator.advance("1 minute")
      expect((yield* observe(service.run(id))).error).toBeUndefined()
      expect(yield* log(id)).toEqual(["Hi", "Next", "search?", closed, "Fine"])
    }).pipe(Effect.provide(threads([long, "Fine"]))))

  it.effect("law 3: a call that comes after the next message is closed before the next run", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* advancing(observe(service.run(id, { message: "Hi" })), "17 seconds")
      yield* service.addMessage(id, "Next")
      expect(yield* log(id)).toEqual(["Hi", "Next"])
      yield* simulator.advance("2 minutes")
      expect((yield* observe(service.run(id))).error).toBeUndefined()
      expect(yield* log(id)).toEqual(["Hi", "Next", "search?", closed, "Fine"])
    }).pipe(Effect.provide(threads([long, "Fine"]))))
})

describe("law 3: a complete answer without output whose end was not heard", () => {
  for (const afterDisconnect of ["completed", "unappended"] as const) {
    it.effect(`law 3: the outputs that were sent with it are in the thread once (${afterDisconnect})`, () =>
      Effect.gen(function*() {
        const { id, service, submit } = yield* called
        const seen = yield* advancing(submit, "15 seconds")
        expect(seen.error).toBeUndefined()
        expect(seen.tags.at(-1)).toBe("RunCompleted")
        expect(yield* log(id)).toEqual(["Time?", "clock?", "noon"])
        expect((yield* observe(service.run(id))).error).toBeUndefined()
      }).pipe(Effect.provide(threads([
        Script.functionCall("clock", {}),
        Script.turn([], { fault: Script.cut({ afterEvents: 2 }), afterDisconnect }),
        "It is noon."
      ]))))
  }
})

describe("law 3: an answer that is incomplete", () => {
  it.effect("law 3: what could not be tidied up is told by nobody, and done before the next run", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.httpError({ status: 500 }), ({ method }) => method === "DELETE")
      const seen = yield* advancing(observe(service.run(id, { message: "Hi" })), "1 minute")
      expect(seen.error).toMatchObject({ _tag: "RunIncomplete", reason: "max_output_tokens", partial: "Half of it" })
      expect(yield* log(id)).toEqual(["Hi", "Half of it", "Reasoning"])
      expect((yield* observe(service.run(id))).error).toBeUndefined()
      expect(yield* log(id)).toEqual(["Hi", "Half of it", "Fine"])
    }).pipe(Effect.provide(threads([
      Script.turn([Script.text("Half of it"), Script.reasoning("Hm."), Script.incomplete("max_output_tokens")]),
      "Fine"
    ]))))
})

it.effect("law 3: what is remembered of threads whose answer was lost is bounded", () =>
  Effect.gen(function*() {
    const { conversations } = yield* OpenAI.OpenAI
    const store = yield* ThreadStore.ThreadStore
    const simulator = yield* Simulator.Simulator
    const asks = (id: Thread.ThreadId) =>
      Effect.scoped(Effect.gen(function*() {
        const { ready } = yield* store.open(id)
        return yield* (yield* ready).turn([])
      }))
    const first = Thread.ThreadId.make((yield* conversations.create()).id)
    const last = (yield* store.create({})).id
    yield* asks(first)
    for (let i = 0; i < 2_000; i++) yield* asks(Thread.ThreadId.make(`conv_${i}`))
    yield* asks(last)
    const requests = (yield* simulator.requests).length
    // It would be looked at again if it were remembered, as the other is.
    yield* store.append(first, [{ role: "user", content: "Hi" }])
    yield* asks(first)
    yield* asks(last)
    const later = (yield* simulator.requests).slice(requests)
    expect(later.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /conversations/${first}/items`,
      `GET /conversations/${last}/items`
    ])
  }).pipe(Effect.provide(threads([]))))
