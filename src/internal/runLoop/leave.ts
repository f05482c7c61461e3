/** What a run says and owes while it is at a thread: that it drives the run, and what is done when it leaves. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as ActiveRuns from "../activeRuns.ts"
import type { RunState } from "./runState.ts"
import { bounded, cancel } from "./stop.ts"

/** How often a process says that it lives. */
const leaseRenewal = "10 seconds"

/** Says that this one drives the run, for as long as it does. */
export const lead = ({ busy, isBackground, plan: { log, owner, runId } }: RunState): Effect.Effect<void> =>
  isBackground
    ? Effect.zipRight(
      log.lease(runId, owner, ActiveRuns.leaseTime),
      Effect.zipRight(
        Scope.addFinalizer(busy, Effect.asVoid(log.lease(runId, owner, Duration.zero))),
        Effect.forkIn(Effect.forever(Effect.delay(log.lease(runId, owner, ActiveRuns.leaseTime), leaseRenewal)), busy)
      )
    )
    : Effect.void

/** Nobody can stop it any more. An answer in the background that nobody wants is cancelled. */
export const leave = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => {
    ActiveRuns.remove(run.services.active, run.self)
    return run.plan.cancelOnStop || run.isStopped ? cancel(run) : Effect.void
  })

/**
 * Leaves no call without its output, whatever ended the run. One that is to go on without its reader, and whose process
 * ends, has no end yet: whoever resumes it makes its calls.
 */
export const payOff = (run: RunState, writer: ThreadStore.Writer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { items } = run.owed
    const goesOn = run.isBackground && !run.plan.cancelOnStop && run.self.end === undefined
    return items.length === 0 || goesOn ? Effect.void : bounded(run, writer.answer(items))
  })
