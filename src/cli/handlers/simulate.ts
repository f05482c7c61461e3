/** `simulate`: a server that speaks OpenAI's language, for trying things out. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Simulator from "../../testing/Simulator.ts"
import { usage } from "../CliError.ts"
import type { simulate as spec } from "../commands/simulate.ts"
import * as Settings from "../settings.ts"
import { script } from "../simulated.ts"
import type { InputOf } from "../Spec.ts"
import { stderr, stdout } from "../terminal.ts"

/** Its base URL is all that it says on standard output, so that a script can read it. */
export const simulate = ({ color, latency, port }: InputOf<typeof spec>) =>
  Effect.scoped(Effect.gen(function*() {
    yield* Settings.load({ color })
    const number = Option.getOrElse(port, () => 0)
    const pause = Option.getOrElse(latency, () => 0)
    if (number < 0 || number > 65_535) return yield* usage(`--port: ${number} is no port`)
    if (pause < 0) return yield* usage(`--latency: ${pause} is no time`)
    const simulator = yield* Simulator.make(script(Duration.millis(pause)))
    const { url } = yield* Effect.mapError(
      simulator.serve({ port: number }),
      ({ reason }) =>
        usage(
          `port ${number} cannot be used: ${reason.includes("EADDRINUSE") ? "it is in use" : reason}`,
          "Without --port a free one is taken."
        )
    )
    yield* stdout.write(`${url}\n`)
    yield* stderr.write(`A simulated OpenAI answers there. Use it with OPENAI_BASE_URL=${url}; Ctrl-C ends it.\n`)
    return yield* Effect.never
  }))
