import { Duration, Effect } from "effect"
import { Run, type Thread, Threads } from "effect-openai-threads"

export const answer = (id: Thread.ThreadId, message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    return yield* Run.text(threads.run(id, { message, onBusy: "reject" }))
  }).pipe(
    Effect.catchTags({
      RateLimited: ({ retryAfter }) =>
        Effect.succeed(`Try again in ${Duration.format(retryAfter ?? Duration.minutes(1))}.`),
      ThreadBusy: ({ why }) => Effect.succeed(`One question at a time, please (${why}).`),
      RunIncomplete: ({ partial, reason }) => Effect.succeed(`${partial} [cut: ${reason}]`)
    })
  )
