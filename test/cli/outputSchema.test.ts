import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Assistant, Assistants, Run, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import * as OutputSchema from "../../src/cli/outputSchema.ts"

const from = (schema: unknown) => OutputSchema.make(schema, "invoice.json")

/** What was sent for a schema, and what became of an answer to it. */
const answered = (schema: object, answer: unknown) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { id } = yield* threads.create()
    const run = Run.result(threads.run(id, { message: "Go", output: yield* from(schema) }))
    const result = yield* Effect.either(run)
    const body = (yield* (yield* Simulator.Simulator).requests).at(-1)?.body as {
      readonly text: { readonly format: object }
    }
    return {
      format: body.text.format,
      output: result._tag === "Right" ? result.right.output : undefined,
      reason: result._tag === "Left" && result.left._tag === "OutputInvalid" ? result.left.reason : undefined
    }
  }).pipe(Effect.provide(
    Threads.layer.pipe(
      Layer.provide(ThreadStore.layerConversations),
      Layer.provide(Assistants.layer([Assistant.make({ id: "helper", model: "test-model" })])),
      Layer.provideMerge(OpenAITest.layer([Script.text(JSON.stringify(answer))]))
    )
  ))

const invoice = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    number: { type: "string" },
    lines: { type: "array", items: { type: "object", properties: { euros: { type: "number" } }, required: ["euros"] } },
    remark: { type: "string" }
  },
  required: ["number", "lines"]
}

describe("--schema", () => {
  it.effect("is strict where it may be: objects have no other keys, and what is optional may be null", () =>
    Effect.gen(function*() {
      const lines = [{ euros: 12.5 }]
      const { format, output } = yield* answered(invoice, { number: "7", lines, remark: null })
      expect(output).toEqual({ number: "7", lines })
      expect(format).toMatchObject({
        type: "json_schema",
        strict: true,
        schema: {
          additionalProperties: false,
          required: ["number", "lines", "remark"],
          properties: {
            lines: { items: { additionalProperties: false } },
            remark: { type: ["string", "null"] }
          }
        }
      })
    }))

  it.effect("goes as it is where it may not", () =>
    Effect.gen(function*() {
      const open = { ...invoice, additionalProperties: { type: "integer" } }
      const { format, output } = yield* answered(open, { number: "7", lines: [], more: 1 })
      expect(output).toEqual({ number: "7", lines: [], more: 1 })
      expect(format).toMatchObject({ strict: false, schema: open })
      // A key that is required and not named is one that there may be.
      const unnamed = { type: "object", properties: {}, required: ["a"] }
      expect(yield* answered(unnamed, { a: 1 })).toMatchObject({ output: { a: 1 }, format: { strict: false } })
    }))

  it.effect("draft-07, with its definitions and tuples", () =>
    Effect.gen(function*() {
      const schema = {
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        properties: { pair: { type: "array", items: [{ $ref: "#/definitions/one" }, { type: "string" }] } },
        definitions: { one: { type: "integer" } }
      }
      expect(yield* answered(schema, { pair: [1, "x"] })).toMatchObject({ output: { pair: [1, "x"] } })
      expect(yield* answered(schema, { pair: ["x", 1] })).toMatchObject({
        reason: "pair.0: must be integer; pair.1: must be string"
      })
    }))

  const wrong = (what: string, answer: unknown, reason: string) =>
    it.effect(`says where an answer does not fit: ${what}`, () =>
      Effect.gen(function*() {
        const schema = {
          type: "object",
          properties: {
            unit: { enum: ["C", "F"] },
            day: { type: "string", format: "date" },
            "a/b": { type: "integer", minimum: 1 },
            inner: { type: "object", properties: {}, additionalProperties: false }
          },
          additionalProperties: true
        }
        expect((yield* answered(schema, answer)).reason).toBe(reason)
      }))

  wrong("no object", [], "must be object")
  wrong("one of several values", { unit: "K" }, "unit: must be equal to one of the allowed values: [\"C\",\"F\"]")
  wrong("a format", { day: "tomorrow" }, "day: must match format \"date\"")
  wrong("a limit, and a key with a slash", { "a/b": 0 }, "a/b: must be >= 1")
  wrong("another key", { inner: { x: 1 } }, "inner: must NOT have additional properties: \"x\"")
  wrong(
    "several at once, of which two are told",
    { unit: 1, day: 2, "a/b": "3" },
    [
      "unit: must be equal to one of the allowed values: [\"C\",\"F\"]",
      "day: must be string"
    ].join("; ")
  )

  const refused = (what: string, schema: unknown, message: string) =>
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function*() {
        expect(yield* Effect.flip(from(schema))).toMatchObject({
          exitCode: 2,
          message: `--schema: invoice.json ${message}`
        })
      }))

  refused("a list", [], "is no schema of an object")
  refused("a schema of something else", { type: "array" }, "is no schema of an object")
  refused(
    "a dialect of old",
    { ...invoice, $schema: "http://json-schema.org/draft-04/schema#" },
    [
      "has a \"$schema\" that is not known here"
    ].join()
  )
  refused(
    "what is no schema",
    { type: "object", properties: { a: { type: "text" } } },
    "is no valid JSON Schema: properties.a.type must be equal to one of the allowed values: " +
      "[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\",\"string\"]"
  )
  refused(
    "a reference to nothing",
    { type: "object", properties: { a: { $ref: "#/$defs/b" } } },
    "is no valid JSON Schema: can't resolve reference #/$defs/b from id #"
  )
  let nested: object = { type: "object", properties: {} }
  for (let depth = 0; depth < 5_000; depth++) nested = { type: "object", properties: { a: nested } }
  refused("what is nested too deeply", nested, "is nested too deeply")
})
