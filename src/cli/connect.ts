/** The layers of a command: from what is set to threads, assistants and OpenAI. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Assistants from "../Assistants.ts"
import * as OpenAI from "../OpenAI.ts"
import type { InvalidInput } from "../OpenAIError.ts"
import * as Threads from "../Threads.ts"
import * as ThreadStore from "../ThreadStore.ts"
import { apiKey } from "./apiKey.ts"
import { type CliError, configuration } from "./CliError.ts"
import { fetch } from "./http/fetch.ts"
import type { Setting, Settings } from "./settings.ts"
import { warn } from "./terminal.ts"

export interface Choice {
  readonly keyStdin: boolean
  readonly simulate: boolean
}

/** The assistants of the file that is set, or none. */
export const assistants = (
  settings: Settings
): Layer.Layer<Assistants.Assistants, Assistants.AssistantsFileInvalid, FileSystem.FileSystem | Path.Path> =>
  settings.assistants === undefined ? Assistants.layer([]) : Assistants.layerFile(settings.assistants.value)

const live = (settings: Settings, choice: Choice): Layer.Layer<OpenAI.OpenAI, CliError | InvalidInput> =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const { baseUrl, organization, project } = settings
    if (baseUrl !== undefined && !isWeb(baseUrl.value)) {
      return yield* configuration(
        `the base URL is no URL (from ${placeOf(baseUrl, "--base-url")})`,
        "It begins with http:// or https://, and mostly ends with /v1."
      )
    }
    if (baseUrl !== undefined && hasPassword(baseUrl.value)) {
      return yield* configuration(
        `the base URL has a user or a password in it (from ${placeOf(baseUrl, "--base-url")})`,
        "Leave them out: what is sent is the key, which OPENAI_API_KEY has."
      )
    }
    for (const [name, setting] of [["OPENAI_ORG_ID", organization], ["OPENAI_PROJECT_ID", project]] as const) {
      if (setting !== undefined && !/^[\x21-\x7e]+$/.test(setting.value)) {
        return yield* configuration(
          `${name} has a character that an id cannot have (from ${placeOf(setting, name)})`,
          "A space or a line break at its end is the usual one."
        )
      }
    }
    return OpenAI.layer({
      apiKey: yield* apiKey(settings, choice.keyStdin),
      baseUrl: baseUrl?.value,
      organization: organization?.value,
      project: project?.value,
      fetch
    })
  }))

/** Where a setting is from; `flag` is its name on the command line. */
const placeOf = ({ from }: Setting, flag: string) => from === "flag" ? flag : from

const hasPassword = (url: string) => {
  const { password, username } = new URL(url)
  return username !== "" || password !== ""
}

/** A host and a port alone are a URL too, one whose scheme is the host. */
const isWeb = (url: string) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

/** Nobody takes a script for a model: it is only used when it is asked for, and it says what it is. */
const simulated: Layer.Layer<OpenAI.OpenAI> = Layer.unwrapEffect(
  Effect.gen(function*() {
    yield* warn("this is a simulated model; nothing is sent to OpenAI")
    const { layer } = yield* Effect.promise(() => import("./simulated.ts"))
    return layer
  })
)

/** Everything that a command on threads needs. */
export const connect = (
  settings: Settings,
  choice: Choice
): Layer.Layer<
  Threads.Threads | Assistants.Assistants,
  CliError | InvalidInput | Assistants.AssistantsFileInvalid,
  FileSystem.FileSystem | Path.Path
> =>
  Threads.layer.pipe(
    Layer.provide(ThreadStore.layerConversations),
    Layer.provide(choice.simulate ? simulated : live(settings, choice)),
    Layer.provideMerge(assistants(settings))
  )
