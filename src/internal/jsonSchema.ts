/**
 * JSON Schemas as OpenAI's strict mode takes them, and the way back of what was changed for it: strict mode wants every
 * key to be required, so what may be missing becomes nullable, and a `null` that stands for "missing" is taken out again.
 * Source: OpenAI's guide "Structured model outputs", "Supported schemas".
 */
import * as JSONSchema from "effect/JSONSchema"
import * as Predicate from "effect/Predicate"
import type * as AST from "effect/SchemaAST"

type Json = { readonly [key: string]: unknown }

export interface Wire {
  readonly schema: Json
  /** Why the schema cannot be strict; undefined if it is. */
  readonly notStrict: string | undefined
  /** Takes out each `null` that stands for a key that is missing. */
  readonly restore: (value: unknown) => unknown
}

/** "A schema may have up to 5000 object properties total, with up to 10 levels of nesting." */
const maxProperties = 5_000
const maxDepth = 10

const formats = new Set(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])

/** Keywords that go as they are. */
const kept = new Set([
  "multipleOf",
  "maximum",
  "exclusiveMaximum",
  "minimum",
  "exclusiveMinimum",
  "minItems",
  "maxItems"
])

/** Keywords that strict mode refuses, and that a model understands in words. */
const described = new Set([
  "minLength",
  "maxLength",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "contentMediaType",
  "contentEncoding",
  "default",
  "examples"
])

/** Keywords that only tell a reader of the schema something. */
const ignored = new Set(["title", "$comment", "$id", "$schema"])

class NotStrict extends Error {}

const isSchema = (u: unknown): u is Json => Predicate.isRecord(u)

const notStrict = (path: ReadonlyArray<string>, what: string) =>
  new NotStrict(`${path.length === 0 ? "the whole" : path.join(".")} ${what}`)

/** A schema of no keys, which Effect writes as "an object or an array". */
const isEmpty = (schema: Json) => schema["$id"] === "/schemas/%7B%7D"

const emptyObject: Json = { type: "object", properties: {}, required: [], additionalProperties: false }

