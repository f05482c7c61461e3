import { Effect } from "effect"
import { Run, Threads } from "effect-openai-threads"

export const greet = (name: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create()
    return yield* Run.text(threads.run(thread.id, { message: `Greet ${name} in one line.` }))
  })
