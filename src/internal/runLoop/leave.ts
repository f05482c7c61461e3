/** What is done when a run leaves its thread. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { ThreadError } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as ActiveRuns from "../activeRuns.ts"
import { answeredBy, closing, keyOf } from "../pending.ts"
import { unknownOutcome } from "../settle.ts"
import * as ToolSteps from "../toolSteps.ts"
import { mayAnswer } from "./lead.ts"
import { whyClosed } from "./mendThread.ts"
import type { RunState } from "./runState.ts"
import { bounded, cancel } from "./stop.ts"

/** Its time is over. */
const isTimedOut = ({ self: { end } }: RunState) =>
  end !== undefined && end !== "interrupted" && end._tag === "TimedOut" && end.phase === "total"

/** Nobody wants its answer. */
const isUnwanted = (run: RunState) => run.plan.cancelOnStop || run.isStopped || isTimedOut(run)

/** What could not be cancelled ends by itself, and whoever finds the thread locked waits for that. */
const cancelUnwanted = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => isUnwanted(run) ? Effect.ignore(cancel(run)) : Effect.void)

/** Nobody can stop it any more. An answer in the background that nobody wants is cancelled. */
export const leave = (run: RunState): Effect.Effect<void> =>
  Effect.sync(() => ActiveRuns.remove(run.services.active, run.self)).pipe(
    Effect.zipRight(cancelUnwanted(run)),
    Effect.zipRight(Effect.suspend(() => run.leading === undefined ? Effect.void : Scope.close(run.leading, Exit.void)))
  )

/** The last thing of all, when its lock is given back: whoever reads along hears what has become of a run without an end. */
export const left = (run: RunState, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    const { plan, self } = run
    const hasBegun = plan.from === undefined || self.hasTurn || run.isStopped
    const hasDied = Exit.isFailure(exit) && Cause.isDie(exit.cause)
    if (hasBegun && (hasDied || isUnwanted(run))) self.end ??= "interrupted"
    // Why it could not go on with a run is its own concern.
    else if (!hasBegun || self.end === undefined) self.isAbandoned = true
  })

/**
 * Leaves no call without its output, whatever ended the run. One that is to go on without its reader, and whose process
 * ends, has no end yet: whoever resumes it, which takes a response, makes its calls.
 */
export const payOff = (run: RunState, writer: ThreadStore.Writer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { items } = run.owed
    run.owed.clear()
    const hasNoEnd = run.isOusted ||
      (run.isBackground && !run.plan.cancelOnStop && run.self.end === undefined && !run.isStopped &&
        run.projection.responseId !== undefined)
    if (hasNoEnd || (items.length === 0 && !endsOther(run))) return Effect.void
    if (run.goesOn) return writer.owe?.(items) ?? Effect.void
    const paid = Effect.flatMap(
      stillOwed(run, writer, items),
      (left) => left.length === 0 ? Effect.void : writer.answer(left)
    )
    // An answer that is complete takes what was sent with it into the thread, so it is cancelled first.
    // What could not be written is closed by the run that comes next.
    return Effect.zipRight(cancelUnwanted(run), Effect.ignore(bounded(run, paid)))
  })

/** A run that is not wanted any more, of which it is read still what another process has left of it. */
const endsOther = (run: RunState): boolean => run.isStopped && run.from !== undefined && !run.hasAsked

/** What is owed and, where another process may have answered or left some of it, what the thread says to be open. */
const stillOwed = (
  run: RunState,
  writer: ThreadStore.Writer,
  items: ReadonlyArray<ThreadStore.WireItem>
): Effect.Effect<ReadonlyArray<ThreadStore.WireItem>, ThreadError> =>
  Effect.gen(function*() {
    const { isRemembered, leases, plan: { log, threadId } } = run
    const wasMine = !isRemembered || leases.get(threadId) === true
    if (!(yield* mayAnswer(run))) return []
    if (wasMine && !endsOther(run)) return items
    const known = new Map(items.map((item) => [answeredBy(item), item]))
    const why = isRemembered ? ToolSteps.notCarriedOut("the run ended before") : unknownOutcome
    const answers = yield* Effect.forEach(yield* writer.pending, (one) => {
      const item = known.get(keyOf(one))
      return item !== undefined || !endsOther(run)
        ? Effect.succeed(item)
        : Effect.map(whyClosed(log, threadId, one, why), (why) => closing(one, why))
    })
    return answers.filter((item) => item !== undefined)
  })