/** A lookaround is no regular expression in the strict sense, and is refused. */
const hasLookaround = (pattern: string) => /\(\?<?[=!]/.test(pattern)

/**
 * OpenAI takes no tuple, neither `items: […]` nor `prefixItems`, in strict mode or without it: one becomes a list of as many
 * items, each of which is one of its members. Source: 400 "[…] is not of type 'object', 'boolean'", vercel/ai#2271.
 */
const untuple = (source: Json): Json => {
  const { additionalItems, items, prefixItems, ...rest } = source
  const members = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : undefined
  if (members === undefined) return source
  const others = Array.isArray(prefixItems) ? items : additionalItems
  const all = new Map([...members, ...(isSchema(others) ? [others] : [])].map((one) => [JSON.stringify(one), one]))
  const kinds = Array.from(all.values())
  const length = others === false && rest["maxItems"] === undefined ? { maxItems: members.length } : {}
  if (kinds.length === 1) return { ...rest, ...length, items: kinds[0] }
  const words = typeof rest["description"] === "string" ? [rest["description"]] : []
  const ordered = [
    ...members.map((one) => JSON.stringify(loose(one))),
    ...(isSchema(others) ? [`any number of ${JSON.stringify(loose(others))}`] : [])
  ]
  const inOrder = `in this order: ${ordered.join(", ")}`
  return { ...rest, ...length, items: { anyOf: kinds }, description: [...words, inOrder].join("; ") }
}

class Strict {
  readonly #definitions: Json
  /** Of each object: the keys that were made nullable. */
  readonly #optional = new Map<unknown, ReadonlySet<string>>()
  readonly #converted: Record<string, Json> = {}
  #properties = 0
  readonly schema: Json

  constructor(source: Json) {
    this.#definitions = isSchema(source["$defs"]) ? source["$defs"] : {}
    const root = isEmpty(source) ? emptyObject : this.#convert(source, [], 1)
    if (root["type"] !== "object") throw notStrict([], "is no object")
    for (const [name, definition] of Object.entries(this.#definitions)) {
      this.#converted[name] = this.#convert(definition as Json, [name], 1)
    }
    this.schema = Object.keys(this.#converted).length === 0 ? root : { ...root, $defs: this.#converted }
    this.#optional.set(this.schema, this.#optional.get(root) ?? new Set())
  }

  #convert(tupled: Json, path: ReadonlyArray<string>, depth: number): Json {
    const source = untuple(tupled)
    if (depth > maxDepth) throw notStrict(path, `is nested more than ${maxDepth} levels deep`)
    if (typeof source["$ref"] === "string") {
      if (!isSchema(this.#resolve(source, this.#definitions))) {
        throw notStrict(path, `refers to "${source["$ref"]}", which is none of its $defs`)
      }
      return { $ref: source["$ref"] }
    }
    const target: Record<string, unknown> = {}
    const words: Array<string> = typeof source["description"] === "string" ? [source["description"]] : []
    for (const [keyword, value] of Object.entries(source)) {
      if (keyword === "description" || ignored.has(keyword) || keyword === "$defs") continue
      if (keyword === "type" || keyword === "enum" || kept.has(keyword)) target[keyword] = value
      else if (keyword === "const") target["enum"] = [value]
      else if (described.has(keyword)) words.push(`${keyword}: ${JSON.stringify(value)}`)
      else if (keyword === "allOf") words.push(...(value as ReadonlyArray<Json>).map((one) => JSON.stringify(one)))
      else if (keyword === "pattern" || keyword === "format") {
        const isTaken = keyword === "format" ? formats.has(String(value)) : !hasLookaround(String(value))
        if (isTaken) target[keyword] = value
        else words.push(`${keyword}: ${String(value)}`)
      } else if (keyword === "anyOf" || keyword === "oneOf") {
        target["anyOf"] = (value as ReadonlyArray<Json>).map((one) => this.#convert(one, path, depth))
      } else if (keyword === "items") {
        if (!isSchema(value)) throw notStrict(path, "has items of any type")
        target["items"] = this.#convert(value, [...path, "[]"], depth + 1)
      } else if (keyword === "properties" || keyword === "required") continue
      else if (keyword === "additionalProperties") {
        if (value !== false) throw notStrict(path, "has keys that are not named")
      } else throw notStrict(path, `uses "${keyword}"`)
    }
    if (target["type"] === undefined && target["anyOf"] === undefined && target["enum"] === undefined) {
      throw notStrict(path, "may be anything")
    }
    if (typeof source["$id"] === "string" && source["$id"].startsWith("/schemas/")) {
      throw notStrict(path, "is not typed")
    }
    const types = [target["type"]].flat()
    if (types.length > 1 && types.includes("object")) throw notStrict(path, "is an object or something else")
    if (types.includes("array") && target["items"] === undefined) throw notStrict(path, "has items of any type")
    if (words.length > 0) target["description"] = words.join("; ")
    return target["type"] === "object" ? this.#object(source, target, path, depth) : target
  }

  #object(source: Json, target: Record<string, unknown>, path: ReadonlyArray<string>, depth: number): Json {
    if (source["additionalProperties"] !== false) throw notStrict(path, "has keys that are not named")
    const properties = Object.entries(isSchema(source["properties"]) ? source["properties"] : {})
    this.#properties += properties.length
    if (this.#properties > maxProperties) throw notStrict([], `has more than ${maxProperties} keys`)
    const required = new Set(source["required"] as ReadonlyArray<string> | undefined)
    const optional = new Set<string>()
    const converted = properties.map(([key, value]) => {
      const property = this.#convert(value as Json, [...path, key], depth + 1)
      if (required.has(key) || this.#takesNull(value as Json)) return [key, property]
      optional.add(key)
      return [key, nullable(property)]
    })
    target["properties"] = Object.fromEntries(converted)
    target["required"] = properties.map(([key]) => key)
    target["additionalProperties"] = false
    this.#optional.set(target, optional)
    return target
  }

  #takesNull(source: Json): boolean {
    if (typeof source["$ref"] === "string") return this.#takesNull(this.#resolve(source, this.#definitions))
    if (
      [source["type"]].flat().includes("null") || source["const"] === null ||
      (Array.isArray(source["enum"]) && source["enum"].includes(null))
    ) return true
    const branches = source["anyOf"] ?? source["oneOf"]
    return Array.isArray(branches) && branches.some((branch) => this.#takesNull(branch))
  }

  #resolve(schema: Json, definitions: Json): Json {
    return definitions[decodeURIComponent(String(schema["$ref"]).replace("#/$defs/", ""))] as Json
  }

  readonly restore = (value: unknown): unknown => this.#restore(this.schema, value)

  #restore(schema: Json, value: unknown): unknown {
    if (typeof schema["$ref"] === "string") return this.#restore(this.#resolve(schema, this.#converted), value)
    if (Array.isArray(schema["anyOf"])) {
      const branch = schema["anyOf"].find((branch: Json) => this.#fits(branch, value))
      return branch === undefined ? value : this.#restore(branch, value)
    }
    if (Array.isArray(value)) {
      const { items } = schema
      return isSchema(items) ? value.map((item) => this.#restore(items, item)) : value
    }
    if (!Predicate.isRecord(value) || !isSchema(schema["properties"])) return value
    const { properties } = schema
    const optional = this.#optional.get(schema)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, one]) => one !== null || optional?.has(key) !== true)
        .map(([key, one]) => [key, Object.hasOwn(properties, key) ? this.#restore(properties[key] as Json, one) : one])
    )
  }

  /** Whether a value is what a schema says, as far as it takes to tell the members of a union apart. */
  #fits(schema: Json, value: unknown): boolean {
    if (typeof schema["$ref"] === "string") return this.#fits(this.#resolve(schema, this.#converted), value)
    if (Array.isArray(schema["anyOf"])) return schema["anyOf"].some((branch: Json) => this.#fits(branch, value))
    if (Array.isArray(schema["enum"]) && !schema["enum"].includes(value)) return false
    const types = [schema["type"]].flat()
    if (Array.isArray(value)) {
      const { items } = schema
      return types.includes("array") && isSchema(items) && value.every((item) => this.#fits(items, item))
    }
    if (Predicate.isRecord(value)) {
      const { properties } = schema
      return types.includes("object") && isSchema(properties) &&
        Object.keys(value).every((key) => Object.hasOwn(properties, key)) &&
        Object.entries(properties).every(([key, property]) =>
          key in value
            ? this.#fits(property as Json, value[key])
            : this.#optional.get(schema)?.has(key) === true
        )
    }
    return types.includes(value === null ? "null" : typeof value) ||
      (types.includes("integer") && Number.isInteger(value))
  }
}

const nullable = (schema: Json): Json =>
  typeof schema["type"] === "string" && schema["type"] !== "object" && schema["enum"] === undefined
    ? { ...schema, type: [schema["type"], "null"] }
    : Array.isArray(schema["anyOf"])
    ? { ...schema, anyOf: [...schema["anyOf"], { type: "null" }] }
    : { anyOf: [schema, { type: "null" }] }

/** Without what only names the schemas of Effect. */
const loose = (source: unknown): unknown =>
  Array.isArray(source)
    ? source.map(loose)
    : Predicate.isRecord(source)
    ? isEmpty(source)
      ? emptyObject
      : Object.fromEntries(
        Object.entries(untuple(source))
          .filter(([key, value]) =>
            !((key === "$id" || key === "$comment") && typeof value === "string" && value.startsWith("/schemas/"))
          )
          .map(([key, value]) => [key, loose(value)])
      )
    : source

/** What a JSON Schema becomes on the wire. With `strict: false` it goes as it is. */
export const fromJson = (source: Json, strict = true): Wire => {
  const asItIs = (reason: string): Wire => ({
    schema: loose(source) as Json,
    notStrict: reason,
    restore: (value) => value
  })
  if (!strict) return asItIs("strict mode is switched off for it")
  try {
    const { restore, schema } = new Strict(source)
    return { schema, notStrict: undefined, restore }
  } catch (error) {
    if (error instanceof NotStrict) return asItIs(error.message)
    throw error
  }
}

/** The same of the encoded side of a schema. Throws where Effect cannot write it as JSON Schema. */
export const fromAst = (ast: AST.AST, strict = true): Wire => {
  const definitions: Record<string, JSONSchema.JsonSchema7> = {}
  const root = JSONSchema.fromAST(ast, { definitions, topLevelReferenceStrategy: "skip" })
  return fromJson({ ...root, ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }) }, strict)
}
