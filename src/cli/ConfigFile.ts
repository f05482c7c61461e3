/** The configuration files: one of the user, one of the project. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { configuration } from "./CliError.ts"

const text = Schema.optional(Schema.NonEmptyString)

/** What both files may have. */
export const ConfigFile = Schema.Struct({
  baseUrl: text,
  organization: text,
  project: text,
  model: text,
  assistant: text,
  /** A file of assistants; a relative path starts where the configuration file is. */
  assistants: text,
  instructions: text,
  color: Schema.optional(Schema.Literal("auto", "always", "never")),
  /** A command that prints the API key. Heeded in the user's file only. */
  apiKeyCommand: text
})

export type ConfigFile = typeof ConfigFile.Type

export const keys = Object.keys(ConfigFile.fields) as ReadonlyArray<keyof ConfigFile>

const decode = Schema.decodeUnknownEither(ConfigFile, { onExcessProperty: "error" })

export const projectFile = "openai-threads.json"

/** Where the user's file is, if the user has a home. Source: XDG Base Directory Specification. */
export const userFile = Effect.gen(function*() {
  const paths = yield* Path.Path
  const named = (name: string) => Effect.orElseSucceed(Config.option(Config.nonEmptyString(name)), Option.none<string>)
  const home = Option.map(yield* named("HOME"), (home) => paths.join(home, ".config"))
  const base = Option.orElse(yield* named("XDG_CONFIG_HOME"), () => home)
  return Option.getOrUndefined(Option.map(base, (base) => paths.join(base, "openai-threads", "config.json")))
})

/** The content of a configuration file; nothing where there is none. */
export const read = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const content = yield* fs.readFileString(path).pipe(
      Effect.asSome,
      Effect.catchAll((error) =>
        error._tag === "SystemError" && error.reason === "NotFound"
          ? Effect.succeedNone
          : Effect.fail(configuration(`${path} cannot be read`))
      )
    )
    if (Option.isNone(content)) return {}
    const json: unknown = yield* Effect.try({
      try: () => JSON.parse(content.value.replace(/^\u{feff}/u, "")),
      catch: () => configuration(`${path} is not valid JSON`)
    })
    const decoded = decode(json)
    if (Either.isLeft(decoded)) {
      const issue = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)[0]
      const field = issue?.path.map(String).join(".") ?? ""
      return yield* (issue?._tag === "Unexpected"
        ? configuration(`${path} has an unknown key "${field}"`, `Known keys: ${keys.join(", ")}.`)
        : configuration(`${path}${field === "" ? "" : `, key "${field}"`}: ${issue?.message ?? "it is not valid"}`))
    }
    const { assistants, ...config } = decoded.right
    const found: ConfigFile = assistants === undefined
      ? config
      : { ...config, assistants: paths.resolve(paths.dirname(path), assistants) }
    return found
  })
