/** Makes a thread usable that was left in the middle of something. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as RunLog from "../../RunLog.ts"
import type { ThreadId } from "../../Thread.ts"
import { ThreadBusy, type ThreadError } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { makeId } from "../ids.ts"
import * as Leases from "../leases.ts"
import type { Services } from "./services.ts"

export const reconcile = (
  { store }: Services,
  threadId: ThreadId,
  waiting: ThreadStore.Waiting = {}
): Effect.Effect<ThreadStore.Reconciled, ThreadError> =>
  Effect.flatMap(RunLog.RunLog, (log) => {
    const outputOf: ThreadStore.OutputOf = (callId) =>
      Effect.map(
        log.find(threadId, callId),
        (state) => Option.isSome(state) && state.value._tag === "Done" ? state.value.output : undefined
      )
    return Effect.scoped(Effect.gen(function*() {
      const ticket = yield* store.open(threadId, waiting)
      const writer = yield* ticket.ready
      const mending = writer.reconcile(outputOf)
      return yield* log === RunLog.none ? mending : alone(log, threadId, waiting, mending)
    }))
  })

/** Nobody else is at the calls of the thread meanwhile. */
const alone = <A, E>(
  log: RunLog.Service,
  threadId: ThreadId,
  waiting: ThreadStore.Waiting,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E | ThreadBusy> =>
  Effect.flatMap(makeId("writer"), (owner) => {
    const lost: Effect.Effect<never, ThreadBusy> = Effect.flatMap(
      Effect.delay(log.lease(threadId, owner, Leases.leaseTime), Leases.leaseRenewal),
      (isMine) => isMine ? lost : new ThreadBusy({ threadId, why: "running" })
    )
    return Leases.takeThread(log, threadId, owner, waiting, Effect.sleep).pipe(
      Effect.zipRight(Effect.raceFirst(effect, lost)),
      Effect.ensuring(log.lease(threadId, owner, Duration.zero))
    )
  })
