/**
 * Changes the context of an effect. As `Effect.mapInputContext`, which takes four times as many operations.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

type AnyContext = Context.Context<never>

/** `change` may give back the context as it is, and then nothing is to be changed back. */
export const withContext =
  <R>(change: (context: AnyContext) => Context.Context<R>) =>
  <A, E>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E> =>
    Effect.withFiberRuntime((fiber) => {
      const before = fiber.currentContext
      const during = change(before) as AnyContext
      return during === before ? effect as Effect.Effect<A, E> : Effect.uninterruptibleMask((restore) => {
        const back = FiberRef.set(FiberRef.currentContext, before)
        return Effect.zipRight(
          FiberRef.set(FiberRef.currentContext, during),
          Effect.matchCauseEffect(restore(effect as Effect.Effect<A, E>), {
            onFailure: (cause) => Effect.zipRight(back, Effect.failCause(cause)),
            onSuccess: (value) => Effect.as(back, value)
          })
        )
      })
    })
