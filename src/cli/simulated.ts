/**
 * The simulated model of `--simulate` and `simulate`. It says what it is and what it was asked, unless it is
 * asked for JSON: then a value of the schema.
 */
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as OpenAI from "../OpenAI.ts"
import * as OpenAITest from "../testing/OpenAITest.ts"
import * as Script from "../testing/Script.ts"
import { instance } from "./instance.ts"

const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : Array.isArray(content)
    ? content.map((part: Script.Json) => typeof part["text"] === "string" ? part["text"] : `[${String(part["type"])}]`)
      .join(" ")
    : ""

/** The schema of the output that is asked for. */
const outputSchema = ({ text }: Script.Json): unknown => {
  const format = Predicate.isRecord(text) ? text["format"] : undefined
  return Predicate.isRecord(format) && format["type"] === "json_schema" ? format["schema"] : undefined
}

const answer = ({ body, context, instructions }: Script.ModelRequest): string => {
  const schema = outputSchema(body)
  if (schema !== undefined) return JSON.stringify(instance(schema))
  const messages = context.filter((item) => item.type === "message" && item["role"] === "user")
  const question = textOf(messages.at(-1)?.["content"])
  return [
    "This is a simulated answer: no model has read your question.",
    `You asked: ${question}`,
    ...(instructions === undefined ? [] : [`The instructions were: ${instructions}`]),
    `The thread has ${messages.length} ${messages.length === 1 ? "message" : "messages"} of yours.`
  ].join("\n")
}

/** Answers everything; `latency` passes before each event. */
export const script = (latency: Duration.DurationInput = 0): Script.Script => [
  Script.always((request) => Script.turn(answer(request), { latency }))
]

export const layer: Layer.Layer<OpenAI.OpenAI> = OpenAITest.layer(script())
