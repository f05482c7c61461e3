/**
 * One writer for each key, first come first served. Waiting is interruptible and bounded, and a key that nobody holds
 * or waits for leaves nothing behind.
 *
 * A holder is known to the fiber that took the lock, and to those it forks: a second request from within would wait for
 * itself, so it is told at once.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Scope from "effect/Scope"

interface Holder {
  released: boolean
  /** Fails when it gives up its place. */
  readonly turn: Deferred.Deferred<void, Refusal>
}

/** Why the lock was not given. */
export type Refusal = "running" | "deadline" | "ownRun" | "full"

/** A place in the queue. `position` is 0 when nobody is before it. */
interface Ticket {
  readonly position: number
  /** Waits until it is this ticket's turn; fails when that takes too long. */
  readonly ready: Effect.Effect<void, Refusal>
}

export interface KeyedLock {
  /** Queues up; the place, and then the lock, is given back with the scope. */
  readonly request: (key: string, options: {
    readonly wait: boolean
    readonly deadline: Duration.DurationInput
    /** How many may wait. */
    readonly limit?: number | undefined
  }) => Effect.Effect<Ticket, Refusal, Scope.Scope>
  /** How many keys are held or waited for. */
  readonly size: () => number
}

/** How long is waited for a thread, unless somebody says otherwise. */
export const busyTimeoutByDefault = Duration.minutes(5)

/** The locks that a fiber holds, or that were held where it was forked. */
export const held = globalValue(
  "effect-openai-threads/keyedLock/held",
  () => FiberRef.unsafeMake<ReadonlyArray<Holder>>([])
)

export const make = (): KeyedLock => {
  const queues = new Map<string, Array<Holder>>()

  const leave = (key: string, holder: Holder) =>
    Effect.suspend(() => {
      holder.released = true
      const queue = queues.get(key) ?? []
      const place = queue.indexOf(holder)
      queue.splice(place, 1)
      if (queue.length === 0) queues.delete(key)
      const next = place === 0 ? queue[0] : undefined
      Deferred.unsafeDone(holder.turn, Effect.fail("deadline"))
      return Effect.zipRight(
        FiberRef.update(held, (holders) => holders.filter((one) => !one.released)),
        next === undefined ? Effect.void : Deferred.succeed(next.turn, undefined)
      )
    })

  const enter = (key: string, wait: boolean, limit: number) =>
    Effect.flatMap(FiberRef.get(held), (own) =>
      Effect.suspend(() => {
        const queue = queues.get(key) ?? []
        if (queue[0] !== undefined && own.includes(queue[0])) return Effect.fail<Refusal>("ownRun")
        if (queue.length > 0 && !wait) return Effect.fail<Refusal>("running")
        if (queue.length > limit) return Effect.fail<Refusal>("full")
        const holder: Holder = { released: false, turn: Deferred.unsafeMake<void, Refusal>(FiberId.none) }
        const position = queue.push(holder) - 1
        queues.set(key, queue)
        return Effect.succeed({ holder, position })
      }))

  return {
    size: () => queues.size,
    request: Effect.fnUntraced(function*(key, { deadline, limit = Number.POSITIVE_INFINITY, wait }) {
      const { holder, position } = yield* enter(key, wait, limit)
      yield* Scope.addFinalizer(yield* Effect.scope, leave(key, holder))
      const isMine = FiberRef.update(held, (holders) => [...holders.filter((one) => !one.released), holder])
      const turn = Effect.timeoutFail(Deferred.await(holder.turn), {
        duration: deadline,
        onTimeout: (): Refusal => "deadline"
      })
      return { position, ready: position === 0 ? isMine : Effect.zipRight(turn, isMine) }
    }, Effect.uninterruptible)
  }
}
