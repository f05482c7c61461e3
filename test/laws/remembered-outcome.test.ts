import { expect, it } from "@effect/vitest"
import { Duration, Effect, Stream } from "effect"
import { RunLog, Thread } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { pass, passing } from "../support/time.ts"
import { over } from "./backgroundRun.ts"
import { handling, long, type Process, processes, reading, toolkit } from "./twoProcesses.ts"

/** A call that fails, and one that goes on. */
const script: Script.Script = [
  Script.always(({ context }) =>
    context.some(({ type }) => type === "function_call_output")
      ? "Done."
      : Script.turn([Script.functionCall("fail", { text: "a" }), Script.functionCall("note", { text: "b" })])
  )
]

const begun = (process: Process) =>
  Effect.gen(function*() {
    const { id } = yield* process.service.create()
    const { end, handlers } = yield* handling
    const run = process.service.run(id, { message: "Go", toolkit, background: true })
    const { cursor, reader } = yield* reading(process, Stream.provideSomeLayer(run, handlers))
    yield* pass(1000)
    return { id, cursor: yield* cursor, end, reader }
  })

const failure = { _tag: "ToolCallCompleted", name: "fail", output: "no a", isFailure: true }

it.effect("law 2: a call that has failed is told as that by whoever reads along, elsewhere", () =>
  Effect.scoped(Effect.gen(function*() {
    const { first, second } = yield* processes
    const { cursor, end, reader } = yield* begun(first)
    const along = yield* reading(second, second.service.resume(cursor))
    yield* pass(1000)
    yield* end
    yield* passing(reader, long)
    const { events } = yield* passing(along.reader, long)
    expect(events.filter(({ _tag }) => _tag === "ToolCallCompleted")).toMatchObject([failure, { isFailure: false }])
  })).pipe(over(script)))

it.effect("law 2: a call that has failed is told as that by whoever goes on with the run, or with its thread", () =>
  Effect.gen(function*() {
    for (const resumes of [true, false]) {
      yield* Effect.scoped(Effect.gen(function*() {
        const { first, second } = yield* processes
        const { cursor, id } = yield* begun(first)
        yield* first.kill
        yield* pass(31_000)
        const { handlers } = yield* handling
        const run = resumes
          ? second.service.resume(cursor, { toolkit })
          : second.service.run(id, { message: "And now?", toolkit })
        const { events } = yield* passing((yield* reading(second, Stream.provideSomeLayer(run, handlers))).reader, long)
        const made = events.filter(({ _tag }) => _tag === "ToolCallCompleted")
        expect(made, String(resumes)).toMatchObject([failure, { isFailure: true }])
      })).pipe(over(script))
    }
  }))

it.effect("the layer of a memory puts it in force", () =>
  Effect.gen(function*() {
    const call = {
      runId: Thread.RunId.make("run_1"),
      threadId: Thread.ThreadId.make("conv_1"),
      callId: Thread.CallId.make("call_1")
    }
    const log = yield* RunLog.RunLog
    yield* log.start(call)
    expect(yield* log.find(call.threadId, call.callId)).toMatchObject({ _tag: "Some", value: { _tag: "Started" } })
  }).pipe(Effect.provide(RunLog.layerMemory)))

it.effect("the memory of a process forgets what is oldest, and no lease that somebody has", () =>
  Effect.gen(function*() {
    const log = yield* RunLog.makeMemory
    const time = Duration.seconds(30)
    const runId = (number: number) => Thread.RunId.make(`run_${number}`)
    for (let number = 0; number <= 2000; number++) yield* log.cancel(runId(number))
    const cancelled = yield* Effect.filter([0, 1001, 2000].map(runId), log.isCancelled)
    expect(cancelled).toEqual([runId(1001), runId(2000)])
    for (let number = 0; number < 2000; number++) yield* log.lease(runId(number), "me", time)
    expect(yield* log.lease(runId(0), "you", time)).toBe(false)
    yield* pass(31_000)
    expect(yield* log.lease(runId(0), "you", time)).toBe(true)
  }).pipe(over([])))
