import { Console, Effect } from "effect"
import { Run, type Thread, Threads } from "effect-openai-threads"

const write = (text: string) => Effect.sync(() => process.stdout.write(text))

/** The same with a function per event; it gives what the run came to. */
export const print = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    return yield* threads.run(id).pipe(
      Run.handle({
        HostedToolProgress: ({ phase, tool }) => Console.log(`[${tool}: ${phase}]`),
        TextDelta: ({ delta }) => write(delta)
      })
    )
  })
