/** Asks the server what became of an answer that cannot be heard. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Response } from "openai/resources/responses/responses"
import type { RequestError } from "../../OpenAIError.ts"
import { NotResumable, type ResumeError } from "../../RunError.ts"
import { isOpen } from "../projection.ts"
import { conclude, failed, finish, incomplete } from "./conclude.ts"
import type { RunPull, Turn } from "./plan.ts"
import { including } from "./request.ts"
import type { RunState } from "./runState.ts"
import { pause } from "./stop.ts"

/** How often is asked what became of an answer in the background. */
const pollTime = "1 second"

/** How long to ask for what became of a response whose end was not heard. */
const settleTime = "10 seconds"

/** Waits for the end of an answer in the background. */
export const untilOver = (run: RunState, turn: Turn, lost: ResumeError): RunPull =>
  Effect.suspend(() => {
    if (run.isStopped) return run.fail(lost)
    const { plan, projection, services: { openai } } = run
    const look = openai.responses.retrieve(projection.responseId!, including(run, turn.params))
    return Effect.matchEffect(look, {
      onFailure: (error) =>
        run.fail(
          error._tag === "ResourceNotFound" ? new NotResumable({ runId: plan.runId, why: "gone" }) : lost
        ),
      onSuccess: (response) =>
        isOpen(response)
          ? Effect.zipRight(pause(run, pollTime), untilOver(run, turn, lost))
          : conclude(run, turn, response, lost)
    })
  })

/** The server knows how the answer ended, and whether it is in the thread. */
export const lookUp = Effect.fnUntraced(function*(run: RunState, turn: Turn, error: RequestError) {
  const { responseId } = run.projection
  const { settle } = turn
  if (settle === undefined || responseId === undefined) return yield* run.fail(run.withPartial(error))
  const look = run.services.openai.responses.retrieve(responseId, including(run, turn.params))
  // Without a connection the server ends what it has not ended yet.
  const whenOver: Effect.Effect<Response, RequestError> = Effect.flatMap(
    look,
    (response) => isOpen(response) ? Effect.delay(whenOver, "500 millis") : Effect.succeed(response)
  )
  const ending = Effect.flatMap(
    look,
    (response) => isOpen(response) ? Effect.zipRight(run.hangUp(), whenOver) : Effect.succeed(response)
  )
  const found = yield* ending.pipe(
    Effect.tap((response) => response.status === "completed" ? settle(response) : Effect.void),
    Effect.timeoutOption(settleTime),
    Effect.orElseSucceed(Option.none<Response>)
  )
  const response = Option.getOrUndefined(found)
  switch (response?.status) {
    case "completed":
      return yield* finish(run, turn, response)
    case "incomplete":
      return yield* incomplete(run, turn, { response, requestId: undefined })
    case "failed":
      return yield* failed(run, { payload: response.error, requestId: undefined })
    default:
      return yield* run.fail(run.withPartial(error))
  }
}, (stage, run): RunPull => run.once(stage))
