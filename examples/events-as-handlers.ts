import { Console, Effect } from "effect"
import { Run, type Thread, Threads } from "effect-openai-threads"

/** The same with a function per event, and what the run came to. */
export const print = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const result = yield* threads.run(id).pipe(
      Run.handle({
        HostedToolProgress: ({ phase, tool }) => Console.log(`[${tool}: ${phase}]`),
        TextDelta: ({ delta }) => Console.log(delta)
      })
    )
    yield* Console.log(`${result.status}, ${result.usage.total} tokens`)
  })
