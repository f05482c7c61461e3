/** Who drives a run, and who is at the calls of a thread, where a log tells it to other processes. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as RunLog from "../RunLog.ts"
import type { ThreadId } from "../Thread.ts"
import { ThreadBusy } from "../ThreadError.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { busyTimeoutByDefault } from "./keyedLock.ts"

/** How long a process that has died may be taken for one that lives. */
export const leaseTime = Duration.seconds(30)

/** How often a process says that it lives. */
export const leaseRenewal = Duration.seconds(10)

/** Waits until nobody else is at the calls of a thread. `pause` is how. */
export const takeThread = <E>(
  log: RunLog.Service,
  threadId: ThreadId,
  owner: string,
  { busyTimeout = busyTimeoutByDefault, onBusy = "enqueue" }: ThreadStore.Waiting,
  pause: (time: Duration.Duration) => Effect.Effect<void, E>
): Effect.Effect<void, E | ThreadBusy> =>
  Effect.gen(function*() {
    const take = log.lease(threadId, owner, leaseTime)
    if (yield* take) return
    if (onBusy === "reject") return yield* new ThreadBusy({ threadId, why: "running" })
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(busyTimeout)
    for (;;) {
      const left = deadline - (yield* Clock.currentTimeMillis)
      if (left <= 0) return yield* new ThreadBusy({ threadId, why: "deadline" })
      // Not all at once, where many wait.
      yield* pause(Duration.millis(Math.min(left, yield* Random.nextIntBetween(250, 500))))
      if (yield* take) return
    }
  })
