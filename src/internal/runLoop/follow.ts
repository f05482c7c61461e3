/** Reads along with the one who drives the run. */
import * as Effect from "effect/Effect"
import type { Response } from "openai/resources/responses/responses"
import { NotResumable } from "../../RunError.ts"
import type { ResponseId } from "../../Thread.ts"
import type * as ActiveRuns from "../activeRuns.ts"
import { hearOn } from "./hear.ts"
import { over } from "./over.ts"
import type { Outcome, RunPull, Turn } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"

/** How often somebody who reads along looks for the next step. */
export const followTime = "200 millis"

/** Waits for the next step, or the end. */
export const follow = Effect.fnUntraced(function*(
  run: RunState,
  leader: ActiveRuns.Leader,
  turn: Turn,
  response: Response,
  step: Outcome
) {
  const { projection } = run
  for (;;) {
    const ended = yield* leader.end
    const following = yield* leader.after(projection.responseId!)
    if (following !== undefined) return yield* goOnWith(run, following, turn, step, outputOf(run, leader))
    if (ended === "abandoned") {
      // Its place is free, and the calls of this step are still to be made.
      run.from = { ...run.from!, cursor: projection.here(), response, before: run.before, leader: undefined }
      return yield* (run.next = run.loop.enter(run))
    }
    if (ended === "interrupted") return yield* run.cancelled
    if (ended !== undefined) {
      return yield* ended._tag === "RunCompleted" ? over(run, { ...step, pending: ended.pending }) : run.fail(ended)
    }
    yield* Effect.sleep(followTime)
  }
}, (stage, run): RunPull => run.limited(stage))

/** The leader may not have made all calls itself. */
const outputOf = ({ from }: RunState, { outputs }: ActiveRuns.Leader): ActiveRuns.OutputOf => (call) => {
  const made = outputs.get(call.callId)
  return made === undefined ? from!.outputOf(call) : Effect.succeed(made)
}

/** The next step has begun: its calls are told, and it is read from its beginning. */
export const goOnWith = Effect.fnUntraced(function*(
  run: RunState,
  following: ResponseId,
  turn: Turn,
  step: Outcome,
  outputOf: ActiveRuns.OutputOf
) {
  const { plan: { runId }, projection } = run
  const calls = step.pending.flatMap((one) => one._tag === "PendingCall" ? [one.call] : [])
  const made = (yield* run.failing(Effect.forEach(calls, outputOf))).filter((one) => one !== undefined)
  run.before = run.upTo(step)
  const events = made.map((one) => toolCallCompleted(projection, one))
  projection.nextKnown(following)
  run.note(following)
  run.hearAnew()
  run.next = hearOn(run, turn, new NotResumable({ runId, why: "gone" }))
  return events.length > 0 ? events : yield* run.next
}, (stage, run): RunPull => run.limited(stage))
