/** Does what the program can do of what the model asks for. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { NotResumable, type ResumeError, TooManySteps } from "../../RunError.ts"
import type { Pending } from "../../RunEvent.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { noUsage } from "../projection.ts"
import * as ToolSteps from "../toolSteps.ts"
import { callAll } from "./callAll.ts"
import { stillLeads } from "./lead.ts"
import { over } from "./over.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"

export const act = (
  run: RunState,
  writer: ThreadStore.Writer,
  tools: ToolSteps.Tools,
  step: Outcome
): RunPull =>
  run.once(Effect.gen(function*() {
    const { owed, plan: { threadId }, projection } = run
    const isRejoined = !run.hasAsked
    const asked = isRejoined ? yield* unanswered(run, writer, step.pending) : step.pending
    const { calls, left, tasks } = yield* ToolSteps.share(tools, asked, isRejoined ? ToolSteps.resume : ToolSteps.make)
    yield* stillLeads(run)
    if (!isRejoined) yield* ToolSteps.intend(tools, calls)
    owed.owe(calls, ToolSteps.notCarriedOut("the run ended before"))
    run.before = run.upTo(step)
    if (tasks.length === 0) return yield* over(run, { ...step, pending: left, usage: noUsage, messages: [] })
    if (projection.steps >= tools.maxSteps) {
      owed.owe(calls, ToolSteps.notCarriedOut("the run has reached its last step"))
      return yield* run.fail(new TooManySteps({ threadId, maxSteps: tools.maxSteps }))
    }
    run.deadline = run.limit
    return yield* callAll(run, writer, tools, step, { tasks, left, items: [] })
  }))

/** Those that nobody has answered meanwhile. Where all are answered, somebody has gone on. */
export const unanswered = (
  run: RunState,
  writer: ThreadStore.Writer,
  pending: ReadonlyArray<Pending>
): Effect.Effect<ReadonlyArray<Pending>, Option.Option<ResumeError>> =>
  Effect.flatMap(run.failing(run.inSpan(writer.openCalls)), (open) => {
    const ids = new Set(open.map(({ callId }) => callId))
    const left = pending.filter((one) => one._tag === "PendingApproval" || ids.has(one.call.callId))
    return left.length === 0
      ? run.fail(new NotResumable({ runId: run.plan.runId, why: "nextStep" }))
      : Effect.succeed(left)
  })
