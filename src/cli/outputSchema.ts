/** `--schema`: a JSON Schema of a file, as the schema of a run's output. */
import * as FileSystem from "@effect/platform/FileSystem"
import { Ajv, type AnySchemaObject, type ErrorObject } from "ajv"
import formats from "ajv-formats"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { fromJson } from "../internal/jsonSchema.ts"
import { usage } from "./CliError.ts"

/** By the `$schema` of a file; without one it is the newest. */
const dialects: ReadonlyArray<readonly [url: RegExp, make: () => Ajv]> = [
  [/^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, () => new Ajv2020(settings)],
  [/^https?:\/\/json-schema\.org\/draft-07\/schema#?$/, () => new Ajv(settings)]
]

/** What is not known of a schema says nothing, as JSON Schema has it. */
const settings = { strict: false, allErrors: true, logger: false } as const

/** How many things are said that are wrong: enough to see what it is about. */
const most = 2

const pathOf = (pointer: string) =>
  pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))

const issueOf = ({ instancePath, message = "is not valid", params }: ErrorObject) => {
  const { additionalProperty, allowedValue, allowedValues } = params
  const named = additionalProperty ?? allowedValues ?? allowedValue
  return { path: pathOf(instancePath), message: named === undefined ? message : `${message}: ${JSON.stringify(named)}` }
}

/** What may be said of an object that takes nothing but its properties. */
const plain = new Set(
  ["type", "properties", "required", "title", "description", "default", "examples"]
    .concat("$schema", "$id", "$defs", "$comment")
)

/** Strict mode wants to be told that an object has no other keys. Where it may have some, none is an answer too. */
const closed = (schema: unknown): unknown => {
  if (!Predicate.isRecord(schema)) return schema
  const each = (schemas: object) => Object.fromEntries(Object.entries(schemas).map(([key, one]) => [key, closed(one)]))
  const { $defs, anyOf, items, oneOf, properties, required, type } = schema
  const isPlain = type === "object" && Predicate.isRecord(properties) &&
    Object.keys(schema).every((keyword) => plain.has(keyword)) &&
    (!Array.isArray(required) || required.every((key) => Object.hasOwn(properties, key)))
  return {
    ...schema,
    ...(Predicate.isRecord(items) ? { items: closed(items) } : {}),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map(closed) } : {}),
    ...(Array.isArray(oneOf) ? { oneOf: oneOf.map(closed) } : {}),
    ...(Predicate.isRecord(properties) ? { properties: each(properties) } : {}),
    ...(Predicate.isRecord($defs) ? { $defs: each($defs) } : {}),
    ...(isPlain ? { additionalProperties: false } : {})
  }
}

/** What OpenAI is told of it: strict where it can be, as it is where not. */
const sent = (schema: AnySchemaObject): object => {
  const strict = closed(schema) as AnySchemaObject
  return fromJson(strict).notStrict === undefined ? strict : schema
}

/** The schema of a JSON Schema. What it has to be is checked here, what OpenAI makes of it is not relied on. */
export const make = (schema: unknown, file: string) =>
  Effect.gen(function*() {
    const wrong = (what: string, hint?: string) => usage(`--schema: ${file} ${what}`, hint)
    if (!Predicate.isRecord(schema) || schema["type"] !== "object") {
      return yield* wrong(
        "is no schema of an object",
        "Its \"type\" is \"object\"; anything else goes into a property."
      )
    }
    const dialect = schema["$schema"] === undefined
      ? dialects[0]
      : dialects.find(([url]) => url.test(String(schema["$schema"])))
    if (dialect === undefined) {
      return yield* wrong(
        `has a "$schema" that is not known here`,
        "Known are draft 2020-12, the default, and draft-07."
      )
    }
    const ajv = formats.default(dialect[1]())
    const { jsonSchema, validate } = yield* Effect.try({
      try: () => {
        if (ajv.validateSchema(schema) === true) return { validate: ajv.compile(schema), jsonSchema: sent(schema) }
        const { message, path } = issueOf(ajv.errors![0]!)
        throw new SyntaxError(`${path.length === 0 ? "" : `${path.join(".")} `}${message}`)
      },
      catch: (error) =>
        error instanceof RangeError
          ? wrong("is nested too deeply")
          : wrong(`is no valid JSON Schema: ${error instanceof Error ? error.message : String(error)}`)
    })
    return Schema.Unknown.pipe(Schema.filter(
      (value) => validate(value) === true || (validate.errors ?? []).slice(0, most).map(issueOf),
      { jsonSchema }
    ))
  })

/** Reads it before anything is asked. */
export const read = (file: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      fs.readFileString(file),
      (error) =>
        usage(
          `--schema: ${file} ${
            error._tag === "SystemError" && error.reason === "NotFound" ? "does not exist" : "cannot be read"
          }`
        )
    )
    const json: unknown = yield* Effect.try({
      try: () => JSON.parse(text.replace(/^\u{feff}/u, "")),
      catch: () => usage(`--schema: ${file} is not valid JSON`)
    })
    return yield* make(json, file)
  })
