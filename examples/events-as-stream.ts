import { Console, Effect, Stream } from "effect"
import { Run, type Thread, Threads } from "effect-openai-threads"

const write = (text: string) => Effect.sync(() => process.stdout.write(text))

/** Prints the text as it comes, and a line for each step of a hosted tool. */
export const print = (id: Thread.ThreadId) =>
  Stream.unwrap(Effect.map(Threads.Threads, (threads) => threads.run(id))).pipe(
    Stream.tap((event) =>
      event._tag === "HostedToolProgress" ? Console.log(`[${event.tool}: ${event.phase}]`) : Effect.void
    ),
    Run.deltas,
    Stream.runForEach(write)
  )
