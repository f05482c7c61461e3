/** The runs that this process drives: what those need to know who follow one, or want it to stop. */
import type * as Effect from "effect/Effect"
import type { ResumeError } from "../RunError.ts"
import type { Of } from "../RunEvent.ts"
import type { CallId, ResponseId, RunId, ThreadId } from "../Thread.ts"
import type { Made } from "./toolSteps.ts"

export interface ActiveRun {
  readonly runId: RunId
  readonly threadId: ThreadId
  /** The responses of its steps, as far as they have begun. */
  readonly steps: Array<ResponseId>
  /** What its calls gave. */
  readonly outputs: Map<CallId, Made>
  /** Once it is over. A run that was interrupted just ends. */
  end: Of<"RunCompleted"> | ResumeError | "interrupted" | undefined
  /** Ends it with `RunCancelled`. */
  readonly stop: Effect.Effect<void>
}

export interface ActiveRuns {
  readonly byRun: Map<RunId, ActiveRun>
  readonly byThread: Map<ThreadId, ActiveRun>
}

export const make = (): ActiveRuns => ({ byRun: new Map(), byThread: new Map() })

export const add = ({ byRun, byThread }: ActiveRuns, run: ActiveRun): void => {
  byRun.set(run.runId, run)
  byThread.set(run.threadId, run)
}

export const remove = ({ byRun, byThread }: ActiveRuns, run: ActiveRun): void => {
  run.end ??= "interrupted"
  byRun.delete(run.runId)
  if (byThread.get(run.threadId) === run) byThread.delete(run.threadId)
}
