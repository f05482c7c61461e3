/** A value of a JSON Schema, for the simulated model: always the same one, by the common keywords. */
import * as Predicate from "effect/Predicate"

/** There is none, or it would have no end. */
class None extends Error {}

const ofFormat: Record<string, string> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  duration: "P1D",
  email: "somebody@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com",
  uuid: "00000000-0000-4000-8000-000000000000"
}

const numberOr = (value: unknown, otherwise: number) => typeof value === "number" ? value : otherwise

const text = (schema: Record<string, unknown>) =>
  ofFormat[String(schema["format"])] ??
    "simulated".slice(0, numberOr(schema["maxLength"], Infinity)).padEnd(numberOr(schema["minLength"], 0), ".")

const number = (schema: Record<string, unknown>, unit: number) => {
  const step = numberOr(schema["multipleOf"], unit)
  const least = Math.max(
    numberOr(schema["minimum"], -Infinity),
    numberOr(schema["exclusiveMinimum"], -Infinity) + step
  )
  const most = Math.min(numberOr(schema["maximum"], Infinity), numberOr(schema["exclusiveMaximum"], Infinity) - step)
  const value = Math.min(Math.max(0, least), most)
  return (value < 0 ? Math.floor(value / step) : Math.ceil(value / step)) * step
}

/** The part of the schema that a local reference names. */
const at = (root: unknown, reference: string): unknown =>
  reference.replace(/^#\/?/, "").split("/").filter((part) => part !== "").reduce<unknown>((schema, part) => {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")
    return Predicate.isRecord(schema) ? schema[name] : undefined
  }, root)

const of = (schema: unknown, root: unknown, open: ReadonlyArray<string>): unknown => {
  if (!Predicate.isRecord(schema)) {
    if (schema === false) throw new None()
    return null
  }
  const { $ref, anyOf, const: constant, enum: values, oneOf, type } = schema
  if (typeof $ref === "string") {
    if (open.includes($ref)) throw new None()
    return of(at(root, $ref), root, [...open, $ref])
  }
  if (constant !== undefined) return constant
  if (Array.isArray(values)) return values[0]
  const branches = anyOf ?? oneOf
  if (Array.isArray(branches)) return first(branches.map((branch) => () => of(branch, root, open)))
  switch (Array.isArray(type) ? type[0] : type ?? (schema["properties"] === undefined ? "null" : "object")) {
    case "object": {
      const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : [])
      const properties = Predicate.isRecord(schema["properties"]) ? schema["properties"] : {}
      return Object.fromEntries(
        Object.entries(properties).flatMap(([key, property]) => {
          const one = () => [[key, of(property, root, open)] as const]
          return required.has(key) ? one() : first([one, () => []])
        })
      )
    }
    case "array": {
      const { items, maxItems, minItems, prefixItems } = schema
      const tuple = prefixItems ?? items
      if (Array.isArray(tuple)) return tuple.map((one) => of(one, root, open))
      const least = numberOr(minItems, 0)
      const list = (length: number) => () => Array.from({ length }, () => of(items, root, open))
      return first([list(Math.min(Math.max(least, 1), numberOr(maxItems, Infinity))), list(least)])
    }
    case "string":
      return text(schema)
    case "integer":
      return number(schema, 1)
    case "number":
      return number(schema, 0.5)
    case "boolean":
      return false
    default:
      return null
  }
}

const first = <A>(candidates: ReadonlyArray<() => A>): A => {
  for (const candidate of candidates) {
    try {
      return candidate()
    } catch (error) {
      if (!(error instanceof None)) throw error
    }
  }
  throw new None()
}

/** What a model might answer that says nothing: every key that can have a value, and lists of one. */
export const instance = (schema: unknown): unknown => first<unknown>([() => of(schema, schema, ["#"]), () => ({})])
