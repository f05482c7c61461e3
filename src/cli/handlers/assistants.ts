/** `assistants`: those of the file that is set. No key is needed. */
import * as Effect from "effect/Effect"
import { type Assistant, AssistantId } from "../../Assistant.ts"
import * as Assistants from "../../Assistants.ts"
import { configuration } from "../CliError.ts"
import type * as Specs from "../commands/assistants.ts"
import { assistants } from "../connect.ts"
import * as Settings from "../settings.ts"
import type { InputOf } from "../Spec.ts"
import { stdout } from "../terminal.ts"

type Input = InputOf<typeof Specs.list>

/** The version of what `--json` prints. */
const v = 1

const withAssistants = <A, E, R>(input: Input, use: (assistants: Assistants.Service) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const settings = yield* Settings.load(input)
    if (settings.assistants === undefined) {
      return yield* configuration(
        "there is no file of assistants",
        "Name one with --assistants FILE, or as \"assistants\" in the configuration."
      )
    }
    return yield* Effect.provide(Effect.flatMap(Assistants.Assistants, use), assistants(settings))
  })

const row = ({ id, model, name }: Assistant) => [id, model ?? "-", name ?? ""].join("\t").trimEnd()

export const list = (input: Input) =>
  withAssistants(
    input,
    (assistants) =>
      Effect.flatMap(assistants.list, (all) =>
        stdout.write(
          input.json ? `${JSON.stringify({ v, assistants: all })}\n` : all.map((one) => `${row(one)}\n`).join("")
        ))
  )

const fields = (assistant: Assistant): string => {
  const { id, instructions, ...rest } = assistant
  const lines = Object.entries(rest).map(([key, value]) =>
    `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`
  )
  return [`id: ${id}`, ...lines, ...(instructions === undefined ? [] : ["", instructions.trimEnd()]), ""].join("\n")
}

export const show = (input: Input) =>
  withAssistants(
    input,
    (assistants) =>
      Effect.flatMap(assistants.get(AssistantId.make(input.args[0] ?? "")), (assistant) =>
        stdout.write(input.json ? `${JSON.stringify({ v, assistant })}\n` : fields(assistant)))
  )
