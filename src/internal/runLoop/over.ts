/** The end of a run that has come to one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Pull from "../pull.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** The lock is given back before the reader hears of the end, so that its next write is not refused. */
export const over: (run: RunState, step: Outcome) => RunPull = Effect.fnUntraced(function*(run, step) {
  const { decode } = run.plan
  const result = { ...step, ...run.upTo(step) }
  const output = decode === undefined || step.status === "requires_action"
    ? undefined
    : yield* run.failing(decode(step))
  const last = {
    _tag: "RunCompleted" as const,
    ...run.projection.at(),
    ...result,
    ...(output === undefined ? {} : { output })
  }
  run.self.end = { _tag: last._tag, status: last.status, pending: last.pending }
  if (step.pending.some(({ _tag }) => _tag === "PendingApproval")) {
    run.services.active.asked.set(run.plan.threadId, true)
  }
  yield* Scope.close(run.busy, Exit.void)
  run.next = Pull.end
  return [last]
})
