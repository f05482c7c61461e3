/** Steps that are longer than a page of the thread. */
import { expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { OpenAI, type Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { collect } from "../support/observe.ts"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"
import { calling, handling, inTools, long, processes, toolkit } from "./twoProcesses.ts"

const texts = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

/** A thread in which so many calls wait. */
const wait = Effect.gen(function*() {
  const service = yield* Threads.Threads
  const { id } = yield* service.create({ messages: ["One", "Two"] })
  yield* passing(Stream.runDrain(service.run(id, { message: "Go" })), long)
  return { service, id }
})

const callIds = (service: Threads.Service, id: Thread.ThreadId) =>
  Effect.map(
    passing(service.pending(id), long),
    (pending) => pending.flatMap((one) => one._tag === "PendingCall" ? [one.call.callId] : [])
  )

const readings = (id: Thread.ThreadId) =>
  Effect.map(
    Effect.flatMap(Simulator.Simulator, ({ requests }) => requests),
    (all) => all.filter(({ method, path }) => method === "GET" && path === `/conversations/${id}/items`).length
  )

it.effect("law 3: what waits is told and answered, however many there are", () =>
  Effect.gen(function*() {
    const { id, service } = yield* wait
    const ids = yield* callIds(service, id)
    expect(ids).toHaveLength(250)
    expect(yield* readings(id)).toBe(3)
    const answers = ids.map((callId) => ({ callId, output: "noted" }))
    yield* passing(Stream.runDrain(service.submit(id, answers)), long)
    expect(yield* callIds(service, id)).toEqual([])
  }).pipe(over(calling("note", ...texts(250)))))

it.effect("law 3: what waits is found behind answers that were given, and messages", () =>
  Effect.gen(function*() {
    const { id, service } = yield* wait
    const store = yield* ThreadStore.ThreadStore
    const ids = yield* callIds(service, id)
    yield* passing(
      store.append(id, ids.slice(0, 85).map((call_id) => ({ type: "function_call_output", call_id, output: "noted" }))),
      long
    )
    for (const text of texts(30)) yield* passing(service.addMessage(id, text), long)
    expect(yield* callIds(service, id)).toEqual(ids.slice(85))
    const { closed } = yield* passing(service.reconcile(id), long)
    expect(closed).toEqual(ids.slice(85))
    expect(yield* callIds(service, id)).toEqual([])
    // An output that is the first of what was read is not taken for one of no call.
    expect((yield* passing(service.reconcile(id), long)).removed).toEqual([])
  }).pipe(over(calling("note", ...texts(90)))))

it.effect("law 3: a run closes them, too", () =>
  Effect.gen(function*() {
    const { id, service } = yield* wait
    yield* passing(Stream.runDrain(service.run(id, { message: "And now?", onPending: "close" })), long)
    const outputs = (yield* collect(service.items(id))).filter(({ _tag }) => _tag === "FunctionCallOutput")
    expect(outputs).toHaveLength(130)
  }).pipe(over(calling("note", ...texts(130)))))

it.effect("law 13: no more is read than the last answer takes, and a thousand items at most", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const openai = yield* OpenAI.OpenAI
    for (const [answered, expected] of [[true, 2], [false, 10]] as const) {
      const { id } = yield* service.create()
      if (answered) yield* passing(Stream.runDrain(service.run(id, { message: "Go" })), long)
      const page = texts(20).map((content) => ({ type: "message", role: "user", content }) as const)
      for (const _ of texts(answered ? 6 : 60)) yield* passing(openai.conversations.createItems(id, page), long)
      yield* passing(service.pending(id), long)
      expect(yield* readings(id)).toBe(expected)
    }
  }).pipe(over([Script.always("Hi.")])))

it.effect("law 3: another process knows how far a run of many calls is", () =>
  Effect.scoped(Effect.gen(function*() {
    const { first, second } = yield* processes
    const { cursor } = yield* inTools(first, { toolConcurrency: 200 })
    expect(yield* passing(second.in(second.service.cancel(cursor)), 2000)).toBe("cancelled")
    // Without a log, too.
    expect(yield* passing(second.service.status(cursor), 1000)).toBe("cancelled")
    const { handlers } = yield* handling
    const error = yield* passing(
      Effect.provide(Effect.flip(second.service.wait(cursor, { toolkit })), handlers),
      1000
    )
    expect(error).toMatchObject({ _tag: "NotResumable", why: "nextStep" })
    yield* pass(1)
  })).pipe(over(calling("note", "b", ...texts(120)))))
