/** Hears an answer: passes its events on as they come, and hears on where its connection is lost. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { ConnectionLost, type RequestError } from "../../OpenAIError.ts"
import { none, RetryPolicy } from "../../RetryPolicy.ts"
import type { ResumeError } from "../../RunError.ts"
import type { RunEvent } from "../../RunEvent.ts"
import { isOpen } from "../projection.ts"
import type * as Pull from "../pull.ts"
import { waits } from "../retry.ts"
import type { WireEvent } from "../wireEvents.ts"
import { conclude, failed, incomplete } from "./conclude.ts"
import { lookUp, untilOver } from "./lookUp.ts"
import type { RunPull, Turn } from "./plan.ts"
import { including, openLine } from "./request.ts"
import type { RunState } from "./runState.ts"
import { pause } from "./stop.ts"

/** How often the events of an answer that is complete are read in vain. */
const maxReadings = 4

export const hear = (
  run: RunState,
  turn: Turn,
  pull: Pull.Pull<WireEvent, RequestError>
): RunPull => {
  const { heard } = run
  const ended = (error: Option.Option<RequestError>): RunPull =>
    heard.failure !== undefined
      ? failed(run, heard.failure)
      : lost(
        run,
        turn,
        Option.getOrElse(error, (): RequestError => new ConnectionLost({ phase: "stream", how: "eof", accepted: true }))
      )
  return Effect.matchEffect(pull, { onSuccess: (wire) => passOn(run, turn, wire), onFailure: ended })
}

const passOn = (run: RunState, turn: Turn, wire: ReadonlyArray<WireEvent>): RunPull => {
  const { heard, projection } = run
  const events: Array<RunEvent> = []
  let begun = false
  for (const event of wire) {
    if (!projection.isNew(event)) continue
    projection.project(event, events)
    heard.note(event)
    if (event.type === "response.created") {
      run.note(projection.responseId)
      run.isOver = false
      begun = true
    }
  }
  if (events.length > 0) run.patience = undefined
  if (heard.completed !== undefined) {
    // The answer is there: how long its reader takes is no concern of the limit.
    run.deadline = Number.POSITIVE_INFINITY
    run.next = run.loop.complete(run, turn, heard.completed)
  } else if (heard.incomplete !== undefined) run.next = incomplete(run, turn, heard.incomplete)
  if (begun && run.isRemembered && run.from?.leader === undefined) return Effect.as(remember(run), events)
  return events.length > 0 ? Effect.succeed(events) : run.next
}

const remember = ({ plan: { log, runId, threadId }, projection: { responseId } }: RunState): Effect.Effect<void> =>
  responseId === undefined ? Effect.void : log.step({ threadId, runId, responseId })

/** The stream broke. */
const lost = (run: RunState, turn: Turn, error: RequestError): RunPull => {
  if (run.isStopped) return run.fail(error)
  if (!run.isBackground || run.projection.responseId === undefined) return lookUp(run, turn, error)
  run.hasLost = true
  return run.once(
    run.hangUp().pipe(
      // Not all at once, where many have lost theirs.
      Effect.zipRight(Effect.flatMap(Random.nextIntBetween(0, 250), (millis) => pause(run, millis))),
      Effect.zipRight(hearOn(run, turn, run.withPartial(error)))
    )
  )
}

/**
 * An answer in the background goes on without us: hears on behind what was heard, or waits for its end where that is
 * not possible any more. `lost` is what the run fails with where neither is.
 */
export const hearOn = (run: RunState, turn: Turn, lost: ResumeError): RunPull =>
  run.once(Effect.suspend(() => {
    if (run.isStopped) return run.fail(lost)
    const { policy, projection, services: { openai } } = run
    const responseId = projection.responseId!
    const isFirst = run.patience === undefined
    const { attempts, wait } = run.patience ??= { attempts: { count: 0 }, wait: waits(policy, "safe") }
    const retrieve = openai.responses.retrieve(responseId, including(run, turn.params))
    const look = Effect.flatMap(
      // It is tried again here.
      Effect.either(Effect.provideService(retrieve, RetryPolicy, none)),
      Either.match({
        onLeft: () => again(new ConnectionLost({ phase: "stream", how: "eof", accepted: "unknown" })),
        // Its events can be read after its end too. They tell more than the response, and how much was told before.
        onRight: (response) =>
          isOpen(response) || (response.status === "completed" && attempts.count < maxReadings)
            ? connect
            : conclude(run, turn, response, lost)
      })
    )
    const connect: RunPull = Effect.gen(function*() {
      const stream = openai.responses.resume(responseId, { startingAfter: projection.wire })
      const pull = yield* Effect.either(openLine(run, stream))
      if (Either.isRight(pull)) {
        run.next = hear(run, turn, pull.right)
        attempts.count++
        // A reader that comes later has lost nothing.
        return run.hasLost
          ? [{ _tag: "Reconnected" as const, ...projection.at(), attempt: attempts.count }]
          : yield* run.next
      }
      yield* run.hangUp()
      const error = pull.left
      // Without the events of the past there is still the answer as it will be.
      return yield* error._tag === "InvalidRequest" || error._tag === "ResourceNotFound"
        ? untilOver(run, turn, lost)
        : again(error)
    })
    const again = (error: RequestError): RunPull =>
      Effect.flatMap(
        wait(error),
        Option.match({
          onNone: () => run.fail(lost),
          onSome: (delay) => Effect.zipRight(pause(run, delay), hearOn(run, turn, lost))
        })
      )
    // The first time there is more to hear; later, a stream that tells nothing may be the end of one.
    return isFirst ? connect : look
  }))
