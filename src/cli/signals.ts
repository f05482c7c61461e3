/**
 * Ctrl-C and SIGTERM: the first cancels what is going on, the second ends the program at once.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { exitCodes } from "./exitCodes.ts"

interface Cancellable {
  cancelled: boolean
  readonly cancel: () => void
}

/** What the next signal cancels is last. One process has one set of signals. */
const running: Array<Cancellable> = []

const onSignal = () => {
  const current = running.at(-1)
  if (current === undefined || current.cancelled) process.exit(exitCodes.interrupted)
  current.cancelled = true
  current.cancel()
}

/** From now on, signals cancel what runs in {@link cancellable}. */
export const watchSignals = () => {
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
}

/**
 * Runs an effect that the next signal interrupts, and gives how it ended. While it is being interrupted, a second signal
 * ends the program. Of nested ones the innermost is cancelled.
 */
export const cancellable = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.scoped(Effect.gen(function*() {
    const fiber = yield* Effect.forkScoped(effect)
    const entry: Cancellable = { cancelled: false, cancel: () => fiber.unsafeInterruptAsFork(fiber.id()) }
    yield* Effect.acquireRelease(
      Effect.sync(() => running.push(entry)),
      () => Effect.sync(() => running.splice(running.indexOf(entry), 1))
    )
    return yield* Fiber.await(fiber)
  }))
