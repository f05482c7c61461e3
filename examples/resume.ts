import { Effect, Stream } from "effect"
import { Cursor, type RunEvent, type Thread, Threads } from "effect-openai-threads"

/** In one process: begins a run that goes on whatever becomes of its readers, and gives where it stands. */
export const begin = (id: Thread.ThreadId, message: string) =>
  Effect.flatMap(Threads.Threads, (threads) => Effect.map(threads.start(id, { message }), Cursor.encode))

/** In the same process or another, at any time, as often as one likes: reads on behind a cursor, and keeps the next one. */
export const readOn = (cursor: string, see: (event: RunEvent.RunEvent, cursor: string) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const run = threads.resume(yield* Cursor.decode(cursor))
    yield* Stream.runForEach(run, (event) => see(event, Cursor.encode(Cursor.fromEvent(event))))
  })
