import { describe, expect, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { instance } from "../../src/cli/instance.ts"

const ajv = new Ajv2020({ strict: false, validateFormats: false })

const object = (properties: object, more: object = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more
})

/** A schema, and the value that stands for it. */
const cases: Record<string, readonly [schema: object, value: unknown]> = {
  "each type": [
    object({
      a: { type: "string" },
      b: { type: "integer" },
      c: { type: "number" },
      d: { type: "boolean" },
      e: { type: "null" },
      f: { type: ["string", "null"] },
      g: object({})
    }),
    { a: "simulated", b: 0, c: 0, d: false, e: null, f: "simulated", g: {} }
  ],
  "lists": [
    object({
      a: { type: "array", items: { type: "integer" } },
      b: { type: "array", items: { const: "x" }, minItems: 3 },
      c: { type: "array", items: { type: "string" }, maxItems: 0 },
      d: { type: "array", prefixItems: [{ type: "boolean" }, { enum: ["y", "z"] }] }
    }),
    { a: [0], b: ["x", "x", "x"], c: [], d: [false, "y"] }
  ],
  "limits": [
    object({
      a: { type: "string", minLength: 12 },
      b: { type: "string", maxLength: 3 },
      c: { type: "integer", minimum: 3 },
      d: { type: "integer", exclusiveMaximum: 0 },
      e: { type: "number", multipleOf: 0.25, exclusiveMinimum: 1 },
      f: { type: "string", format: "date" }
    }),
    { a: "simulated...", b: "sim", c: 3, d: -1, e: 1.25, f: "2026-01-01" }
  ],
  "unions: the first that has an end": [
    object({ a: { anyOf: [{ const: 1 }, { const: 2 }] }, b: { oneOf: [false, { enum: ["x"] }] } }),
    { a: 1, b: "x" }
  ],
  "references, and no end": [
    object({ tree: { $ref: "#/$defs/tree" }, again: { $ref: "#/$defs/a~1b" } }, {
      $defs: {
        tree: object({
          value: { type: "integer" },
          next: { anyOf: [{ $ref: "#/$defs/tree" }, { type: "null" }] },
          children: { type: "array", items: { $ref: "#/$defs/tree" } }
        }),
        "a/b": { const: "here" }
      }
    }),
    { tree: { value: 0, next: null, children: [] }, again: "here" }
  ],
  "the whole, where it may be missing": [
    { type: "object", properties: { a: { type: "string" }, next: { $ref: "#" } }, required: ["a"] },
    { a: "simulated" }
  ]
}

describe("an instance of a schema", () => {
  for (const [name, [schema, value]] of Object.entries(cases)) {
    it(name, () => {
      expect(instance(schema)).toEqual(value)
      expect(ajv.validate(schema, value)).toBe(true)
    })
  }

  it("is an empty object where there is none", () => {
    expect(instance(object({ next: { $ref: "#" } }))).toEqual({})
    expect(instance(false)).toEqual({})
  })
})
