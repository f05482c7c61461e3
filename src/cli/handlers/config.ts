/** `config`: what is set, and where. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { configuration } from "../CliError.ts"
import type * as Specs from "../commands/config.ts"
import { keys, userFile } from "../ConfigFile.ts"
import * as Secrets from "../secrets.ts"
import * as Settings from "../settings.ts"
import type { InputOf } from "../Spec.ts"
import { stdout } from "../terminal.ts"

/** The version of what `--json` prints. */
const v = 1

/** A URL may carry a password, and an instruction may be long. */
const shown = (value: string): string => {
  if (URL.canParse(value)) {
    const url = new URL(value)
    if (url.username !== "" || url.password !== "") {
      url.username = url.password === "" ? "***" : url.username
      url.password = url.password === "" ? "" : "***"
      return url.href
    }
  }
  return value
}

export const show = (input: InputOf<typeof Specs.show>) =>
  Effect.gen(function*() {
    const settings = yield* Settings.load(input)
    const key = yield* Effect.orElseSucceed(Config.option(Config.nonEmptyString("OPENAI_API_KEY")), Option.none<string>)
    const apiKey: Settings.Setting | undefined = Option.isSome(key)
      ? { value: "***", from: "OPENAI_API_KEY" }
      : undefined
    const all = { apiKey, ...settings }
    const set = (["apiKey", ...keys] as const).flatMap((name) => {
      const setting = all[name]
      if (setting === undefined) return []
      const value = name === "apiKeyCommand" ? Secrets.withoutArguments(setting.value) : shown(setting.value)
      return [{ name, value, from: setting.from }]
    })
    if (input.json) return yield* stdout.write(`${JSON.stringify({ v, settings: set })}\n`)
    yield* stdout.write(
      set.length === 0
        ? "nothing is set\n"
        : set.map(({ from, name, value }) => `${name} = ${JSON.stringify(value)}  (${from})\n`).join("")
    )
  })

export const path = Effect.flatMap(userFile, (path) =>
  path === undefined
    ? Effect.fail(configuration("there is no place for a user's file", "Set HOME or XDG_CONFIG_HOME."))
    : stdout.write(`${path}\n`))
