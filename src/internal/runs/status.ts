/** How far a run is, and its end where it is not wanted any more. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import { NotResumable, type ResumeError } from "../../RunError.ts"
import { RunLog } from "../../RunLog.ts"
import * as ActiveRuns from "../activeRuns.ts"
import { isOpen, outcome } from "../projection.ts"
import * as Tail from "../tail.ts"
import { isDriven, newestOf, responseOf } from "./find.ts"
import type { Services } from "./services.ts"

type Status = NonNullable<Response["status"]> | "requires_action"

/** What a run that is over in this process has come to, where its last response does not tell. */
const endStatus = (end: ActiveRuns.End | undefined): Status | undefined => {
  if (end === undefined || end === "interrupted") return undefined
  switch (end._tag) {
    case "RunCancelled":
      return "cancelled"
    case "RunIncomplete":
      return "incomplete"
    case "RunFailed":
    case "ToolFailed":
    case "TooManySteps":
    case "OutputRefused":
    case "OutputInvalid":
      return "failed"
    default:
      return undefined
  }
}

export const status = ({ active, openai, store }: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const log = yield* RunLog
    const { runId, threadId } = cursor
    const responseId = yield* newestOf(active, log, cursor)
    const driven = active.byRun.get(runId)
    const end = endStatus(ActiveRuns.find(active, runId)?.end) ?? (driven?.isStopped ? "cancelled" : undefined)
    if (responseId === undefined) {
      return end ?? (driven === undefined
        ? yield* new NotResumable({ runId, why: "notStarted" })
        : driven.hasTurn
        ? "in_progress"
        : "queued")
    }
    const response = yield* responseOf(openai, { ...cursor, responseId })
    if (end !== undefined && !isOpen(response)) return end
    if (driven !== undefined) {
      return response.status === "queued" && driven.steps.length === 1
        ? "queued"
        : "in_progress"
    }
    if (response.status !== "completed") return response.status ?? "in_progress"
    const { pending } = outcome(response)
    if (pending.length === 0) return "completed"
    if (yield* isDriven(log, runId)) return "in_progress"
    const items = yield* Tail.read(store, threadId)
    return Tail.unanswered(items, pending).length > 0 ? "requires_action" : Tail.after(items, pending)
  })

/** How often is asked whether an answer that was cancelled has ended. */
const pollTime = "500 millis"

export const cancel = (services: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const { active, openai } = services
    const run = active.byRun.get(cursor.runId)
    if (run !== undefined) yield* run.stop
    const responseId = yield* newestOf(active, yield* RunLog, cursor)
    if (responseId === undefined) return yield* status(services, cursor)
    const find = responseOf(openai, { ...cursor, responseId })
    const response = yield* find
    if (response.background === true && isOpen(response)) {
      // There is no event of the cancellation: what it came to is asked for.
      const untilOver: Effect.Effect<void, ResumeError> = Effect.flatMap(
        Effect.delay(find, pollTime),
        (response) => isOpen(response) ? untilOver : Effect.void
      )
      if (isOpen(yield* openai.responses.cancel(responseId))) yield* untilOver
    }
    return yield* status(services, cursor)
  })
