/** What a run asks OpenAI for, of the assistant's settings and its own. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Assistant, Sampling } from "../../Assistant.ts"
import { InvalidInput } from "../../OpenAIError.ts"
import type { Metadata } from "../../Thread.ts"
import { compact } from "../compact.ts"
import { lazy } from "../lazy.ts"
import type { Params } from "../runLoop/plan.ts"
import * as Validate from "../validate.ts"

/** As much metadata as a response may have. */
const maxPairs = 16

/** What of a run's options is sent as it is. */
export interface Settings extends Sampling {
  readonly model?: string | undefined
  readonly instructions?: string | undefined
  readonly additionalInstructions?: string | undefined
  readonly metadata?: Metadata | undefined
  readonly background?: boolean | undefined
}

export const paramsOf = Effect.fnUntraced(function*(settings: Settings, assistant: Assistant) {
  const sampling = yield* checkSampling({ ...pickSampling(assistant), ...compact(pickSampling(settings)) })
  const instructions = [settings.instructions ?? assistant.instructions, settings.additionalInstructions]
    .filter((part) => part !== undefined && part !== "")
    .join("\n\n")
  const metadata = { ...assistant.metadata, ...settings.metadata }
  yield* Validate.metadata(metadata)
  if (settings.background === true && Object.keys(metadata).length === maxPairs) {
    return yield* new InvalidInput({
      field: "metadata",
      reason: `${maxPairs} pairs, and a run in the background needs one of them`
    })
  }
  return compact({
    model: yield* modelOf(settings, assistant),
    instructions: instructions === "" ? undefined : instructions,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    max_output_tokens: sampling.maxOutputTokens,
    reasoning: sampling.reasoning as Params["reasoning"],
    text: sampling.verbosity === undefined ? undefined : { verbosity: sampling.verbosity },
    // Efforts and tools are open on our side, since OpenAI adds to them.
    tools: assistant.tools as Params["tools"],
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata
  }) as Params
})

const configured = Effect.orElseSucceed(Config.nonEmptyString("OPENAI_MODEL"), () => "")

const modelOf = (settings: Settings, assistant: Assistant): Effect.Effect<string, InvalidInput> => {
  const named = settings.model ?? assistant.model
  return Effect.filterOrFail(
    named === undefined ? configured : Effect.succeed(named),
    (model) => model.trim() !== "",
    () =>
      new InvalidInput({
        field: "model",
        reason: "no model is given: name one in the run, in the assistant or in OPENAI_MODEL"
      })
  )
}

const validateSampling = lazy(() => Schema.validateEither(Sampling))

const checkSampling = (sampling: Sampling): Effect.Effect<Sampling, InvalidInput> => {
  const chosen = compact(sampling)
  if (Object.keys(chosen).length === 0) return Effect.succeed(chosen)
  return Either.mapLeft(validateSampling()(chosen), (error) => {
    const issue = ParseResult.ArrayFormatter.formatErrorSync(error)[0]
    return new InvalidInput({
      field: issue?.path.map(String).join(".") ?? "options",
      reason: issue?.message ?? "it is not valid"
    })
  })
}

const pickSampling = ({ maxOutputTokens, reasoning, temperature, topP, verbosity }: Sampling): Sampling => ({
  maxOutputTokens,
  reasoning,
  temperature,
  topP,
  verbosity
})
