/** Runs with nothing left to do: they are told as they were, without the lock of their thread. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type * as OpenAI from "../../OpenAI.ts"
import type { ResumeError } from "../../RunError.ts"
import type * as RunLog from "../../RunLog.ts"
import type { ResponseId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as ActiveRuns from "../activeRuns.ts"
import { isOpen, outcome } from "../projection.ts"
import * as Tail from "../tail.ts"
import { responseOf } from "./find.ts"

/** Whether a run has come to an end that nobody can go on from. One that waits for answers may have them meanwhile. */
const isFinal = (end: ActiveRuns.End | undefined): boolean => {
  if (end === undefined || end === "interrupted") return false
  switch (end._tag) {
    case "RunCompleted":
      return end.status === "completed"
    case "RunCancelled":
    case "RunFailed":
    case "RunIncomplete":
    case "ToolFailed":
    case "TooManySteps":
    case "OutputRefused":
    case "OutputInvalid":
      return true
    case "TimedOut":
      return end.phase === "total"
    default:
      return false
  }
}

/** A run that has ended in this process is told as it was. */
export const finishedOf = (
  active: ActiveRuns.ActiveRuns,
  { responseId, runId }: Cursor
): ActiveRuns.Leader | undefined => {
  const run = active.finished.get(runId)
  return run === undefined || responseId === undefined || !run.steps.includes(responseId) || !isFinal(run.end)
    ? undefined
    : ActiveRuns.finished(run)
}

/** What calls gave, as the log remembers it or the thread shows it, which is read once. */
export const answersIn = (
  store: ThreadStore.Service,
  log: RunLog.Service,
  threadId: Cursor["threadId"]
): Effect.Effect<ActiveRuns.OutputOf> =>
  Effect.map(
    Effect.cached(Tail.read(store, threadId)),
    (items): ActiveRuns.OutputOf => (call) =>
      Effect.flatMap(
        ActiveRuns.outputOf(log, threadId, call),
        (made) => made === undefined ? Effect.map(items, (items) => Tail.outputOf(items, call)) : Effect.succeed(made)
      )
  )

/** Whether a run has nothing left to do: its newest response has its end, and the thread has what that asks for. */
export const isSettled = (
  openai: OpenAI.Service,
  store: ThreadStore.Service,
  cursor: Cursor,
  response: Response,
  newest: ResponseId | undefined
): Effect.Effect<boolean, ResumeError> =>
  Effect.gen(function*() {
    const last = newest === cursor.responseId
      ? response
      : yield* responseOf(openai, { ...cursor, responseId: newest })
    if (isOpen(last)) return false
    const { pending } = outcome(last)
    return pending.length === 0 ||
      Tail.unanswered(yield* Tail.readTo(store, cursor.threadId, pending), pending).length === 0
  })
