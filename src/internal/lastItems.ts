/** Reads the end of a thread. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** How far back is looked at least: one page. */
const page = 100

/** How far back is looked at most. */
const looksBack = 1_000

/**
 * The last items of a thread, oldest first: a page, and as many more as it takes until one is enough. Says whether these
 * are all.
 */
export const lastOf = <A, E>(
  newestFirst: Stream.Stream<A, E>,
  making: () => (item: A) => boolean
): Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly isWhole: boolean }, E> =>
  Effect.suspend(() => {
    const isEnough = making()
    let count = 0
    let isFound = false
    let isWhole = true
    const read = Stream.takeUntil(newestFirst, (item) => {
      isFound = isEnough(item) || isFound
      count++
      isWhole = count < looksBack && !(isFound && count >= page)
      return !isWhole
    })
    return Effect.map(Stream.runCollect(read), (items) => ({
      items: Chunk.toReadonlyArray(items).toReversed(),
      isWhole
    }))
  })
