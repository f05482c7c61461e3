/** A program whose end takes for ever once it was asked to end. */
import * as Effect from "effect/Effect"
import { cancellable, watchSignals } from "../../../src/cli/signals.ts"

watchSignals()

const say = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

Effect.runFork(cancellable(
  Effect.onInterrupt(
    Effect.zipRight(say("ready"), Effect.never),
    () => Effect.zipRight(say("cancelling"), Effect.never)
  )
))
setInterval(() => {}, 1000)
