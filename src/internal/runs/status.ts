/** How far a run is, and its end where it is not wanted any more. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type * as OpenAI from "../../OpenAI.ts"
import { NotResumable, type ResumeError } from "../../RunError.ts"
import type { Pending } from "../../RunEvent.ts"
import * as RunLog from "../../RunLog.ts"
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

/** The same where there is no response to ask for, as it is stored nowhere. */
const rememberedStatus = (end: ActiveRuns.End): Status => {
  if (end === "interrupted") return "cancelled"
  switch (end._tag) {
    case "TimedOut":
      return end.phase === "total" ? "cancelled" : "failed"
    default:
      return endStatus(end) ?? "failed"
  }
}

/** Nobody drives the run: what its last step asks for tells how far it is, and the thread whether that has its answers. */
const statusOf = (
  { store }: Services,
  log: RunLog.Service,
  { runId, threadId }: Cursor,
  pending: ReadonlyArray<Pending>
): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    if (pending.length === 0) return "completed"
    const items = yield* Tail.readTo(store, threadId, pending)
    if (Tail.unanswered(items, pending).length > 0) return "requires_action"
    return (yield* log.isCancelled(runId)) ? "cancelled" : Tail.after(items, pending)
  })

/** What is known of a run that has no response, or none any more. */
const withoutResponse = (
  services: Services,
  log: RunLog.Service,
  cursor: Cursor,
  otherwise: NotResumable
): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const { active } = services
    const { runId } = cursor
    const driven = active.byRun.get(runId)
    const end = ActiveRuns.find(active, runId)?.end
    if (driven?.isStopped) return "cancelled"
    if (end !== undefined) {
      return end !== "interrupted" && end._tag === "RunCompleted"
        ? yield* statusOf(services, log, cursor, end.pending)
        : rememberedStatus(end)
    }
    if (driven !== undefined) return driven.hasTurn ? "in_progress" : "queued"
    if (yield* isDriven(log, runId)) return "in_progress"
    return (yield* log.isCancelled(runId)) ? "cancelled" : yield* otherwise
  })

export const status = (services: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const { active, openai } = services
    const log = yield* RunLog.RunLog
    const { runId } = cursor
    const responseId = yield* newestOf(active, log, cursor)
    if (responseId === undefined) {
      return yield* withoutResponse(services, log, cursor, new NotResumable({ runId, why: "notStarted" }))
    }
    const response = yield* Effect.either(responseOf(openai, { ...cursor, responseId }))
    if (Either.isLeft(response)) {
      return isGone(response.left)
        ? yield* withoutResponse(services, log, cursor, response.left)
        : yield* response.left
    }
    return yield* withResponse(services, log, cursor, response.right)
  })

const withResponse = (
  services: Services,
  log: RunLog.Service,
  cursor: Cursor,
  response: Response
): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const { active } = services
    const { runId } = cursor
    const driven = active.byRun.get(runId)
    const end = endStatus(ActiveRuns.find(active, runId)?.end) ?? (driven?.isStopped ? "cancelled" : undefined)
    if (end !== undefined && !isOpen(response)) return end
    if (driven !== undefined) {
      return response.status === "queued" && driven.steps.length === 1
        ? "queued"
        : "in_progress"
    }
    const { pending } = outcome(response)
    if (response.status === "completed") {
      return pending.length > 0 && (yield* isDriven(log, runId))
        ? "in_progress"
        : yield* statusOf(services, log, cursor, pending)
    }
    return response.status ?? "in_progress"
  })

const isGone = (error: ResumeError): error is NotResumable => error._tag === "NotResumable" && error.why === "gone"

/** How often is asked whether a run, or an answer, that was cancelled has ended. */
const pollTime = "500 millis"

/** Where whoever drove the run has died, their time runs out. */
const untilNobodyDrives = (log: RunLog.Service, runId: Cursor["runId"]): Effect.Effect<void> =>
  Effect.flatMap(
    isDriven(log, runId),
    (isDriven) => isDriven ? Effect.delay(untilNobodyDrives(log, runId), pollTime) : Effect.void
  )

export const cancel = (services: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const { active, openai } = services
    const { runId } = cursor
    const log = yield* RunLog.RunLog
    const run = active.byRun.get(runId)
    if (run !== undefined) yield* run.stop
    const isElsewhere = run === undefined && (yield* isDriven(log, runId))
    if (isElsewhere) yield* log.cancel(runId)
    const responseId = yield* newestOf(active, log, cursor)
    if (responseId !== undefined) yield* cancelResponse(openai, { ...cursor, responseId })
    if (isElsewhere) yield* untilNobodyDrives(log, runId)
    return yield* status(services, cursor)
  })

/** There is no event of the cancellation: what it came to is asked for. */
const cancelResponse = (openai: OpenAI.Service, cursor: Cursor): Effect.Effect<void, ResumeError> => {
  const find = responseOf(openai, cursor)
  const untilOver: Effect.Effect<void, ResumeError> = Effect.flatMap(
    Effect.delay(find, pollTime),
    (response) => isOpen(response) ? untilOver : Effect.void
  )
  const cancelling = Effect.flatMap(find, (response) =>
    response.background === true && isOpen(response)
      ? Effect.flatMap(openai.responses.cancel(cursor.responseId!), (after) => isOpen(after) ? untilOver : Effect.void)
      : Effect.void)
  return Effect.catchIf(cancelling, isGone, () => Effect.void)
}
