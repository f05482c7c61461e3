/** The configuration files: one of the user, one of the project. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { type CliError, configuration } from "./CliError.ts"
import * as Xdg from "./xdg.ts"

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

export const projectFile = "openai-threads.json"

/** Where the user's file is, if the user has a home. */
export const userFile = Xdg.file("XDG_CONFIG_HOME", ".config", "config.json")

/** Read at once, since it is small and everything waits for it. */
const contentOf = (path: string): Either.Either<string | undefined, CliError> => {
  try {
    return Either.right(readFileSync(path, "utf8"))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? Either.right(undefined)
      : Either.left(configuration(`${path} cannot be read`))
  }
}

/** The content of a configuration file; nothing where there is none. */
export const read = (path: string): Effect.Effect<ConfigFile, CliError> =>
  Effect.gen(function*() {
    const content = yield* contentOf(path)
    if (content === undefined) return {}
    const json: unknown = yield* Effect.try({
      try: () => JSON.parse(content.replace(/^\u{feff}/u, "")),
      catch: () => configuration(`${path} is not valid JSON`)
    })
    if (!Predicate.isRecord(json)) {
      return yield* configuration(`${path} is not a JSON object`, `Known keys: ${keys.join(", ")}.`)
    }
    const decoded = Schema.decodeUnknownEither(ConfigFile, { onExcessProperty: "error" })(json)
    if (Either.isLeft(decoded)) {
      const issue = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)[0]
      const field = issue?.path.map(String).join(".") ?? ""
      return yield* (issue?._tag === "Unexpected"
        ? configuration(`${path} has an unknown key "${field}"`, `Known keys: ${keys.join(", ")}.`)
        : configuration(`${path}${field === "" ? "" : `, key "${field}"`}: ${issue?.message ?? "it is not valid"}`))
    }
    const { assistants, ...config } = decoded.right
    return assistants === undefined ? config : { ...config, assistants: resolve(dirname(path), assistants) }
  })
