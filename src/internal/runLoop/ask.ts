/** Asks the model for the next step. */
import * as Effect from "effect/Effect"
import type { RequestError } from "../../OpenAIError.ts"
import { RunCancelled, type RunError } from "../../RunError.ts"
import type { ResponseId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as Lineage from "../lineage.ts"
import type * as Pull from "../pull.ts"
import { isRefused } from "../retry.ts"
import { toRunError } from "../threadErrors.ts"
import type * as ToolSteps from "../toolSteps.ts"
import type { WireEvent } from "../wireEvents.ts"
import { hear } from "./hear.ts"
import { isTheirs } from "./lead.ts"
import { mendThread, noneMade } from "./mendThread.ts"
import type { Params, Plan, RunPull } from "./plan.ts"
import { including, openLine } from "./request.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"
import { trying } from "./trying.ts"

/** A response that has begun to come. */
interface Opened {
  readonly pull: Pull.Pull<WireEvent, RequestError>
  readonly turn: ThreadStore.Turn
}

export const ask = (
  run: RunState,
  writer: ThreadStore.Writer,
  newItems: ReadonlyArray<ThreadStore.WireItem>,
  params: Params
): RunPull => {
  const attempt = open(run, writer, newItems, params)
  const opening = (made: ReadonlyArray<ToolSteps.Made>) => Effect.map(attempt, (opened) => ({ ...opened, made }))
  const request = Effect.catchAll(
    opening(noneMade),
    (error) =>
      error._tag === "HistoryRejected"
        ? Effect.flatMap(mendThread(run, writer, error), opening)
        : Effect.fail(error)
  )
  return Effect.suspend(() => {
    run.projection.nextStep()
    run.hearAnew()
    run.hasAsked = true
    return trying(run, "once", request, ({ made, pull, turn }) => {
      run.next = hear(run, { ...turn, writer }, pull)
      return made.length === 0 ? run.next : Effect.sync(() => made.map((one) => toolCallCompleted(run.projection, one)))
    })
  })
}

/** The turn is taken anew for each attempt: while the thread was locked, another answer may have got into it. */
const open = (
  run: RunState,
  writer: ThreadStore.Writer,
  newItems: ReadonlyArray<ThreadStore.WireItem>,
  params: Params
): Effect.Effect<Opened, RunError> => {
  const { plan, services: { openai } } = run
  const previous = run.projection.responseId
  return Effect.suspend(() => {
    if (run.isStopped) return new RunCancelled({ threadId: plan.threadId, responseId: undefined })
    return Effect.flatMap(writer.turn(newItems, isTheirs(run)), (turn) => {
      const stream = openai.responses.stream({
        ...params,
        ...turn.params,
        ...including(run, turn.params),
        ...(run.isBackground ? descent(plan, params, previous) : {})
      })
      return Effect.matchEffect(openLine(run, stream), {
        onFailure: (error) =>
          run.hangUp().pipe(
            Effect.zipRight(isRefused(error) ? turn.refused ?? Effect.void : Effect.void),
            Effect.zipRight(Effect.fail(toRunError(plan.threadId)(error)))
          ),
        onSuccess: (pull) => Effect.succeed({ pull, turn })
      })
    })
  })
}

/** What the response says of the run that it is a step of. */
const descent = ({ assistant, runId }: Plan, { metadata }: Params, previous: ResponseId | undefined) => ({
  metadata: { ...metadata, ...Lineage.encode({ run: runId, assistant: assistant.id, previous }) }
})
