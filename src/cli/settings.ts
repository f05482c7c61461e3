/** What is set, and where: flags before the environment, before the project's file, before the user's. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { configuration } from "./CliError.ts"
import { type ConfigFile, projectFile, read, userFile } from "./ConfigFile.ts"
import { setColor } from "./streams.ts"
import { warn } from "./terminal.ts"

export interface Setting {
  readonly value: string
  /** `flag`, the name of a variable, or a file. */
  readonly from: string
}

export type Settings = { readonly [Key in keyof ConfigFile]-?: Setting | undefined }

/** The settings that are given as flags. */
export interface Given {
  readonly baseUrl?: Option.Option<string> | undefined
  readonly model?: Option.Option<string> | undefined
  readonly assistant?: Option.Option<string> | undefined
  readonly assistants?: Option.Option<string> | undefined
  readonly instructions?: Option.Option<string> | undefined
  readonly color?: Option.Option<string> | undefined
}

const variables: { readonly [Key in keyof ConfigFile]?: string } = {
  baseUrl: "OPENAI_BASE_URL",
  organization: "OPENAI_ORG_ID",
  project: "OPENAI_PROJECT_ID",
  model: "OPENAI_MODEL",
  assistant: "OPENAI_ASSISTANT_ID",
  /** Whatever its value is, it means that there is to be none. Source: no-color.org. */
  color: "NO_COLOR"
}

const fromEnvironment = (key: keyof ConfigFile) => {
  const name = variables[key]
  return name === undefined
    ? Effect.succeedNone
    : Effect.map(
      Effect.orElseSucceed(Config.option(Config.nonEmptyString(name)), Option.none<string>),
      Option.map((value): Setting => ({ value: key === "color" ? "never" : value, from: name }))
    )
}

/** Reads both files and puts everything together. What a project's file must not say is refused or warned of. */
export const load = (given: Given) =>
  Effect.gen(function*() {
    const userPath = yield* userFile
    const user = userPath === undefined ? {} : yield* read(userPath)
    const { apiKeyCommand: foreign, ...project } = yield* read(projectFile)
    if (foreign !== undefined) {
      yield* warn(
        `${projectFile}: apiKeyCommand is ignored, since a project must not run commands; it belongs in ${
          userPath ?? "the user's file"
        }`
      )
    }
    const setting = (key: keyof ConfigFile) =>
      Effect.gen(function*() {
        const flag = key in given ? Option.getOrUndefined(given[key as keyof Given] ?? Option.none()) : undefined
        if (flag !== undefined) return { value: flag, from: "flag" }
        const variable = yield* fromEnvironment(key)
        if (Option.isSome(variable)) return variable.value
        const inProject = key === "apiKeyCommand" ? undefined : project[key]
        if (inProject !== undefined) return { value: inProject, from: projectFile }
        const inUser = user[key]
        return inUser === undefined ? undefined : { value: inUser, from: userPath ?? "" }
      })
    const settings: Settings = yield* Effect.all({
      baseUrl: setting("baseUrl"),
      organization: setting("organization"),
      project: setting("project"),
      model: setting("model"),
      assistant: setting("assistant"),
      assistants: setting("assistants"),
      instructions: setting("instructions"),
      color: setting("color"),
      apiKeyCommand: setting("apiKeyCommand")
    })
    if (settings.baseUrl?.from === projectFile && !isLocal(settings.baseUrl.value)) {
      return yield* configuration(
        `${projectFile}: baseUrl names another machine, which would get your key and your questions`,
        `If that is meant, set it in OPENAI_BASE_URL${userPath === undefined ? "" : ` or ${userPath}`}.`
      )
    }
    setColor((settings.color?.value ?? "auto") as "auto" | "always" | "never")
    return settings
  })

/** A project's file comes with what was checked out, and somebody else may have written it. */
const isLocal = (url: string) =>
  URL.canParse(url) && ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname)
