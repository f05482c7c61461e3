/** What a run in the background says while it goes on: that it drives the run, and nobody else. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { ResumeError } from "../../RunError.ts"
import * as ActiveRuns from "../activeRuns.ts"
import type { RunState } from "./runState.ts"

/** How often a process says that it lives. */
const leaseRenewal = "10 seconds"

const lease = ({ plan: { log, owner, runId } }: RunState) => log.lease(runId, owner, ActiveRuns.leaseTime)

/** Says that this one drives the run, for as long as it does; fails where somebody else does. */
export const lead = (run: RunState): Effect.Effect<void, Option.Option<ResumeError>> => {
  const { busy, isBackground, plan: { log, owner, runId } } = run
  if (!isBackground) return Effect.void
  const renewing: Effect.Effect<void> = Effect.flatMap(
    Effect.delay(lease(run), leaseRenewal),
    (isMine) => isMine ? renewing : oust(run)
  )
  return stillLeads(run).pipe(
    Effect.zipRight(Scope.addFinalizer(busy, Effect.asVoid(log.lease(runId, owner, Duration.zero)))),
    Effect.zipRight(Effect.asVoid(Effect.forkIn(renewing, busy)))
  )
}

/** Asked before anything that nobody else may do too. */
export const stillLeads = (run: RunState): Effect.Effect<void, Option.Option<ResumeError>> =>
  run.isBackground
    ? Effect.flatMap(lease(run), (isMine) => isMine ? Effect.void : Effect.zipRight(oust(run), run.cancelled))
    : Effect.void

/** Somebody else took this one for dead, and drives the run: it goes on there. */
const oust = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => {
    run.isOusted = true
    run.self.end = run.cancellation
    // Nothing is cancelled, so nothing fails.
    return Effect.orDie(run.loop.stop(run))
  })
