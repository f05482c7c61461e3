/** Finds a run that was begun before: its response, its beginning, and who drives it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type * as OpenAI from "../../OpenAI.ts"
import { NotResumable, type ResumeError, RunCancelled } from "../../RunError.ts"
import type * as RunLog from "../../RunLog.ts"
import type { ResponseId, RunId } from "../../Thread.ts"
import * as ActiveRuns from "../activeRuns.ts"
import { leaseTime } from "../leases.ts"
import * as Lineage from "../lineage.ts"
import { followTime } from "../runLoop/follow.ts"

/** A response in the background tells its run; one in the foreground, which has its end, at most its thread. */
const belongs = (response: Response, { runId, threadId }: Cursor) => {
  const run = Lineage.decode(response)?.run
  const conversation = response.conversation?.id
  return (run === undefined ? response.background !== true : run === runId) &&
    (conversation === undefined || conversation === threadId)
}

/** The response that a cursor stands in. */
export const responseOf = (openai: OpenAI.Service, cursor: Cursor): Effect.Effect<Response, ResumeError> => {
  const { responseId, runId } = cursor
  return responseId === undefined
    ? Effect.fail(new NotResumable({ runId, why: "notStarted" }))
    : openai.responses.retrieve(responseId).pipe(
      Effect.catchTag("ResourceNotFound", () => new NotResumable({ runId, why: "gone" })),
      Effect.filterOrFail(
        (response) => belongs(response, cursor),
        () => new NotResumable({ runId, why: "otherRun" })
      )
    )
}

/** The newest step of a run that anybody remembers. A cursor that none of them knows is newer. */
export const newestOf = (
  active: ActiveRuns.ActiveRuns,
  log: RunLog.Service,
  { responseId, runId }: Cursor
): Effect.Effect<ResponseId | undefined> =>
  Effect.map(log.steps(runId), (logged) => {
    const all = [logged.map((step) => step.responseId), ActiveRuns.find(active, runId)?.steps ?? []]
    const steps = all.find((steps) => responseId === undefined ? steps.length > 0 : steps.includes(responseId))
    return steps?.at(-1) ?? responseId
  })

/** Waits for the first response of a run, as far as it is known here. */
const firstOf = (
  active: ActiveRuns.ActiveRuns,
  log: RunLog.Service,
  { runId, threadId }: Pick<Cursor, "runId" | "threadId">
): Effect.Effect<ResponseId, ResumeError> =>
  Effect.gen(function*() {
    const [first] = yield* log.steps(runId)
    if (first !== undefined) return first.responseId
    const known = ActiveRuns.find(active, runId)
    const responseId = known?.steps[0]
    if (responseId !== undefined) return responseId
    if (known === undefined) return yield* new NotResumable({ runId, why: "notStarted" })
    if (known.end === "interrupted") return yield* new RunCancelled({ threadId, responseId: undefined })
    if (known.end !== undefined && known.end._tag !== "RunCompleted") return yield* known.end
    yield* Effect.sleep(followTime)
    return yield* firstOf(active, log, { runId, threadId })
  })

/** Where to go on: a cursor from before the first response means its beginning, and so does a run's id. */
export const positionOf = (
  active: ActiveRuns.ActiveRuns,
  log: RunLog.Service,
  from: Cursor | RunId
): Effect.Effect<Cursor, ResumeError> =>
  Effect.gen(function*() {
    if (typeof from !== "string" && from.responseId !== undefined) return from
    const cursor = typeof from === "string" ? yield* beginningOf(active, log, from) : from
    const responseId = yield* firstOf(active, log, cursor)
    return { ...cursor, responseId, step: 0, wire: -1, over: false }
  })

const beginningOf = (
  active: ActiveRuns.ActiveRuns,
  log: RunLog.Service,
  runId: RunId
): Effect.Effect<Cursor, NotResumable> =>
  Effect.flatMap(log.steps(runId), ([first]) => {
    const known = first ?? ActiveRuns.find(active, runId)
    return known === undefined
      ? new NotResumable({ runId, why: "unknownRun" })
      : Effect.succeed<Cursor>({ v: 1, runId, threadId: known.threadId, step: 0, wire: -1, sequence: -1 })
  })

/** Who drives a run, if somebody else does: in this process, or as the log tells. */
export const leaderOf = (
  active: ActiveRuns.ActiveRuns,
  log: RunLog.Service,
  cursor: Cursor,
  owner: string
): Effect.Effect<ActiveRuns.Leader | undefined> => {
  const { runId } = cursor
  const driven = active.byRun.get(runId)
  if (driven !== undefined) return Effect.succeed(ActiveRuns.leaderOf(driven))
  const mayLead = log.lease(runId, owner, leaseTime)
  return Effect.map(mayLead, (isFree) => isFree ? undefined : ActiveRuns.remembered(active, log, cursor, mayLead))
}

/** Whether somebody drives a run, as the log tells. */
export const isDriven = (log: RunLog.Service, runId: RunId): Effect.Effect<boolean> =>
  Effect.map(log.lease(runId, "nobody", Duration.zero), (isFree) => !isFree)
