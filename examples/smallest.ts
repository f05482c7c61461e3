import { Console, Effect } from "effect"
import { Threads } from "effect-openai-threads"
import { greet } from "./greet.ts"

const program = Effect.flatMap(greet("Ada"), Console.log)

Effect.runPromise(program.pipe(Effect.provide(Threads.layerConfig)))
