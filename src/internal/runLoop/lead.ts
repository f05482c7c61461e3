/**
 * What a run tells a log while it goes on: that it drives the run, and nobody else, and that it is at the calls of its
 * thread. Without a log that remembers, none of this does anything.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { ResumeError, RunCancelled } from "../../RunError.ts"
import type { ThreadBusy } from "../../ThreadError.ts"
import * as Leases from "../leases.ts"
import type { RunState } from "./runState.ts"
import { bounded, endTime, pause } from "./stop.ts"

/** How often a run asks whether it is wanted still. */
const lookTime = "1 second"

/** Whether all that is its own still is. */
const renew = ({ leases, plan: { log, owner } }: RunState): Effect.Effect<boolean> =>
  Effect.every(leases, ([key, isMine]) => isMine ? log.lease(key, owner, Leases.leaseTime) : Effect.succeed(true))

/** Says that this one drives the run, for as long as it does; fails where somebody else does. */
export const lead = Effect.fnUntraced(function*(run: RunState) {
  const { busy, leases, plan: { runId } } = run
  leases.set(runId, true)
  const leading = run.leading = yield* Scope.fork(busy, busy.strategy)
  yield* Scope.addFinalizer(leading, giveBack(run))
  yield* stillLeads(run)
  yield* Effect.forkIn(watch(run), leading)
})

/** Lets others. Where that cannot be said, its time runs out. */
const giveBack = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { leases, plan: { log, owner } } = run
    const keys = Array.from(leases.keys())
    leases.clear()
    return keys.length === 0 ? Effect.void : Effect.ignore(bounded(
      run,
      Effect.forEach(keys, (key) => orElse(log.lease(key, owner, Duration.zero), false), { discard: true })
    ))
  })

/** Whoever goes on with a run has asked for its place, or asks for it while somebody else has it: it is given back too. */
export const giveBackPlace = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { busy, from, isRemembered, leases, plan: { runId } } = run
    if (from === undefined || from.isSettled || !isRemembered) return Effect.void
    leases.set(runId, false)
    return Scope.addFinalizer(busy, giveBack(run))
  })

/** Looks whether the run is wanted, and says that it goes on. One that is stopped says so no more: its time runs out. */
const watch = Effect.fnUntraced(function*(run: RunState) {
  let renewed = yield* Clock.currentTimeMillis
  for (;;) {
    yield* Effect.sleep(lookTime)
    // A log that cannot be read for a while is asked again.
    if (yield* orElse(isUnwanted(run), false)) return yield* cancelled(run)
    const now = yield* Clock.currentTimeMillis
    if (now - renewed < Duration.toMillis(Leases.leaseRenewal)) continue
    const isMine = yield* orElse(renew(run), undefined)
    if (isMine === false) return yield* oust(run)
    if (isMine) renewed = now
  }
})

/** What is meant where a log cannot be asked. */
const orElse = <A>(asked: Effect.Effect<boolean>, otherwise: A): Effect.Effect<boolean | A> =>
  Effect.catchAllDefect(asked, () => Effect.succeed(otherwise))

/** Asked before anything that nobody else may do too. */
export const leads = (run: RunState): Effect.Effect<void, RunCancelled | ThreadBusy> => {
  if (!run.isRemembered) return Effect.void
  const failing = Effect.suspend(() => Effect.fail(run.cancellation))
  return Effect.gen(function*() {
    if (!(yield* renew(run))) return yield* Effect.zipRight(oust(run), failing)
    if (yield* isUnwanted(run)) return yield* Effect.zipRight(cancelled(run), failing)
  })
}

export const stillLeads = (run: RunState): Effect.Effect<void, Option.Option<ResumeError>> =>
  run.isRemembered ? run.failing(leads(run)) : Effect.void

/**
 * Nobody else makes, answers or closes calls of the thread until the run is over: what it answers is in the thread only
 * with the next response. Others may have answered some before.
 */
export const takeThread = (
  run: RunState,
  waiting = run.plan.waiting
): Effect.Effect<void, RunCancelled | ThreadBusy> => {
  const { leases, plan: { log, owner, threadId } } = run
  if (!run.isRemembered || leases.get(threadId) === true) return Effect.void
  const waits = (time: Duration.Duration) =>
    Effect.flatMap(pause(run, time), () => run.isStopped ? Effect.fail(run.cancellation) : leads(run))
  return Effect.suspend(() => {
    // It is given back even if nobody hears that it was taken.
    leases.set(threadId, false)
    return Effect.tap(
      Leases.takeThread(log, threadId, owner, waiting, waits),
      () => Effect.sync(() => leases.set(threadId, true))
    )
  })
}

/** A run that another process has begun has its turn first, since its calls are to be closed. */
const isUnwanted = ({ from, plan: { log, runId }, self }: RunState): Effect.Effect<boolean> =>
  from !== undefined && !self.hasTurn ? Effect.succeed(false) : log.isCancelled(runId)

/** Whether nobody else answers the calls of the thread; whoever does leaves none open. */
export const mayAnswer = (run: RunState): Effect.Effect<boolean> => {
  const { leases, plan: { log, owner, threadId } } = run
  return !run.isRemembered
    ? Effect.succeed(true)
    : orElse(
      leases.get(threadId) === true
        ? log.lease(threadId, owner, Leases.leaseTime)
        : Effect.isSuccess(takeThread(run, { onBusy: "reject" })),
      false
    )
}

/** Whether another process goes on with the run, or is at the calls of its thread. This one may have left it long ago. */
export const isTheirs = (run: RunState): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const { isOusted, isRemembered, plan: { log, runId, threadId }, services: { active } } = run
    if (isOusted || !isRemembered) return Effect.succeed(isOusted)
    const mine = active.byThread.get(threadId)?.leases
    const isAnyTheirs = Effect.exists([runId, threadId], (key) =>
      mine?.get(key) === true
        ? Effect.succeed(false)
        : Effect.map(orElse(log.lease(key, "nobody", Duration.zero), false), (isFree) => !isFree))
    return Effect.timeoutTo(isAnyTheirs, { duration: endTime, onSuccess: identity, onTimeout: () => true })
  })

/** As if it had been cancelled here. */
const cancelled = (run: RunState): Effect.Effect<void> =>
  // Whoever cancelled it hears of an answer that goes on.
  Effect.ignore(run.loop.stop(run))

/** Somebody else took this one for dead, and drives the run: it goes on there. */
const oust = (run: RunState): Effect.Effect<void> =>
  Effect.suspend(() => {
    run.isOusted = true
    run.self.end = run.cancellation
    // Nothing is cancelled, so nothing fails.
    return Effect.orDie(run.loop.stop(run))
  })
