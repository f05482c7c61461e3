/** How a run is made to end from outside, whatever it does: waits, hears an answer or makes calls. */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"
import { type RequestError, TimedOut } from "../../OpenAIError.ts"
import type { RunState } from "./runState.ts"

/** How long the end of a run may take to cancel its answer, or to write the outputs that its calls lack. */
export const endTime = "5 seconds"

export const stop = (run: RunState): Effect.Effect<void, RequestError> =>
  Effect.suspend(() => {
    const { busy, self, tools } = run
    self.isStopped = true
    if (!self.hasTurn) {
      // It leaves the queue.
      self.end ??= run.cancellation
      return Effect.zipRight(Deferred.succeed(run.stopped, undefined), Scope.close(busy, Exit.void))
    }
    tools?.line.end(Exit.interrupt(FiberId.none))
    return Deferred.succeed(run.stopped, undefined).pipe(
      Effect.zipRight(run.hangUp()),
      Effect.zipRight(cancel(run))
    )
  })

/** Waits, unless somebody wants the run to end. */
export const pause = (run: RunState, time: Duration.DurationInput): Effect.Effect<void> =>
  Effect.raceFirst(Effect.sleep(time), Deferred.await(run.stopped))

/** An answer in the background would go on. */
export const cancel = (run: RunState): Effect.Effect<void, RequestError> =>
  Effect.suspend(() => {
    const { responseId } = run.projection
    if (!run.isBackground || run.isOusted || run.isOver || responseId === undefined) return Effect.void
    run.isOver = true
    return bounded(run, run.services.openai.responses.cancel(responseId))
  })

/** In a fiber of its own: the one that ends the run may be interrupted already. */
export const bounded = <E>(run: RunState, effect: Effect.Effect<unknown, E>): Effect.Effect<void, E | TimedOut> => {
  const done = run.inSpan(effect).pipe(
    Effect.timeoutFail({ duration: endTime, onTimeout: () => new TimedOut({ phase: "total" }) }),
    Effect.interruptible
  )
  return Effect.asVoid(Effect.flatMap(Effect.forkDaemon(done), Fiber.join))
}
