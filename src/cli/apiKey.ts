/** Where the key comes from: never from the command line. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type CliError, configuration } from "./CliError.ts"
import * as Secrets from "./secrets.ts"
import type { Settings } from "./settings.ts"
import { readLine } from "./stdin.ts"

/** A server of one's own that asks for no key gets this one. */
const noKey = "no-key"

/** The key, from standard input, `OPENAI_API_KEY` or the user's command. */
export const apiKey = (settings: Settings, fromStdin: boolean): Effect.Effect<Redacted.Redacted, CliError> =>
  Effect.gen(function*() {
    if (fromStdin) {
      const line = (yield* readLine).trim()
      if (line === "") {
        return yield* configuration("there is no key on standard input", "Pipe it in: … --key-stdin < FILE")
      }
      return yield* keep(line, "the key on standard input")
    }
    const key = yield* Effect.orElseSucceed(Config.option(Config.nonEmptyString("OPENAI_API_KEY")), Option.none<string>)
    if (Option.isSome(key)) return yield* keep(key.value, "OPENAI_API_KEY")
    if (settings.apiKeyCommand !== undefined) {
      return yield* keep(yield* output(settings.apiKeyCommand.value), "the key that apiKeyCommand printed")
    }
    if (settings.baseUrl !== undefined) return Redacted.make(noKey)
    return yield* configuration(
      "there is no API key",
      "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a local server, or try a simulated model with --simulate."
    )
  })

/** A header cannot carry other characters than a key has. */
const keep = (key: string, what: string): Effect.Effect<Redacted.Redacted, CliError> => {
  Secrets.keep(key)
  return /^[\x21-\x7e]+$/.test(key)
    ? Effect.succeed(Redacted.make(key))
    : Effect.fail(configuration(
      `${what} has characters that a key cannot have`,
      "A space or a line break is the usual one: copy it again."
    ))
}

/** The first line of what the command prints. It may ask on the terminal, so it has standard error. */
const output = (command: string): Effect.Effect<string, CliError> =>
  Effect.async((resume) => {
    // Loaded for those who have such a command.
    const { execFile } = process.getBuiltinModule("node:child_process")
    const failed = (why: string) =>
      resume(Effect.fail(configuration(`apiKeyCommand ${why}`, `It is: ${Secrets.withoutArguments(command)}`)))
    const child = execFile("sh", ["-c", command], (error, stdout) => {
      const [line = ""] = stdout.split("\n", 1)
      if (error !== null) failed(`failed (${error.code ?? error.signal ?? "unknown"})`)
      else if (line.trim() === "") failed("printed no key")
      else resume(Effect.succeed(line.trim()))
    })
    // What is piped in is the question, and nothing for it to read.
    child.stdin?.end()
    child.stderr?.pipe(process.stderr, { end: false })
    return Effect.sync(() => child.kill())
  })
