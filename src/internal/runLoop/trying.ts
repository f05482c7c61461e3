/** A request of a run that may be sent again; the reader hears of it before each wait. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunError } from "../../RunError.ts"
import type { RunEvent } from "../../RunEvent.ts"
import { type Repeat, waits } from "../retry.ts"
import type { RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { pause } from "./stop.ts"

export const trying = <A>(
  run: RunState,
  repeat: Repeat,
  request: Effect.Effect<A, RunError>,
  then: (a: A) => RunPull
): RunPull => {
  const waitAfter = waits(run.policy, repeat)
  let attempt = 0
  const retrying = (error: RunError, delay: Duration.Duration): ReadonlyArray<RunEvent> => {
    run.next = run.once(
      Effect.zipRight(pause(run, delay), Effect.suspend(() => run.isStopped ? run.fail(error) : again))
    )
    return [{ _tag: "Retrying", ...run.projection.at(), attempt, reason: error._tag, delay }]
  }
  const again: RunPull = Effect.suspend(() => {
    attempt++
    return Effect.matchEffect(request, {
      onSuccess: then,
      onFailure: (error) =>
        Effect.flatMap(
          waitAfter(error),
          Option.match({
            onNone: () => run.fail(error),
            onSome: (delay) => Effect.sync(() => retrying(error, delay))
          })
        )
    })
  })
  return run.once(again)
}
