import { Console, Duration, Effect, Layer } from "effect"
import { RetryPolicy, Run, type Thread, Threads, Timeouts } from "effect-openai-threads"

/** Tells of each wait; the answer gets into the thread even if nobody waits for it. */
export const ask = (id: Thread.ThreadId, message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { text } = yield* threads.run(id, { message, timeout: "10 minutes", onStop: "detach" }).pipe(
      Run.handle({
        Retrying: ({ delay, reason }) => Console.error(`${reason}, again in ${Duration.format(delay)}`)
      })
    )
    return text
  })

/** For a part of a program: fewer attempts than by default, and less patience with a silent server. */
export const impatient = Layer.merge(
  RetryPolicy.layer(RetryPolicy.make({ attempts: 2, budget: "30 seconds" })),
  Timeouts.layer({ firstByte: "20 seconds", idle: "1 minute" })
)
