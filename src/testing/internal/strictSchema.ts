/**
 * What strict mode refuses of a JSON Schema, in OpenAI's words. Source: kevinwatt/mysql-mcp#5, openai/codex#539,
 * Davidyz/VectorCode#133, and the guide "Structured model outputs".
 */
import * as Predicate from "effect/Predicate"

const refused = ["allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"]

/** What no schema of a function may have, strict or not: `items` as a list. Source: vercel/ai#2271. */
export const tupleIn = (schema: unknown): string | undefined => {
  if (Array.isArray(schema)) return schema.map(tupleIn).find((one) => one !== undefined)
  if (!Predicate.isRecord(schema)) return undefined
  const { items } = schema
  return Array.isArray(items)
    ? `${JSON.stringify(items)} is not of type 'object', 'boolean'.`
    : tupleIn(Object.values(schema))
}

const quoted = (path: ReadonlyArray<string>) =>
  `(${path.map((part) => `'${part}'`).join(", ")}${path.length === 1 ? "," : ""})`

/** The first thing that is wrong, or nothing. */
export const problemOf = (schema: unknown, path: ReadonlyArray<string> = []): string | undefined => {
  const say = (problem: string) => `In context=${quoted(path)}, ${problem}`
  if (!Predicate.isRecord(schema)) return say("schema must be an object.")
  if (typeof schema["$ref"] === "string") return undefined
  const keyword = refused.find((keyword) => keyword in schema)
  if (keyword !== undefined) return say(`'${keyword}' is not permitted.`)
  const { anyOf, items, properties, required } = schema
  if (schema["type"] === undefined && anyOf === undefined && schema["enum"] === undefined) {
    return say("schema must have a 'type' key.")
  }
  if (schema["type"] === "array" && items === undefined) return say("array schema missing items.")
  if (schema["type"] === "object") {
    if (!Predicate.isRecord(properties)) return say("object schema missing properties.")
    if (schema["additionalProperties"] !== false) {
      return say("'additionalProperties' is required to be supplied and to be false.")
    }
    const missing = Object.keys(properties).find((key) => !Array.isArray(required) || !required.includes(key))
    if (missing !== undefined) {
      return say(
        `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
      )
    }
  }
  const below: ReadonlyArray<readonly [unknown, ReadonlyArray<string>]> = [
    ...(Predicate.isRecord(properties)
      ? Object.entries(properties).map(([key, value]) => [value, [...path, "properties", key]] as const)
      : []),
    ...(items === undefined ? [] : [[items, [...path, "items"]] as const]),
    ...(Array.isArray(anyOf) ? anyOf.map((one, index) => [one, [...path, "anyOf", String(index)]] as const) : []),
    ...(Predicate.isRecord(schema["$defs"])
      ? Object.entries(schema["$defs"]).map(([key, value]) => [value, [...path, "$defs", key]] as const)
      : [])
  ]
  for (const [value, at] of below) {
    const problem = problemOf(value, at)
    if (problem !== undefined) return problem
  }
  return undefined
}
