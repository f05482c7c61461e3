/** Who answers: the assistant, the model and the instructions of a command's runs. */
import * as Effect from "effect/Effect"
import { type Assistant, AssistantId } from "../Assistant.ts"
import * as Assistants from "../Assistants.ts"
import { configuration } from "./CliError.ts"
import * as Instructions from "./instructions.ts"
import type { Settings } from "./settings.ts"

interface Answerer {
  readonly assistant: Assistant
  readonly model: string
  readonly instructions: string | undefined
}

/** Decided before any request: a thread without an answer would be of no use. */
export const choose = (settings: Settings, simulatedModel: string | undefined) =>
  Effect.gen(function*() {
    const assistants = yield* Assistants.Assistants
    const assistant = settings.assistant === undefined
      ? yield* assistants.current
      : yield* assistants.get(AssistantId.make(settings.assistant.value))
    const fromFlag = settings.model?.from === "flag" ? settings.model.value : undefined
    const model = fromFlag ?? assistant.model ?? settings.model?.value ?? simulatedModel
    if (model === undefined) {
      return yield* configuration(
        "there is no model",
        "Name one with -m, in OPENAI_MODEL, in the assistant or in the configuration."
      )
    }
    const given = settings.instructions
    const instructions = given === undefined
      ? undefined
      : given.from === "flag"
      ? yield* Instructions.read(given.value)
      : assistant.instructions ?? given.value
    const answerer: Answerer = { assistant, model, instructions }
    return answerer
  })
