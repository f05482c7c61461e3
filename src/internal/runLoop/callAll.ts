/** Makes calls, several at once, tells of each as it is done, and asks the model again once all of them are. */
import * as Effect from "effect/Effect"
import { ToolFailed } from "../../RunError.ts"
import type { Pending, RunEvent } from "../../RunEvent.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { defectOf } from "../defectOf.ts"
import { Inbox } from "../inbox.ts"
import { noUsage } from "../projection.ts"
import type * as ToolSteps from "../toolSteps.ts"
import { ask } from "./ask.ts"
import { stillLeads } from "./lead.ts"
import { over } from "./over.ts"
import { pay } from "./pay.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"

/** What is done in one step. */
interface Work {
  /** What the program cannot answer itself. */
  readonly left: ReadonlyArray<Pending>
  /** How much of it is not done yet. */
  size: number
  failure: RunPull | undefined
}

export const callAll = Effect.fnUntraced(function*(
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome,
  { left, tasks }: ToolSteps.Share
) {
  if (run.isStopped) return yield* run.cancelled
  const work: Work = { left, size: tasks.length, failure: undefined }
  const tell = (done: ReadonlyArray<ToolSteps.Done>) => telling(run, writer, tools, step, work, done)
  const [alone] = tasks
  // A call that only its handler can hold up, which is given up where the run is to end, needs no fibers besides, unless its
  // reader may stop waiting for it and come back.
  if (alone !== undefined && tasks.length === 1 && !alone.asksFirst && !run.isRemembered && run.isDrained) {
    return yield* tell([yield* run.failing(run.unlessStopped(alone.done))])
  }
  const inbox = new Inbox<ToolSteps.Done>()
  const forget = tools.line.add(() => inbox.end())
  const making = Effect.all(
    tasks.map(({ done }) => Effect.map(done, (one) => inbox.put(one))),
    { concurrency: tools.concurrency, discard: true }
  )
  yield* Effect.forkIn(making, run.busy)
  const waiting: RunPull = Effect.flatMap(inbox.take, (done) => {
    if (run.isStopped) return run.cancelled
    const told = tell(done)
    if (work.size === 0) forget()
    return told
  })
  return yield* (run.next = waiting)
})

/** Tells of what is done, and asks the model again once all of it is. */
const telling = (
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome,
  work: Work,
  done: ReadonlyArray<ToolSteps.Done>
): RunPull => {
  const events: Array<RunEvent> = []
  for (const one of done) {
    work.size--
    work.failure ??= failureOf(run, tools, one)
    if (!("call" in one)) {
      run.owed.put(one.item)
      continue
    }
    const { call: { callId }, outcome } = one
    run.owed.set(callId, outcome.output)
    run.self.outputs.set(callId, one)
    events.push(toolCallCompleted(run.projection, one))
  }
  if (work.size === 0) run.next = goOn(run, writer, step, work)
  return events.length > 0 ? Effect.succeed(events) : run.next
}

/** What the run ends with once all outputs are written, if a call ends it. */
const failureOf = (run: RunState, tools: ToolSteps.Tools, done: ToolSteps.Done): RunPull | undefined => {
  if ("call" in done && done.outcome.failure !== undefined) {
    const { call: { callId, name }, outcome: { failure: { error } } } = done
    return run.fail(new ToolFailed({ threadId: run.plan.threadId, name, callId, failure: error }))
  }
  const { outcome } = done
  return outcome.cause !== undefined && tools.onDefect === "fail"
    ? Effect.die(defectOf(outcome.cause))
    : undefined
}

/** Everything that could be done is done. */
const goOn = (run: RunState, writer: ThreadStore.Writer, step: Outcome, work: Work): RunPull => {
  if (work.failure !== undefined || work.left.length > 0) return run.once(endWith(run, writer, step, work))
  const { owed, plan } = run
  const { tool_choice: choice, ...params } = plan.params
  // A choice that was forced would force a call in every step. Source: openai-agents-python#263.
  const asking = ask(run, writer, owed.items, choice === "none" ? plan.params : params)
  return run.isRemembered ? run.once(Effect.zipRight(stillLeads(run), asking)) : asking
}

/** The outputs are in the thread before anybody hears of the end. */
const endWith = Effect.fnUntraced(function*(run: RunState, writer: ThreadStore.Writer, step: Outcome, work: Work) {
  const { owed } = run
  yield* stillLeads(run)
  // Those hear of it who can answer. A run that fails does not tell them.
  if (work.failure === undefined) owed.leave(work.left)
  yield* run.failing(pay(run, writer, owed.items))
  return yield* work.failure ?? over(run, { ...step, pending: work.left, usage: noUsage, messages: [] })
})
