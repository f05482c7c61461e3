/** The answer of a step is there: takes it into the thread, and goes on where it asks for more. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import { NotResumable } from "../../RunError.ts"
import * as ActiveRuns from "../activeRuns.ts"
import { outcome } from "../projection.ts"
import * as ToolSteps from "../toolSteps.ts"
import { act, unanswered } from "./act.ts"
import { follow, goOnWith } from "./follow.ts"
import { payOff } from "./leave.ts"
import { over } from "./over.ts"
import type { Outcome, RunPull, Turn } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** Somebody wants the run to end, whose answer is in the thread by now: nobody does what it asks for. */
const giveUp = (run: RunState, { writer }: Turn, { pending }: Outcome): RunPull =>
  Effect.suspend(() => {
    run.self.end = run.cancellation
    run.owed.owe(pending, ToolSteps.notCarriedOut("the run ended before"))
    return Effect.zipRight(payOff(run, writer), run.cancelled)
  })

export const complete = Effect.fnUntraced(function*(run: RunState, turn: Turn, response: Response) {
  if (response.status === "cancelled") return yield* run.cancelled
  yield* run.failing(turn.commit(response))
  run.isOver = true
  run.owed.clear()
  // Its span and its timer end here rather than with the tools.
  yield* run.hangUp()
  const step: Outcome = outcome(response)
  if (run.isStopped) return yield* giveUp(run, turn, step)
  if (step.pending.length === 0) return yield* over(run, step)
  const { from, plan: { log, runId }, tools } = run
  if (from?.leader !== undefined) return yield* follow(run, from.leader, turn, response, step)
  if (!run.hasAsked && from !== undefined) {
    // Whoever drove the run before may have gone on.
    const following = yield* ActiveRuns.stepAfter(run.services.active, log, runId, run.projection.responseId!)
    if (following !== undefined) return yield* goOnWith(run, following, turn, step, from.outputOf)
    if (from.isSettled) {
      return yield* (yield* log.isCancelled(runId))
        ? run.cancelled
        : run.fail(new NotResumable({ runId, why: "nextStep" }))
    }
    if (tools === undefined) {
      return yield* over(run, { ...step, pending: yield* unanswered(run, turn.writer, step.pending) })
    }
  }
  return yield* tools === undefined ? over(run, step) : act(run, turn.writer, tools, step)
}, (stage, run): RunPull => run.once(stage))
