/**
 * What has to change in OpenAI's document before requests can be judged by it. Everything is here: where it is stricter
 * than the server, why we think so, and where it is looser than a client should be.
 */
import * as Predicate from "effect/Predicate"
import { componentName, isRef, type Json, type OpenApi } from "./document.ts"

/** Fields that the document requires and the server does not. */
const optional: Readonly<Record<string, ReadonlyArray<string>>> = {
  // Replayed to a server that stored nothing, they have no id. openai/codex, OpenAI's own stateless client, sends them so:
  // `codex-rs/protocol/src/models.rs`, `ResponseItem`, where the ids are `skip_serializing` and a message has no status.
  OutputMessage: ["id", "status"],
  ReasoningItem: ["id"],
  // It has no such field: the field is `approval_request_id`, which is required too. Source: the SDK's
  // `ResponseInputItem.McpApprovalResponse`.
  MCPApprovalResponse: ["request_id"],
  // A recorded request without it was answered with a function whose `strict` is true: the server has a default.
  FunctionTool: ["strict"]
}

/** Fields that the document does not require, and without which any object with an id would be a reference. */
const required: Readonly<Record<string, ReadonlyArray<string>>> = {
  ItemReferenceParam: ["type"]
}

const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

/**
 * - `oneOf` becomes `anyOf` and discriminators go: a message of the user is an `EasyInputMessage` and an `InputMessage`,
 *   and so would be neither.
 * - An object that says nothing of other fields takes no others: what we misspell is a mistake, though the document lets
 *   it pass. The parts of an `allOf` know only some of its fields, so they are put in its place, open, and it is closed.
 */
const relaxSchema = (document: OpenApi, schema: unknown, isPart = false): unknown => {
  const inner = (value: unknown): unknown => relaxSchema(document, value)
  const part = (value: unknown): unknown =>
    relaxSchema(document, isRef(value) ? componentOf(document, componentName(value)) : value, true)
  if (Array.isArray(schema)) return schema.map(inner)
  if (!Predicate.isRecord(schema)) return schema
  const { allOf, discriminator: _, oneOf, properties, ...rest } = schema
  if (oneOf !== undefined && rest["anyOf"] !== undefined) throw new Error("a schema has both oneOf and anyOf")
  const isClosed = !isPart && !("additionalProperties" in rest)
  return {
    ...mapValues(rest, inner),
    ...(oneOf === undefined ? {} : { anyOf: inner(oneOf) }),
    ...(Predicate.isRecord(properties) ? { properties: mapValues(properties, inner) } : {}),
    ...(allOf !== undefined
      ? { allOf: list(allOf).map(part), ...(isClosed ? { unevaluatedProperties: false } : {}) }
      : isClosed && Predicate.isRecord(properties)
      ? { additionalProperties: false }
      : {})
  }
}

const mapValues = (record: object, f: (value: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]))

const componentOf = (document: OpenApi, name: string): Json => {
  const schema = document.components.schemas[name] ?? {}
  const stillRequired = list(schema["required"]).filter((field) => !list(optional[name]).includes(field))
  return { ...schema, required: [...stillRequired, ...list(required[name])] }
}

export const relax = (document: OpenApi): OpenApi => {
  const schemas = Object.keys(document.components.schemas)
    .map((name) => [name, relaxSchema(document, componentOf(document, name))])
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(schemas) },
    paths: relaxSchema(document, document.paths) as OpenApi["paths"]
  }
}
