/**
 * Changes the context of an effect. As `Effect.mapInputContext`, which takes twice as many operations, and every step of a
 * run needs it several times.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

type AnyContext = Context.Context<never>

export const withContext =
  <R>(change: (context: AnyContext) => Context.Context<R>) =>
  <A, E>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        FiberRef.modify(FiberRef.currentContext, (before) => [before, change(before) as AnyContext]),
        (before) => {
          const back = FiberRef.set(FiberRef.currentContext, before)
          return Effect.matchCauseEffect(restore(effect as Effect.Effect<A, E>), {
            onFailure: (cause) => Effect.zipRight(back, Effect.failCause(cause)),
            onSuccess: (value) => Effect.as(back, value)
          })
        }
      )
    )
