/** Several processes over one simulated OpenAI, which share a log and nothing else. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Deferred, Duration, Effect, Schema, Stream } from "effect"
import { Cursor, OpenAI, OpenAIError, type RunEvent, RunLog, type Thread, Threads, Tools } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { collect, observe } from "../support/observe.ts"
import { pass } from "../support/time.ts"
import { elsewhere } from "./backgroundRun.ts"

/** Longer than any run here, and than the time of a lease. */
export const long = 60_000

const parameters = { text: Schema.String }
export const toolkit = Toolkit.make(
  Tool.make("note", { parameters, success: Schema.String }),
  Tool.make("pay", { parameters, success: Schema.String }).annotate(Tools.NeedsApproval, true),
  Tool.make("fail", { parameters, success: Schema.String, failure: Schema.String, failureMode: "return" })
)

/** Calls of a tool by the texts that they are given, and an answer once there is an output. */
export const calling = (name: "note" | "pay" | "fail", ...texts: ReadonlyArray<string>): Script.Script => [
  Script.always(({ context }) =>
    context.some(({ type }) => type === "function_call_output")
      ? "Done."
      : Script.turn(texts.map((text) => Script.functionCall(name, { text })))
  )
]

/** Counts how often each call was made. Those of "b…" go on until `end`. */
export const handling = Effect.map(Deferred.make<void>(), (gate) => {
  const made: Array<string> = []
  const make = ({ text }: { readonly text: string }) =>
    Effect.suspend(() => {
      made.push(text)
      return Effect.as(text.startsWith("b") ? Deferred.await(gate) : Effect.void, `noted ${text}`)
    })
  const handlers = toolkit.toLayer({ note: make, pay: make, fail: ({ text }) => Effect.fail(`no ${text}`) })
  return { made, handlers, end: Deferred.succeed(gate, undefined) }
})

/** A process. One that is killed says nothing any more, neither to the log nor to OpenAI. */
export const processOf = (log: RunLog.Service) =>
  Effect.gen(function*() {
    let isAlive = true
    const alive = <A, E>(effect: Effect.Effect<A, E>, dead: Effect.Effect<A, E>) =>
      Effect.suspend(() => isAlive ? effect : dead)
    const dead = new OpenAIError.PermissionDenied({ code: "dead" })
    const mortal: RunLog.Service = {
      intend: (calls) => alive(log.intend(calls), Effect.void),
      start: (call) => alive(log.start(call), Effect.void),
      finish: (call, outcome) => alive(log.finish(call, outcome), Effect.void),
      step: (step) => alive(log.step(step), Effect.void),
      cancel: (runId) => alive(log.cancel(runId), Effect.void),
      lease: (key, owner, time) => alive(log.lease(key, owner, time), Effect.succeed(true)),
      isCancelled: (runId) => alive(log.isCancelled(runId), Effect.succeed(false)),
      steps: log.steps,
      find: log.find
    }
    const { service } = yield* Effect.updateService(
      elsewhere,
      OpenAI.OpenAI,
      ({ conversations, responses, ...openai }) => ({
        ...openai,
        conversations: {
          ...conversations,
          createItems: (id, items) => alive(conversations.createItems(id, items), Effect.fail(dead))
        },
        responses: {
          ...responses,
          cancel: (id) => alive(responses.cancel(id), Effect.fail(dead)),
          stream: (params) => isAlive ? responses.stream(params) : Stream.fail(dead)
        }
      })
    )
    const kill = Effect.sync(() => {
      isAlive = false
    })
    return {
      service,
      kill,
      in: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, RunLog.RunLog, mortal)
    }
  })

export type Process = Effect.Effect.Success<ReturnType<typeof processOf>>

/** Several processes with one log. */
export const processes = Effect.gen(function*() {
  const log = yield* RunLog.makeMemory
  return { log, first: yield* processOf(log), second: yield* processOf(log), third: yield* processOf(log) }
})

/** Whether nobody has the lease of a run or a thread. */
export const isFree = (log: RunLog.Service, key: Thread.RunId | Thread.ThreadId) =>
  log.lease(key, "nobody", Duration.zero)

/** Reads a run in a fiber, and keeps what it tells. */
export const reading = <E, R>(process: Process, run: Stream.Stream<RunEvent.RunEvent, E, R>) =>
  Effect.gen(function*() {
    const events: Array<RunEvent.RunEvent> = []
    const reader = yield* Effect.fork(
      process.in(observe(Stream.tap(run, (event) => Effect.sync(() => events.push(event)))))
    )
    return { events, reader, cursor: Effect.sync(() => Cursor.fromEvent(events.at(-1)!)) }
  })

/** A run that is in its tools. */
export const inTools = (process: Process, options: Pick<Threads.RunOptions, "background" | "toolConcurrency"> = {}) =>
  Effect.gen(function*() {
    const { id } = yield* process.service.create()
    const { end, handlers, made } = yield* handling
    const run = process.service.run(id, { message: "Go", toolkit, ...options })
    const { cursor, reader } = yield* reading(process, Stream.provideSomeLayer(run, handlers))
    yield* pass(2000)
    return { id, cursor: yield* cursor, reader, made, end }
  })

/** A thread whose calls wait for an approval, and the answers that give it. */
export const waiting = (process: Process) =>
  Effect.gen(function*() {
    const { id } = yield* process.service.create()
    const { handlers } = yield* handling
    yield* process.in(Effect.provide(Stream.runDrain(process.service.run(id, { message: "Go", toolkit })), handlers))
    const pending = yield* process.service.pending(id)
    return {
      id,
      answers: pending.flatMap((one) => one._tag === "PendingCall" ? [{ callId: one.call.callId, approve: true }] : [])
    }
  })

export const outputsOf = ({ service }: Process, id: Thread.ThreadId) =>
  Effect.map(
    collect(service.items(id)),
    (items) => items.flatMap((item) => item._tag === "FunctionCallOutput" ? [String(item.output)] : [])
  )
