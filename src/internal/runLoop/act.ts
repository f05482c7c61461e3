/** Does what the program can do of what the model asks for, as a part of the stage that takes its answer. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { NotResumable, type ResumeError, TooManySteps } from "../../RunError.ts"
import type { Pending } from "../../RunEvent.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { keyOf } from "../pending.ts"
import { noUsage } from "../projection.ts"
import * as ToolSteps from "../toolSteps.ts"
import { callAll } from "./callAll.ts"
import { stillLeads, takeThread } from "./lead.ts"
import { over } from "./over.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"

export const act: (
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome
) => RunPull = Effect.fnUntraced(function*(run, writer, tools, step) {
  const { owed, plan: { threadId }, projection } = run
  const isRejoined = !run.hasAsked
  // Whoever asks the model has the thread already.
  if (isRejoined) yield* run.failing(takeThread(run))
  const asked = isRejoined ? yield* unanswered(run, writer, step.pending) : step.pending
  // Until somebody hears that it waits, nobody else answers it.
  owed.owe(asked, ToolSteps.notCarriedOut("the run ended before"))
  yield* stillLeads(run)
  const { left, tasks } = yield* ToolSteps.share(tools, asked, isRejoined)
  run.before = run.upTo(step)
  if (tasks.length === 0) {
    owed.clear()
    return yield* over(run, { ...step, pending: left, usage: noUsage, messages: [] })
  }
  if (projection.steps >= tools.maxSteps) {
    owed.owe(asked, ToolSteps.notCarriedOut("the run has reached its last step"))
    return yield* run.fail(new TooManySteps({ threadId, maxSteps: tools.maxSteps }))
  }
  run.deadline = run.limit
  return yield* run.inTime(callAll(run, writer, tools, step, { tasks, left }))
})

/** Those that nobody has answered meanwhile. Where all are answered, somebody has gone on. */
export const unanswered = (
  run: RunState,
  writer: ThreadStore.Writer,
  pending: ReadonlyArray<Pending>
): Effect.Effect<ReadonlyArray<Pending>, Option.Option<ResumeError>> =>
  Effect.flatMap(run.failing(writer.pending), (open) => {
    const ids = new Set<string>(open.map(keyOf))
    const left = pending.filter((one) => ids.has(keyOf(one)))
    return left.length === 0
      ? run.fail(new NotResumable({ runId: run.plan.runId, why: "nextStep" }))
      : Effect.succeed(left)
  })
