/** Finds a run that was begun before: its response, its beginning, and who drives it. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type * as OpenAI from "../../OpenAI.ts"
import { NotResumable, type ResumeError } from "../../RunError.ts"
import type * as RunLog from "../../RunLog.ts"
import type { RunId } from "../../Thread.ts"
import * as ActiveRuns from "../activeRuns.ts"
import * as Lineage from "../lineage.ts"

/** The response that a cursor stands in. */
export const responseOf = (
  openai: OpenAI.Service,
  { responseId, runId }: Cursor
): Effect.Effect<Response, ResumeError> =>
  responseId === undefined
    ? Effect.fail(new NotResumable({ runId, why: "notStarted" }))
    : openai.responses.retrieve(responseId).pipe(
      Effect.catchTag("ResourceNotFound", () => new NotResumable({ runId, why: "gone" })),
      Effect.filterOrFail(
        (response) => (Lineage.decode(response)?.run ?? runId) === runId,
        () => new NotResumable({ runId, why: "otherRun" })
      )
    )

/** The beginning of a run that is remembered. */
export const beginningOf = (log: RunLog.Service, runId: RunId): Effect.Effect<Cursor, NotResumable> =>
  Effect.flatMap(log.steps(runId), ([first]) =>
    first === undefined
      ? new NotResumable({ runId, why: "unknownRun" })
      : Effect.succeed<Cursor>({ v: 1, ...first, step: 0, wire: -1, sequence: -1 }))

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
  const mayLead = log.lease(runId, owner, ActiveRuns.leaseTime)
  return Effect.map(mayLead, (isFree) => isFree ? undefined : ActiveRuns.remembered(log, cursor, mayLead))
}
