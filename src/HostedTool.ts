/**
 * What the tools came to that OpenAI runs: web search, file search, code interpreter, image generation and MCP.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const optionalString = Schema.optional(Schema.String)

/**
 * Where a web search looked. `type` is OpenAI's: most are `url`.
 *
 * @since 0.1.0
 * @category models
 */
export const Source = Schema.Struct({ type: Schema.String, url: optionalString, name: optionalString })

/**
 * @since 0.1.0
 * @category models
 */
export type Source = typeof Source.Type

/**
 * A piece of a file that a file search found. `score` is 0 to 1.
 *
 * @since 0.1.0
 * @category models
 */
export const Found = Schema.Struct({
  fileId: optionalString,
  filename: optionalString,
  score: Schema.optional(Schema.Number),
  text: optionalString,
  attributes: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})

/**
 * @since 0.1.0
 * @category models
 */
export type Found = typeof Found.Type

/**
 * What code that was run has left: what it printed, or an image (a URL or a data URL).
 *
 * @since 0.1.0
 * @category models
 */
export const CodeOutput = Schema.Union(
  Schema.TaggedStruct("Logs", { logs: Schema.String }),
  Schema.TaggedStruct("Image", { url: Schema.String }),
  Schema.TaggedStruct("Unknown", { type: Schema.String, raw: Schema.Unknown })
)

/**
 * @since 0.1.0
 * @category models
 */
export type CodeOutput = typeof CodeOutput.Type

/**
 * What a hosted tool was asked for and what it came to, as far as that is told: `sources`, `results` and `outputs` are
 * empty where they were not asked for by {@link Include}, and while the tool is at work.
 *
 * - `WebSearch`: `action` is OpenAI's word, `search`, `open_page` or `find_in_page`.
 * - `ImageGeneration`: `image` is base64.
 * - `McpCall`: `arguments` is JSON as the model wrote it; `error` says why there is no `output`.
 * - `McpTools`: the tools that an MCP server offers.
 *
 * Source: the output items of OpenAI's API reference, "Responses".
 *
 * @since 0.1.0
 * @category models
 */
export const Result = Schema.Union(
  Schema.TaggedStruct("WebSearch", {
    action: Schema.String,
    queries: Schema.Array(Schema.String),
    url: optionalString,
    pattern: optionalString,
    sources: Schema.Array(Source)
  }),
  Schema.TaggedStruct("FileSearch", { queries: Schema.Array(Schema.String), results: Schema.Array(Found) }),
  Schema.TaggedStruct("CodeInterpreter", {
    code: Schema.String,
    containerId: optionalString,
    outputs: Schema.Array(CodeOutput)
  }),
  Schema.TaggedStruct("ImageGeneration", { image: optionalString }),
  Schema.TaggedStruct("McpCall", {
    server: Schema.String,
    name: Schema.String,
    arguments: Schema.String,
    output: optionalString,
    error: optionalString
  }),
  Schema.TaggedStruct("McpTools", {
    server: Schema.String,
    tools: Schema.Array(Schema.Struct({ name: Schema.String, description: optionalString })),
    error: optionalString
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type Result = typeof Result.Type

/**
 * What OpenAI tells only where it is asked to. Source: OpenAI's API reference, `include` of "Create a model response".
 *
 * @since 0.1.0
 * @category models
 */
export type Include =
  | "web_search_call.action.sources"
  | "file_search_call.results"
  | "code_interpreter_call.outputs"
  | "message.input_image.image_url"
  | "message.output_text.logprobs"
  | "computer_call_output.output.image_url"
  | "reasoning.encrypted_content"
  | (string & {})
