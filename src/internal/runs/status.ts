/** How far a run is, and its end where it is not wanted any more. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type { ResumeError } from "../../RunError.ts"
import { ResponseId } from "../../Thread.ts"
import { isOpen, outcome } from "../projection.ts"
import { responseOf } from "./find.ts"
import type { Services } from "./services.ts"

type Status = NonNullable<Response["status"]> | "requires_action"

const statusOf = (response: Response): Status =>
  response.status === "completed" ? outcome(response).status : response.status ?? "in_progress"

export const status = ({ active, openai }: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> => {
  // The newest step of the run that is known here.
  const newest = { ...cursor, responseId: active.byRun.get(cursor.runId)?.steps.at(-1) ?? cursor.responseId }
  return Effect.map(responseOf(openai, newest), (response) => {
    const status = statusOf(response)
    return active.byRun.has(cursor.runId) && status !== "queued" ? "in_progress" : status
  })
}

export const cancel = ({ active, openai }: Services, cursor: Cursor): Effect.Effect<Status, ResumeError> =>
  Effect.gen(function*() {
    const run = active.byRun.get(cursor.runId)
    if (run !== undefined) yield* run.stop
    const last = run === undefined ? cursor : { ...cursor, responseId: run.steps.at(-1) ?? cursor.responseId }
    const response = yield* responseOf(openai, last)
    if (response.background !== true || !isOpen(response)) {
      return run === undefined ? statusOf(response) : "cancelled"
    }
    // There is no event of the cancellation: what it came to is asked for.
    if (run === undefined) {
      const cancelled = yield* openai.responses.cancel(ResponseId.make(response.id))
      if (!isOpen(cancelled)) return statusOf(cancelled)
    }
    const untilOver: Effect.Effect<Response, ResumeError> = Effect.flatMap(
      Effect.delay(responseOf(openai, last), "500 millis"),
      (response) => isOpen(response) ? untilOver : Effect.succeed(response)
    )
    return statusOf(yield* untilOver)
  })
