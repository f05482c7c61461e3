/**
 * OpenAI's OpenAPI document, where there is a copy of it beside the project. It is large and not ours, so it is no part
 * of the project.
 */
import * as Predicate from "effect/Predicate"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export type Json = { readonly [key: string]: unknown }

export interface Operation {
  readonly parameters?: ReadonlyArray<{
    readonly in: "path" | "query"
    readonly name: string
    readonly required?: boolean
    readonly schema: Json
  }>
  readonly requestBody?: {
    readonly required?: boolean
    readonly content: { readonly "application/json": { readonly schema: Json } }
  }
}

export interface OpenApi extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

const place = "../shared/openapi/responses-conversations.json"
const file = fileURLToPath(new URL(`../../${place}`, import.meta.url))

export const isMissing = !existsSync(file)

/** The name of a suite that needs the document, with the reason when it is skipped. */
export const suiteName = (name: string): string => isMissing ? `${name} (skipped: there is no ${place})` : name

export const read = (): OpenApi => JSON.parse(readFileSync(file, "utf8"))

const componentPrefix = "#/components/schemas/"

export const isRef = (schema: unknown): schema is { readonly $ref: string } =>
  Predicate.hasProperty(schema, "$ref") && typeof schema.$ref === "string" && schema.$ref.startsWith(componentPrefix)

export const componentName = ({ $ref }: { readonly $ref: string }): string => $ref.slice(componentPrefix.length)

/** The schemas that a schema stands for: the members of its unions, the targets of its references. */
const membersOf = (document: OpenApi, schema: unknown): ReadonlyArray<Json> => {
  if (isRef(schema)) return membersOf(document, document.components.schemas[componentName(schema)])
  if (!Predicate.isRecord(schema)) return []
  const members = [schema["oneOf"], schema["anyOf"]].flatMap((list) => Array.isArray(list) ? list : [])
  return members.length === 0 ? [schema as Json] : members.flatMap((member) => membersOf(document, member))
}

/** Every value that an enum, or a union of enums, allows. */
export const valuesOf = (document: OpenApi, schema: unknown): ReadonlyArray<unknown> =>
  membersOf(document, schema).flatMap((member) => Array.isArray(member["enum"]) ? member["enum"] : [])

/** The schema of a property, also where it is in a part of an `allOf`. */
export const propertyOf = (document: OpenApi, schema: unknown, name: string): Json | undefined => {
  for (const member of membersOf(document, schema)) {
    const properties = member["properties"]
    if (Predicate.hasProperty(properties, name)) return properties[name] as Json
    for (const part of Array.isArray(member["allOf"]) ? member["allOf"] : []) {
      const found = propertyOf(document, part, name)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** The names by which the members of a union are told apart. */
export const typesOf = (document: OpenApi, schema: unknown): ReadonlyArray<unknown> =>
  membersOf(document, schema).flatMap((member) => valuesOf(document, propertyOf(document, member, "type")))
