/** What `--simulate` means for a command. The simulated model itself is loaded when it is asked (`simulated.ts`). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usage } from "./CliError.ts"

/** The model's name where none is given. */
export const model = "simulated-model"

/** Its threads end with the process. */
export const check = ({ simulate, thread }: {
  readonly simulate: boolean
  readonly thread: Option.Option<string>
}) =>
  simulate && Option.isSome(thread)
    ? Effect.fail(
      usage(
        "--simulate keeps no threads: it cannot go on with one",
        "A server of simulated threads: openai-threads simulate"
      )
    )
    : Effect.void
