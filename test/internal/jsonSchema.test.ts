import { describe, expect, it } from "@effect/vitest"
import { Ajv2019 } from "ajv/dist/2019.js"
import { Arbitrary, Duration, FastCheck, Predicate, Schema } from "effect"
import { fromAst, fromJson } from "../../src/internal/jsonSchema.ts"
import { tupleIn } from "../../src/testing/internal/strictSchema.ts"

interface Tree {
  readonly value: number
  readonly note?: string
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Schema<Tree> = Schema.Struct({
  value: Schema.Int,
  note: Schema.optionalWith(Schema.String, { exact: true }),
  children: Schema.Array(Schema.suspend(() => Tree)).annotations({ arbitrary: () => (fc) => fc.constant([]) })
}).annotations({ identifier: "Tree" })

const Shape = Schema.Union(
  Schema.TaggedStruct("Circle", { radius: Schema.optionalWith(Schema.Int, { exact: true }) }),
  Schema.TaggedStruct("Square", { side: Schema.Int, color: Schema.optionalWith(Schema.String, { exact: true }) })
)

const all = {
  plain: Schema.Struct({ city: Schema.String, days: Schema.Int }),
  optional: Schema.Struct({
    city: Schema.String,
    unit: Schema.optionalWith(Schema.Literal("C", "F"), { exact: true }),
    limits: Schema.optionalWith(
      Schema.Struct({ low: Schema.optionalWith(Schema.Int, { exact: true }), high: Schema.Int }),
      { exact: true }
    )
  }),
  nullable: Schema.Struct({
    given: Schema.NullOr(Schema.String),
    both: Schema.optionalWith(Schema.NullOr(Schema.Int), { exact: true })
  }),
  list: Schema.Struct({ shapes: Schema.Array(Shape), one: Schema.optionalWith(Shape, { exact: true }) }),
  tree: Schema.Struct({ root: Tree, other: Schema.optionalWith(Tree, { exact: true }) }),
  tuples: Schema.Struct({ at: Schema.Tuple(Schema.Int, Schema.Int), far: Schema.Array(Schema.Tuple(Schema.Int)) }),
  refined: Schema.Struct({
    name: Schema.String.pipe(Schema.minLength(2), Schema.maxLength(9)).annotations({ description: "Who" }),
    score: Schema.Int.pipe(Schema.between(1, 5))
  })
}

/** What a model in strict mode sends: every key, with `null` for what is missing. `both` may be null itself. */
const filled = (schema: unknown, value: unknown, defs: Record<string, unknown>): unknown => {
  if (!Predicate.isRecord(schema)) return value
  if (typeof schema["$ref"] === "string") return filled(defs[schema["$ref"].replace("#/$defs/", "")], value, defs)
  if (Array.isArray(schema["anyOf"])) {
    const tag = Predicate.isRecord(value) ? value["_tag"] : undefined
    const branch = schema["anyOf"].find((branch: { properties?: Record<string, { enum?: Array<unknown> }> }) =>
      branch.properties?.["_tag"]?.enum?.[0] === tag
    )
    const object = schema["anyOf"].find((branch: { type?: string; $ref?: string }) =>
      branch.type === "object" || branch.$ref !== undefined
    )
    return filled(tag === undefined ? object : branch, value, defs)
  }
  if (Array.isArray(value)) return value.map((item) => filled(schema["items"], item, defs))
  const { properties } = schema
  if (!Predicate.isRecord(value) || !Predicate.isRecord(properties)) return value
  return Object.fromEntries(
    Object.keys(properties).map((key) => [key, key in value ? filled(properties[key], value[key], defs) : null])
  )
}

const everyObject = (schema: unknown, check: (object: Record<string, unknown>) => void): void => {
  if (Array.isArray(schema)) return schema.forEach((one) => everyObject(one, check))
  if (!Predicate.isRecord(schema)) return
  if (schema["type"] === "object") check(schema)
  for (const value of Object.values(schema)) everyObject(value, check)
}

describe("JSON Schema in strict mode", () => {
  const ajv = new Ajv2019({ strict: true, allowUnionTypes: true })

  for (const [name, schema] of Object.entries(all)) {
    it(`${name}: requires every key and has no others`, () => {
      const wire = fromAst(schema.ast)
      expect(wire.notStrict).toBe(undefined)
      everyObject(wire.schema, (object) => {
        expect(object["additionalProperties"]).toBe(false)
        expect(object["required"]).toEqual(Object.keys(object["properties"] as object))
      })
    })

    it(`${name}: what was made nullable finds its way back`, () => {
      const { restore, schema: wire } = fromAst(schema.ast)
      const validate = ajv.compile(wire)
      const encode = Schema.encodeSync(schema as Schema.Schema<unknown>)
      FastCheck.assert(FastCheck.property(Arbitrary.make(schema as Schema.Schema<unknown>), (value) => {
        const encoded = encode(value)
        const sent = filled(wire, encoded, (wire["$defs"] ?? {}) as Record<string, unknown>)
        expect(validate(sent), JSON.stringify(validate.errors)).toBe(true)
        const back = restore(sent)
        // A key that takes null itself keeps it.
        const expected = name === "nullable" && !("both" in (encoded as object))
          ? { ...(encoded as object), both: null }
          : encoded
        expect(back).toEqual(expected)
      }))
    })
  }

  it("a tuple becomes a list of its members, in strict mode and without it", () => {
    const parameters = Schema.Struct({
      at: Schema.Tuple(Schema.Number, Schema.Number),
      range: Schema.Tuple(Schema.String, Schema.optionalElement(Schema.Boolean)),
      rest: Schema.Tuple([Schema.String], Schema.Number)
    })
    const number = { type: "number" }
    const either = { anyOf: [{ type: "string" }, number] }
    for (const strict of [true, false]) {
      const { schema } = fromAst(parameters.ast, strict)
      const { at, range, rest } = schema["properties"] as Record<string, Record<string, unknown>>
      expect(at).toEqual({ type: "array", items: number, minItems: 2, maxItems: 2 })
      expect(range).toMatchObject({
        items: { anyOf: [{ type: "string" }, { type: "boolean" }] },
        minItems: 1,
        maxItems: 2,
        description: `in this order: {"type":"string"}, {"type":"boolean"}`
      })
      expect(rest).toMatchObject({
        items: either,
        minItems: 1,
        description: `in this order: {"type":"string"}, any number of {"type":"number"}`
      })
      expect(rest).not.toHaveProperty("maxItems")
      expect(tupleIn(schema)).toBe(undefined)
    }
    const prefixed = fromJson({
      type: "object",
      properties: {
        t: { type: "array", prefixItems: [{ type: "string" }, number], items: false, description: "Two." }
      },
      required: ["t"],
      additionalProperties: false
    })
    expect(prefixed).toMatchObject({
      notStrict: undefined,
      schema: {
        properties: { t: { items: either, maxItems: 2, description: expect.stringMatching(/^Two\.; in this order/) } }
      }
    })
  })

  it("says each of them, wherever it is", () => {
    const keywords = {
      minLength: 1,
      maxLength: 2,
      uniqueItems: true,
      minProperties: 3,
      maxProperties: 4,
      contentMediaType: "text/plain",
      contentEncoding: "base64",
      default: "x",
      examples: ["y"]
    }
    for (const [keyword, value] of Object.entries(keywords)) {
      const odd = Schema.String.annotations({ jsonSchema: { type: "string", [keyword]: value } })
      const { notStrict, schema } = fromAst(Schema.Struct({ list: Schema.Array(Schema.Struct({ odd })) }).ast)
      expect([keyword, notStrict]).toEqual([keyword, undefined])
      const text = JSON.stringify(schema)
      expect(text).not.toContain(`"${keyword}"`)
      expect(text).toContain(`${keyword}: `)
    }
  })

  it("says in words what strict mode has no keyword for", () => {
    const { schema } = fromAst(all.refined.ast)
    expect(schema).toMatchObject({
      properties: { name: { type: "string", description: "Who; minLength: 2; maxLength: 9" }, score: { minimum: 1 } }
    })
    expect(JSON.stringify(fromAst(Schema.Struct({ a: Schema.String.pipe(Schema.pattern(/^(?!x)/)) }).ast).schema))
      .not.toContain(`"pattern"`)
  })

  it("a duration finds its way back", () => {
    const parameters = Schema.Struct({ d: Schema.Duration })
    const { notStrict, restore, schema } = fromAst(parameters.ast)
    expect([notStrict, tupleIn(schema)]).toEqual([undefined, undefined])
    for (const d of [{ _tag: "Millis", millis: 1_500 }, [1, 500_000_000]]) {
      expect(ajv.validate(schema, { d })).toBe(true)
      expect(Duration.toMillis(Schema.decodeUnknownSync(parameters)(restore({ d })).d)).toBe(1_500)
    }
  })

  const loose: Record<string, readonly [Schema.Struct.Fields, string]> = {
    "a record": [{ r: Schema.Record({ key: Schema.String, value: Schema.Int }) }, "r has keys that are not named"],
    "a tuple of anything": [{ t: Schema.Tuple(Schema.String, Schema.Unknown) }, "t.[] may be anything"],
    "anything": [{ u: Schema.Unknown }, "u may be anything"],
    "anything below": [{ a: Schema.Struct({ b: Schema.Array(Schema.Unknown) }) }, "a.b.[] may be anything"],
    "any object": [{ o: Schema.Object }, "o has keys that are not named"]
  }
  for (const [name, [fields, reason]] of Object.entries(loose)) {
    it(`${name} goes as it is, and says why`, () => {
      const wire = fromAst(Schema.Struct(fields).ast)
      expect(wire.notStrict).toBe(reason)
      expect(JSON.stringify(wire.schema)).not.toContain("/schemas/")
      const value = { anything: null }
      expect(wire.restore(value)).toBe(value)
    })
  }

  const object = (properties: object, more: object = {}) => ({
    type: "object",
    properties,
    additionalProperties: false,
    ...more
  })
  const written: Record<string, readonly [object, string]> = {
    "a reference to the whole": [
      object({ next: { $ref: "#" } }),
      "next refers to \"#\", which is none of its $defs"
    ],
    "a reference to definitions of old": [
      object({ a: { $ref: "#/definitions/a" } }),
      "a refers to \"#/definitions/a\", which is none of its $defs"
    ],
    "an object or null, in one type": [
      object({ a: { ...object({ b: { type: "string" } }), type: ["object", "null"] } }),
      "a is an object or something else"
    ],
    "any array or null": [object({ a: { type: ["array", "null"] } }), "a has items of any type"]
  }
  for (const [name, [schema, reason]] of Object.entries(written)) {
    it(`${name} goes as it is, where somebody else wrote the schema`, () => {
      const wire = fromJson({ ...schema })
      expect(wire.notStrict).toBe(reason)
      expect(wire.schema).toEqual(schema)
    })
  }

  it("a key that takes null in a list of types or as a constant keeps it", () => {
    const { notStrict, restore, schema } = fromJson(object({ a: { type: ["string", "null"] }, b: { const: null } }))
    expect(notStrict).toBe(undefined)
    expect(schema["properties"]).toEqual({ a: { type: ["string", "null"] }, b: { enum: [null] } })
    expect(restore({ a: null, b: null })).toEqual({ a: null, b: null })
  })

  it("a union at the top is no object", () => {
    expect(fromAst(Schema.Union(Schema.Struct({ a: Schema.Int }), Schema.Struct({ b: Schema.Int })).ast).notStrict)
      .toBe(
        "the whole is no object"
      )
  })

  it("no keys at all are an object without keys", () => {
    const empty = { type: "object", properties: {}, required: [], additionalProperties: false }
    expect(fromAst(Schema.Struct({}).ast).schema).toEqual(empty)
    expect(fromAst(Schema.Record({ key: Schema.String, value: Schema.Never }).ast).schema).toEqual(empty)
  })

  it("is bounded in depth and size, as OpenAI has it", () => {
    const deep = (levels: number): Schema.Struct.Field =>
      levels === 0 ? Schema.Int : Schema.Struct({ a: deep(levels - 1) as Schema.Schema<unknown> })
    expect(fromAst(Schema.Struct({ a: deep(8) as Schema.Schema<unknown> }).ast).notStrict).toBe(undefined)
    expect(fromAst(Schema.Struct({ a: deep(12) as Schema.Schema<unknown> }).ast).notStrict).toContain("nested")
    const wide = Object.fromEntries(Array.from({ length: 5_001 }, (_, index) => [`key${index}`, Schema.Int]))
    expect(fromAst(Schema.Struct(wide).ast).notStrict).toContain("5000 keys")
  })

  it("a value that is nothing of it stays as it is", () => {
    const { restore } = fromAst(all.list.ast)
    for (const value of [null, 1, "x", [], { shapes: null }, { shapes: [{ _tag: "Oval", x: null }] }]) {
      expect(restore(value)).toEqual(value)
    }
    expect(Object.keys(restore(JSON.parse(`{"__proto__":{"a":1}}`)) as object)).toEqual(["__proto__"])
  })

  it("can be switched off", () => {
    expect(fromAst(all.plain.ast, false)).toMatchObject({ notStrict: "strict mode is switched off for it" })
    expect(fromJson({ type: "object", properties: {}, additionalProperties: false }).notStrict).toBe(undefined)
  })
})
