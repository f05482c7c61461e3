/** Makes several calls at once, tells of each as it is done, and asks the model again once all of them are. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { ToolFailed } from "../../RunError.ts"
import type { Pending, RunEvent } from "../../RunEvent.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { Inbox } from "../inbox.ts"
import { noUsage } from "../projection.ts"
import type * as ToolSteps from "../toolSteps.ts"
import { ask } from "./ask.ts"
import { stillLeads } from "./lead.ts"
import { over } from "./over.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"

/** The calls of one step. */
interface Work {
  readonly done: Inbox<ToolSteps.Done | undefined>
  /** What the program cannot answer itself. */
  readonly left: ReadonlyArray<Pending>
  /** How many are not done yet. */
  size: number
  failure: RunPull | undefined
}

export const callAll = Effect.fnUntraced(function*(
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome,
  { left, tasks }: Pick<Work, "left"> & { readonly tasks: ReadonlyArray<Effect.Effect<ToolSteps.Done>> }
) {
  if (run.isStopped) return yield* run.cancelled
  const done = run.calling = new Inbox<ToolSteps.Done | undefined>()
  const calls = tasks.map((task) => Effect.map(task, (one) => done.put(one)))
  // One call alone needs no fibers besides.
  const [alone] = calls
  const making = alone !== undefined && calls.length === 1
    ? alone
    : Effect.all(calls, { concurrency: tools.concurrency, discard: true })
  yield* run.inSpan(Effect.forkIn(making, run.busy))
  return yield* (run.next = tell(run, writer, tools, step, {
    done,
    left,
    size: tasks.length,
    failure: undefined
  }))
})

/** Tells of each call as it is done. */
const tell = (
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome,
  work: Work
): RunPull => {
  const again: RunPull = Effect.flatMap(work.done.take, (all) => {
    const events: Array<RunEvent> = []
    for (const one of all) {
      // The run is to end.
      if (one === undefined) return run.cancelled
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
    if (work.size === 0) run.calling = undefined
    run.next = work.size > 0 ? again : goOn(run, writer, step, work)
    return events.length > 0 ? Effect.succeed(events) : run.next
  })
  return again
}

/** What the run ends with once all outputs are written, if a call ends it. */
const failureOf = (run: RunState, tools: ToolSteps.Tools, done: ToolSteps.Done): RunPull | undefined => {
  if ("call" in done && done.outcome.failure !== undefined) {
    const { call: { callId, name }, outcome: { failure: { error } } } = done
    return run.fail(new ToolFailed({ threadId: run.plan.threadId, name, callId, failure: error }))
  }
  const { outcome } = done
  return outcome.cause !== undefined && tools.onDefect === "fail"
    ? Effect.die(Cause.squash(outcome.cause))
    : undefined
}

/** Everything that could be done is done. */
const goOn = Effect.fnUntraced(function*(run: RunState, writer: ThreadStore.Writer, step: Outcome, work: Work) {
  const { owed, plan } = run
  yield* stillLeads(run)
  // Those hear of it who can answer. A run that fails does not tell them.
  if (work.failure === undefined) owed.leave(work.left)
  const { items } = owed
  if (work.failure !== undefined || work.left.length > 0) {
    // Its outputs are in the thread before anybody hears of it.
    yield* run.failing(run.inSpan(writer.answer(items)))
    owed.clear()
    return yield* work.failure ?? over(run, { ...step, pending: work.left, usage: noUsage, messages: [] })
  }
  const { tool_choice: choice, ...params } = plan.params
  // A choice that was forced would force a call in every step. Source: openai-agents-python#263.
  return yield* (run.next = ask(run, writer, items, choice === "none" ? plan.params : params))
}, (stage, run): RunPull => run.once(stage))
