/** Writes what the calls of a run lack, before anybody hears of its end. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ThreadError } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import type { RunState } from "./runState.ts"
import { bounded } from "./stop.ts"

/**
 * Whoever stops the run meanwhile waits for it, for a while, since what is on its way would be written once more otherwise.
 * What could not be written is closed by the run that comes next.
 */
export const pay = (
  run: RunState,
  writer: ThreadStore.Writer,
  items: ReadonlyArray<ThreadStore.WireItem>
): Effect.Effect<void, ThreadError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(writer.answer(items))), (writing) => {
      const paid = Effect.sync(() => run.owed.clear())
      const stopped = Effect.ignore(bounded(run, Fiber.await(writing))).pipe(
        Effect.zipRight(Fiber.interruptFork(writing)),
        Effect.zipRight(paid)
      )
      return Effect.zipRight(Effect.onInterrupt(restore(Fiber.join(writing)), () => stopped), paid)
    })
  )
