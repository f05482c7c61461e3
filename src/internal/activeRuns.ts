/** The runs that this process drives or has driven: what those need to know who follow one, or want it to stop. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RequestError } from "../OpenAIError.ts"
import type { ResumeError } from "../RunError.ts"
import type { Of } from "../RunEvent.ts"
import type * as RunLog from "../RunLog.ts"
import type { CallId, FunctionCall, ResponseId, RunId, ThreadId } from "../Thread.ts"
import type { ThreadError } from "../ThreadError.ts"
import { Recent } from "./recent.ts"
import type { Made } from "./toolSteps.ts"

/** What a run has come to. One that was interrupted just ends. */
export type End = Pick<Of<"RunCompleted">, "_tag" | "status" | "pending"> | ResumeError | "interrupted"

/** What is remembered of a run when it is over. */
export interface KnownRun {
  readonly runId: RunId
  readonly threadId: ThreadId
  /** The responses of its steps, as far as they have begun. */
  readonly steps: ReadonlyArray<ResponseId>
  /** Once it is over. */
  readonly end: End | undefined
}

export interface ActiveRun extends KnownRun {
  /** Who drives it. */
  readonly owner: string
  readonly steps: Array<ResponseId>
  /** What its calls gave. */
  readonly outputs: Map<CallId, Made>
  /** What a log was asked for in its name, and whether it is its own. */
  readonly leases: ReadonlyMap<RunId | ThreadId, boolean>
  end: End | undefined
  /** The thread is its own: it does not wait in the queue any more. */
  hasTurn: boolean
  /** Somebody else wants it to end. */
  isStopped: boolean
  /** It goes on without this one, which has given back all it had: somebody else may drive it. */
  isAbandoned: boolean
  /** Ends it with `RunCancelled`; fails where its answer could not be cancelled. */
  readonly stop: Effect.Effect<void, RequestError>
}

export interface ActiveRuns {
  readonly byRun: Map<RunId, ActiveRun>
  /** Those who have their turn. */
  readonly byThread: Map<ThreadId, ActiveRun>
  /** Those that are over, the last of them. */
  readonly finished: Recent<RunId, KnownRun>
  /** Threads whose last run here has ended with a request of an MCP server for approval. */
  readonly asked: Recent<ThreadId, true>
}

/** Of at least how many runs the end is remembered. */
const remembersEnds = 1_000

/** Of at least how many threads it is remembered that they have asked. */
const remembersAsked = 1_000

export const make = (): ActiveRuns => ({
  byRun: new Map(),
  byThread: new Map(),
  finished: new Recent(remembersEnds),
  asked: new Recent(remembersAsked)
})

/** Says that this one drives its run, unless another one does: then it gives that one. */
export const claim = ({ byRun }: ActiveRuns, run: ActiveRun): ActiveRun | undefined => {
  const other = byRun.get(run.runId)
  if (other === undefined) byRun.set(run.runId, run)
  return other
}

/** The thread is its own. */
export const hasTurn = ({ byThread }: ActiveRuns, run: ActiveRun): void => {
  run.hasTurn = true
  byThread.set(run.threadId, run)
}

export const remove = ({ byRun, byThread, finished }: ActiveRuns, run: ActiveRun): void => {
  if (byRun.get(run.runId) !== run) return
  byRun.delete(run.runId)
  if (byThread.get(run.threadId) === run) byThread.delete(run.threadId)
  const { end = "interrupted", runId, threadId } = run
  // Whoever went on with it at an early step may not have come as far as others before.
  const known = finished.get(runId)?.steps ?? []
  const steps = known.length > run.steps.length ? known : run.steps
  finished.set(runId, { runId, threadId, steps, end })
}

/** What this process knows of a run. */
export const find = ({ byRun, finished }: ActiveRuns, runId: RunId): KnownRun | undefined =>
  byRun.get(runId) ?? finished.get(runId)

/** What a call gave, as far as it is known. */
export type OutputOf = (call: FunctionCall) => Effect.Effect<Made | undefined, ThreadError>

/** Who drives a run, as one who reads along sees it. */
export interface Leader {
  /** The step after this one, once it has begun. */
  readonly after: (responseId: ResponseId) => Effect.Effect<ResponseId | undefined>
  /** What its calls gave, as far as it has made them in this process. */
  readonly outputs: ReadonlyMap<CallId, Made>
  /** How the run ended; `abandoned` where nobody drives it any more and somebody else may. */
  readonly end: Effect.Effect<End | "abandoned" | undefined>
}

const following = (steps: ReadonlyArray<ResponseId>, responseId: ResponseId): ResponseId | undefined => {
  const index = steps.indexOf(responseId)
  return index === -1 ? undefined : steps[index + 1]
}

/** A run that this process drives. */
export const leaderOf = (run: ActiveRun): Leader => ({
  after: (responseId) => Effect.sync(() => following(run.steps, responseId)),
  outputs: run.outputs,
  end: Effect.sync(() => run.isAbandoned ? "abandoned" : run.end)
})

const noOutputs: Leader["outputs"] = new Map()

/** A run that is over. */
export const finished = ({ end, steps }: KnownRun): Leader => ({
  after: (responseId) => Effect.succeed(following(steps, responseId)),
  outputs: noOutputs,
  end: Effect.succeed(end)
})

/** The step after this one, as far as it is remembered by the log, or in this process. */
export const stepAfter = (
  active: ActiveRuns,
  log: RunLog.Service,
  runId: RunId,
  responseId: ResponseId
): Effect.Effect<ResponseId | undefined> =>
  Effect.map(
    log.steps(runId),
    (steps) =>
      following(steps.map((step) => step.responseId), responseId) ??
        following(active.finished.get(runId)?.steps ?? [], responseId)
  )

/** What a call gave, as far as it is remembered. */
export const outputOf = (
  log: RunLog.Service,
  threadId: ThreadId,
  call: FunctionCall
): Effect.Effect<Made | undefined> =>
  Effect.map(log.find(threadId, call.callId), (state) =>
    Option.isSome(state) && state.value._tag === "Done"
      ? { call, outcome: { output: state.value.output, isFailure: state.value.isFailure } }
      : undefined)

/** A run that another process drives, as a log tells of it; `mayLead` asks for its place. */
export const remembered = (
  active: ActiveRuns,
  log: RunLog.Service,
  { runId }: { readonly runId: RunId },
  mayLead: Effect.Effect<boolean>
): Leader => ({
  after: (responseId) => stepAfter(active, log, runId, responseId),
  outputs: noOutputs,
  end: Effect.map(mayLead, (isFree) => isFree ? "abandoned" : undefined)
})
