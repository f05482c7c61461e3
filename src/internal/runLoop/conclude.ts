/** How an answer ended: whole, cut short, or not at all. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import { type ResumeError, RunFailed, RunIncomplete } from "../../RunError.ts"
import type { RunEvent } from "../../RunEvent.ts"
import type { Heard } from "../heard.ts"
import { outcome } from "../projection.ts"
import { fromStream, streamCode } from "../requestError.ts"
import { toRunError } from "../threadErrors.ts"
import type { WireEvent } from "../wireEvents.ts"
import { committed, type RunPull, type Turn } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** How an answer ended that was not heard to its end. */
export const conclude = (run: RunState, turn: Turn, response: Response, otherwise: ResumeError): RunPull =>
  Effect.suspend(() => {
    run.isOver = true
    switch (response.status) {
      case "completed":
        return Effect.zipRight(
          run.failing(turn.settle === undefined ? Effect.void : turn.settle(response)),
          finish(run, turn, response)
        )
      case "incomplete":
        return incomplete(run, turn, { response, requestId: undefined })
      case "failed":
        return failed(run, { payload: response.error, requestId: undefined })
      case "cancelled":
        return run.cancelled
      default:
        return run.fail(otherwise)
    }
  })

/** Tells what the stream did not. */
export const finish = (run: RunState, turn: Turn, response: Response): RunPull =>
  Effect.sync(() => {
    const { heard, isBlind, projection } = run
    const events: Array<RunEvent> = []
    for (const event of heard.rest(response, isBlind || projection.hasGaps)) projection.project(event, events)
    projection.project({ type: "response.completed", response } as WireEvent, events)
    run.deadline = Number.POSITIVE_INFINITY
    run.next = run.loop.complete(run, committed(turn), response)
    return events
  })

export const incomplete = (
  run: RunState,
  turn: Turn,
  { requestId, response }: NonNullable<Heard["incomplete"]>
): RunPull => {
  const { keepPartial, threadId } = run.plan
  run.isOver = true
  return run.once(Effect.zipRight(
    // Why the answer is incomplete is what the reader has to know; what could not be tidied up is done before the next.
    Effect.ignore(Effect.map(turn.commit(response), () => run.owed.clear())),
    run.fail(
      new RunIncomplete({
        threadId,
        reason: response.incomplete_details?.reason ?? "unknown",
        partial: keepPartial ? outcome(response).text || run.heard.partial : "",
        responseId: run.projection.responseId,
        requestId
      })
    )
  ))
}

export const failed = (run: RunState, { payload, requestId }: NonNullable<Heard["failure"]>): RunPull => {
  const { threadId } = run.plan
  run.isOver = true
  const error = fromStream(payload, requestId)
  if (error._tag === "RateLimited" || error._tag === "QuotaExceeded" || error._tag === "InvalidRequest") {
    return run.fail(toRunError(threadId)(error))
  }
  const { responseId } = run.projection
  return run.fail(new RunFailed({ threadId, code: streamCode(payload) ?? "unknown", responseId, requestId }))
}
