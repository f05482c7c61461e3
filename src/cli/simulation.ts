/** What `--simulate` means for a command. The simulated model itself is loaded when it is asked (`simulated.ts`). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usage } from "./CliError.ts"

/** The model's name where none is given. */
export const model = "simulated-model"

/** Which thread to go on with, if any. One that is simulated ends with its process. */
export const check = (input: {
  readonly simulate: boolean
  readonly thread: Option.Option<string>
  readonly continue: boolean
}) =>
  input.continue && Option.isSome(input.thread)
    ? Effect.fail(usage("--continue and --thread exclude each other"))
    : input.simulate && (input.continue || Option.isSome(input.thread))
    ? Effect.fail(
      usage(
        "--simulate keeps no threads: it cannot go on with one",
        "A server of simulated threads: openai-threads simulate"
      )
    )
    : Effect.void
