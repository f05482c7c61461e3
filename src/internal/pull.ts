/**
 * Streams that are pulled one network read at a time.
 *
 * A source is opened in a scope and then pulled for arrays, until it fails with `None`. {@link toStream} makes it a
 * `Stream` with one flat Channel loop and one Chunk per array. The stream remembers its source, so that
 * {@link forEachArray} can drain an untransformed one without the Channel machinery, which costs more than the parsing.
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { held } from "./keyedLock.ts"
import { withContext } from "./withContext.ts"

/** The next array, never empty; `None` at the end. */
export type Pull<A, E, R = never> = Effect.Effect<ReadonlyArray<A>, Option.Option<E>, R>

/** Opens a source; what it holds is released with the scope. */
export type Open<A, E, R = never> = Effect.Effect<Pull<A, E, R>, E, R | Scope.Scope>

/** There is no next array. Not `Effect.fail`, which wraps what it fails with where there is a span. */
export const end: Pull<never, never> = Effect.failCause(Cause.fail(Option.none()))

const SourceId: unique symbol = Symbol.for("effect-openai-threads/Source")

const isEnd = <E>(cause: Cause.Cause<Option.Option<E>>) => cause._tag === "Fail" && Option.isNone(cause.error)

const failure = <E>(cause: Cause.Cause<Option.Option<E>>): Cause.Cause<E> =>
  Cause.flatMap(cause, Option.match({ onNone: () => Cause.empty, onSome: Cause.fail }))

export const toStream = <A, E, R>(open: Open<A, E, R>): Stream.Stream<A, E, Exclude<R, Scope.Scope>> => {
  type Out = Channel.Channel<Chunk.Chunk<A>, unknown, E, unknown, unknown, unknown, R>
  const loop = (pull: Pull<A, E, R>): Out => {
    const next = Effect.matchCauseEffect(pull, {
      onSuccess: (values) => Effect.succeed<Chunk.Chunk<A> | undefined>(Chunk.unsafeFromArray(values)),
      onFailure: (cause) => isEnd(cause) ? Effect.succeed(undefined) : Effect.failCause(failure(cause))
    })
    const step: Out = Channel.flatMap(
      Channel.fromEffect(next),
      (chunk): Out => chunk === undefined ? Channel.void : Channel.flatMap(Channel.write(chunk), () => step)
    )
    return step
  }
  // Not before it is read, since runs take the source instead.
  const stream = Stream.fromChannel(Channel.suspend(() =>
    Channel.acquireUseRelease(
      Scope.make(),
      (scope) => Channel.flatMap(Channel.fromEffect(Scope.extend(open, scope)), loop),
      (scope, exit) => Scope.close(scope, exit)
    )
  ))
  return Object.assign(stream, { [SourceId]: open }) as Stream.Stream<A, E, Exclude<R, Scope.Scope>>
}

/** Fails when the deadline, in milliseconds of the Clock, passes before the next array is there. */
export const until = <A, E, R>(pull: Pull<A, E, R>, deadline: number, onTimeout: () => E): Pull<A, E, R> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) =>
      Effect.timeoutFail(pull, { duration: Math.max(0, deadline - now), onTimeout: () => Option.some(onTimeout()) })
  )

/**
 * Goes on in `scope` when its reader stops before the end, if `goesOn` then: what is left is read there and thrown away.
 * Each array is made by a fiber of that scope, so that the reader's interruption does not reach it.
 */
