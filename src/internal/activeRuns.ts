/** The runs that this process drives: what those need to know who follow one, or want it to stop. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ResumeError } from "../RunError.ts"
import type { Of } from "../RunEvent.ts"
import type * as RunLog from "../RunLog.ts"
import type { CallId, FunctionCall, ResponseId, RunId, ThreadId } from "../Thread.ts"
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
  /** Threads whose last run here has ended with a request of an MCP server for approval. */
  readonly asked: Set<ThreadId>
}

export const make = (): ActiveRuns => ({ byRun: new Map(), byThread: new Map(), asked: new Set() })

/** Of how many threads that is remembered. */
const maxAsked = 1_000

export const hasAsked = ({ asked }: ActiveRuns, threadId: ThreadId): void => {
  asked.delete(threadId)
  asked.add(threadId)
  if (asked.size > maxAsked) asked.delete(asked.values().next().value!)
}

export const add = ({ byRun, byThread }: ActiveRuns, run: ActiveRun): void => {
  byRun.set(run.runId, run)
  byThread.set(run.threadId, run)
}

export const remove = ({ byRun, byThread }: ActiveRuns, run: ActiveRun): void => {
  run.end ??= "interrupted"
  byRun.delete(run.runId)
  if (byThread.get(run.threadId) === run) byThread.delete(run.threadId)
}

/** How long a process that has died may be taken for one that drives its runs. */
export const leaseTime = Duration.seconds(30)

/** Who drives a run, as one who reads along sees it. */
export interface Leader {
  /** The step after this one, once it has begun. */
  readonly after: (responseId: ResponseId) => Effect.Effect<ResponseId | undefined>
  readonly outputOf: (call: FunctionCall) => Effect.Effect<Made | undefined>
  /** How the run ended; `abandoned` where nobody drives it any more and somebody else may. */
  readonly end: Effect.Effect<ActiveRun["end"] | "abandoned">
}

/** A run that this process drives. */
export const leaderOf = (run: ActiveRun): Leader => ({
  after: (responseId) => Effect.sync(() => run.steps[run.steps.indexOf(responseId) + 1]),
  outputOf: ({ callId }) => Effect.sync(() => run.outputs.get(callId)),
  end: Effect.sync(() => run.end)
})

/** The step after this one, as far as it is remembered. */
export const stepAfter = (
  log: RunLog.Service,
  runId: RunId,
  responseId: ResponseId
): Effect.Effect<ResponseId | undefined> =>
  Effect.map(log.steps(runId), (steps) => {
    const index = steps.findIndex((step) => step.responseId === responseId)
    return index === -1 ? undefined : steps[index + 1]?.responseId
  })

/** What a call gave, as far as it is remembered. */
export const outputOf = (
  log: RunLog.Service,
  threadId: ThreadId,
  call: FunctionCall
): Effect.Effect<Made | undefined> =>
  Effect.map(log.find(threadId, call.callId), (state) =>
    Option.isSome(state) && state.value._tag === "Done"
      ? { call, outcome: { output: state.value.output, isFailure: false } }
      : undefined)

/** A run that another process drives, as a log tells of it; `mayLead` asks for its place. */
export const remembered = (
  log: RunLog.Service,
  { runId, threadId }: { readonly runId: RunId; readonly threadId: ThreadId },
  mayLead: Effect.Effect<boolean>
): Leader => ({
  after: (responseId) => stepAfter(log, runId, responseId),
  outputOf: (call) => outputOf(log, threadId, call),
  end: Effect.map(mayLead, (isFree) => isFree ? "abandoned" : undefined)
})
