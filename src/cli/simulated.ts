/** The simulated model of `--simulate` and `simulate`. It says what it is, and what it was asked. */
import * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import type * as OpenAI from "../OpenAI.ts"
import * as OpenAITest from "../testing/OpenAITest.ts"
import * as Script from "../testing/Script.ts"

const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : Array.isArray(content)
    ? content.map((part: Script.Json) => typeof part["text"] === "string" ? part["text"] : `[${String(part["type"])}]`)
      .join(" ")
    : ""

const answer = ({ context, instructions }: Script.ModelRequest): string => {
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