export const detachable = <A, E extends { readonly _tag: string }>(
  open: Open<A, E>,
  scope: Scope.Scope,
  goesOn: () => boolean = () => true
): Open<A, E> =>
  Effect.gen(function*() {
    const own = yield* Scope.make()
    /** Whoever has left is not inside of the run any more, and its writes wait like any other. */
    const before = yield* FiberRef.get(held)
    let ended = false
    let current: Fiber.Fiber<ReadonlyArray<A>, Option.Option<E>> | undefined
    const pull = yield* Effect.onError(Scope.extend(open, own), (cause) => Scope.close(own, Exit.failCause(cause)))
    const next: Pull<A, E> = Effect.gen(function*() {
      current ??= yield* Effect.forkIn(Effect.interruptible(pull), scope)
      const exit = yield* Fiber.await(current)
      yield* Fiber.inheritAll(current)
      current = undefined
      ended = Exit.isFailure(exit)
      return yield* exit
    })
    const drain = Effect.forever(next).pipe(
      Effect.interruptible,
      Effect.catchAll(Option.match({
        onNone: () => Effect.void,
        // Who cancels a run knows of it.
        onSome: (error) =>
          error._tag === "RunCancelled"
            ? Effect.void
            : Effect.logWarning(`A run that nobody reads any more failed with ${error._tag}`)
      })),
      Effect.onExit((exit) => Scope.close(own, exit))
    )
    const stop = (exit: Exit.Exit<unknown, unknown>) =>
      Effect.zipRight(current === undefined ? Effect.void : Fiber.interrupt(current), Scope.close(own, exit))
    // Not `Effect.addFinalizer`, which puts back what a finalizer changes of the fiber's references.
    yield* Scope.addFinalizerExit(yield* Effect.scope, (exit) =>
      // The fiber of the drain begins uninterruptible, so that `own` is closed even if `scope` is closed already.
      ended || !goesOn()
        ? stop(exit)
        : Effect.zipRight(FiberRef.set(held, before), Effect.forkIn(drain, scope)))
    return next
  })

/** The source of a stream: its own, if {@link toStream} made it and nothing transformed it since. */
export const toOpen = <A, E, R>(stream: Stream.Stream<A, E, R>): Open<A, E, R> =>
  SourceId in stream
    ? stream[SourceId] as Open<A, E, R>
    : Effect.map(Stream.toPull(stream), Effect.map((chunk) => Chunk.toReadonlyArray(chunk)))

/** As `Scope.extend`, by fewer operations. */
export const inScope = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  scope: Scope.Scope
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  withContext((context) => Context.add(context, Scope.Scope, scope))(effect as Effect.Effect<A, E, Scope.Scope>)

const InsideId: unique symbol = Symbol.for("effect-openai-threads/Inside")

type Inside = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** Whoever drains sets `inside` once around all pulls, which set it for themselves otherwise. */
export const withInside = <A, E, R>(pull: Pull<A, E, R>, inside: Inside): Pull<A, E, R> =>
  Object.assign(pull, { [InsideId]: inside })

/** Drains a stream: `f` sees each array, in order; an effect that it returns holds the stream back. */
export const forEachArray = <A, E, R, E2 = never, R2 = never>(
  stream: Stream.Stream<A, E, R>,
  f: (values: ReadonlyArray<A>) => Effect.Effect<unknown, E2, R2> | void
): Effect.Effect<void, E | E2, R | R2> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) =>
      Effect.contextWithEffect((reader: Context.Context<R | R2>) =>
        Effect.flatMap(inScope(toOpen(stream), scope), (pull) => {
          const inside = InsideId in pull ? pull[InsideId] as Inside : identity
          // Not `Effect.forever`, which yields to other fibers after each array.
          const loop: Effect.Effect<never, Option.Option<E | E2>, R | R2> = Effect.flatMap(pull, (values) => {
            const effect = f(values)
            return effect === undefined ? loop : Effect.zipRight(
              Effect.mapError(withContext(() => reader)(effect), Option.some),
              loop
            )
          })
          return Effect.catchAllCause(
            inside(loop as Effect.Effect<never, Option.Option<E | E2>>),
            (cause) => isEnd(cause) ? Effect.void : Effect.failCause(failure(cause))
          )
        })
      ) as Effect.Effect<void, E | E2, R | R2>,
    (scope, exit) => Scope.close(scope, exit)
  )
