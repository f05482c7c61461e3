/**
 * What a response in the background says about the run that it is a step of, in its metadata: so that another process,
 * which has the response's id only, finds the steps before it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Response } from "openai/resources/responses/responses"
import type * as OpenAI from "../OpenAI.ts"
import type { RequestError } from "../OpenAIError.ts"
import type { Usage } from "../RunEvent.ts"
import { type Message, ResponseId } from "../Thread.ts"
import { noUsage, outcome, sum } from "./projection.ts"

/** One of the 16 pairs that a response may have. */
const key = "effect_openai_threads"

/** As many as values may have characters. Source: OpenAI's API reference, "metadata". */
const maxLength = 512

/** What the steps before one came to. */
export interface Before {
  readonly usage: Usage
  readonly messages: ReadonlyArray<Message>
}

interface Lineage {
  readonly run: string
  readonly assistant?: string | undefined
  /** The response of the step before. */
  readonly previous?: string | undefined
}

export const encode = (lineage: Lineage): Record<string, string> => {
  const text = JSON.stringify(lineage)
  return { [key]: text.length > maxLength ? JSON.stringify({ ...lineage, assistant: undefined }) : text }
}

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))

export const decode = ({ metadata }: Response): Lineage | undefined => {
  const text = metadata?.[key]
  const value = text === undefined ? undefined : Option.getOrUndefined(parse(text))
  if (!Predicate.isRecord(value) || typeof value["run"] !== "string") return undefined
  const { assistant, previous, run } = value
  return {
    run,
    assistant: typeof assistant === "string" ? assistant : undefined,
    previous: typeof previous === "string" ? previous : undefined
  }
}

/** The steps before one, and what they came to. */
export interface Ancestry extends Before {
  readonly steps: ReadonlyArray<ResponseId>
}

/** What the steps before this one came to, as far as the server still has them. */
export const before = (openai: OpenAI.Service, response: Response): Effect.Effect<Ancestry, RequestError> =>
  Effect.gen(function*() {
    let { messages, steps, usage }: Ancestry = { messages: [], steps: [], usage: noUsage }
    let previous = decode(response)?.previous
    while (previous !== undefined && previous !== "") {
      const found = yield* Effect.catchTag(
        openai.responses.retrieve(ResponseId.make(previous)),
        "ResourceNotFound",
        () => Effect.succeed(undefined)
      )
      if (found === undefined) break
      const step = outcome(found)
      steps = [ResponseId.make(previous), ...steps]
      messages = [...step.messages, ...messages]
      usage = sum(usage, step.usage)
      previous = decode(found)?.previous
    }
    return { messages, steps, usage }
  })

const isDefault: Readonly<Record<string, (value: unknown) => boolean>> = {
  temperature: (value) => value === 1,
  top_p: (value) => value === 1,
  tool_choice: (value) => value === "auto",
  parallel_tool_calls: (value) => value === true,
  tools: (value) => Array.isArray(value) && value.length === 0,
  text: (value) =>
    Predicate.isRecord(value) && Predicate.isRecord(value["format"]) && value["format"]["type"] === "text" &&
    (value["verbosity"] ?? "medium") === "medium"
}

const repeated = [
  "model",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_tool_calls",
  "text",
  "reasoning",
  "temperature",
  "top_p",
  "max_output_tokens",
  "prompt_cache_key",
  "safety_identifier"
] as const

/**
 * The settings of a run, as its response repeats them. Values that are the default stay out: models refuse parameters
 * that they do not know, even with the only value that they have.
 */
export const settingsOf = (response: Response): Record<string, unknown> => {
  const wire: Record<string, unknown> = { ...response }
  const { [key]: _, ...metadata } = response.metadata ?? {}
  return {
    ...Object.fromEntries(
      repeated.flatMap((name) => {
        const value = withoutNulls(wire[name])
        return value === undefined || isDefault[name]?.(value) === true ? [] : [[name, value]]
      })
    ),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata })
  }
}

/** As deep as `text.format`, whose description may be null, but not in its schema, where a null means something. */
const withoutNulls = (value: unknown, depth = 2): unknown => {
  if (value === null || value === undefined) return undefined
  if (!Predicate.isRecord(value) || Array.isArray(value) || depth === 0) return value
  const entries = Object.entries(value).flatMap(([key, field]) =>
    field === null ? [] : [[key, withoutNulls(field, depth - 1)]]
  )
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
