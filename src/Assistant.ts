/**
 * The assistant: a value that lives in the program or in a file, and is sent with every request. OpenAI keeps no such
 * object any more.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Metadata } from "./Thread.ts"

/**
 * The id of an assistant, chosen by the program.
 *
 * @since 0.1.0
 * @category ids
 */
export const AssistantId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/AssistantId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type AssistantId = typeof AssistantId.Type

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(schema)

/**
 * How an answer is sampled. What is left out is OpenAI's default for the model.
 *
 * @since 0.1.0
 * @category models
 */
export const Sampling = Schema.Struct({
  /** 0 to 2. Reasoning models do not take it. */
  temperature: optional(Schema.Number.pipe(Schema.between(0, 2))),
  /** 0 to 1. Reasoning models do not take it. */
  topP: optional(Schema.Number.pipe(Schema.between(0, 1))),
  /** At least 16; reasoning counts. Source: OpenAI's OpenAPI document, `max_output_tokens`. */
  maxOutputTokens: optional(Schema.Int.pipe(Schema.greaterThanOrEqualTo(16))),
  /** `effort` and `summary` are open: models differ in what they take. */
  reasoning: optional(Schema.Struct({ effort: optional(Schema.String), summary: optional(Schema.String) })),
  /** `low`, `medium` or `high`. */
  verbosity: optional(Schema.Literal("low", "medium", "high"))
})

/**
 * @since 0.1.0
 * @category models
 */
export type Sampling = typeof Sampling.Type

/**
 * A tool as plain data in the wire's own words: one that OpenAI runs, such as `{ type: "web_search" }`, or a function of
 * the program, whose calls end a run `requires_action`.
 *
 * @since 0.1.0
 * @category models
 */
export const Tool = Schema.Struct({ type: Schema.NonEmptyString }, { key: Schema.String, value: Schema.Unknown })

/**
 * @since 0.1.0
 * @category models
 */
export type Tool = typeof Tool.Type

/**
 * Who answers: a model with instructions, tools and settings, under an id.
 *
 * @since 0.1.0
 * @category models
 */
export const Assistant = Schema.Struct({
  id: AssistantId,
  name: optional(Schema.String),
  /** Any model id: OpenAI adds and removes them. Without it, the run's `model` or `OPENAI_MODEL` is used. */
  model: optional(Schema.NonEmptyString),
  instructions: optional(Schema.String),
  ...Sampling.fields,
  tools: optional(Schema.Array(Tool)),
  /** Sent with each response, for your own search in OpenAI's logs. */
  metadata: optional(Metadata)
}).annotations({ identifier: "Assistant" })

/**
 * @since 0.1.0
 * @category models
 */
export type Assistant = typeof Assistant.Type

/**
 * Makes an assistant from plain values; throws a `ParseError` when one of them is not valid.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (assistant: Omit<typeof Assistant.Encoded, "id"> & { readonly id: string }): Assistant =>
  Schema.decodeSync(Assistant)(assistant)
