/** Judges requests by OpenAI's OpenAPI document. */
import type { ErrorObject, Options, ValidateFunction } from "ajv"
import formats from "ajv-formats"
import { Ajv2020 } from "ajv/dist/2020.js"
import type { Simulator } from "effect-openai-threads/testing"
import type { OpenApi, Operation } from "./document.ts"
import { relax } from "./relax.ts"

type Request = Pick<Simulator.RecordedRequest, "method" | "path" | "query" | "body">

export interface Judged {
  /** Such as `POST /conversations/{conversation_id}/items`. */
  readonly operation: string
  /** What is wrong, one line each; nothing when the request conforms. */
  readonly problems: ReadonlyArray<string>
}

const isParameter = (segment: string) => segment.startsWith("{")

const matches = (template: string, path: string): boolean => {
  const expected = template.split("/")
  const actual = path.split("/")
  return expected.length === actual.length &&
    expected.every((segment, index) => isParameter(segment) ? actual[index] !== "" : segment === actual[index])
}

const pointer = (...keys: ReadonlyArray<string>) =>
  keys.map((key) => `/${encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("")

/** The complaints of a union's members fill pages, so of a union only the value is told that none of them takes. */
const describe = (where: string, errors: ReadonlyArray<ErrorObject> | null | undefined): ReadonlyArray<string> => {
  const unions = new Map(
    (errors ?? []).flatMap((error) => error.keyword === "anyOf" ? [[error.instancePath, error.data]] : [])
  )
  const isInside = (path: string) => Array.from(unions.keys()).some((union) => path.startsWith(union))
  return [
    ...(errors ?? [])
      .filter(({ instancePath }) => !isInside(instancePath))
      .map(({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`),
    ...Array.from(unions, ([path, value]) => `${where}${path} cannot be ${JSON.stringify(value).slice(0, 400)}`)
  ]
}

const instance = (document: OpenApi, options: Options): Ajv2020 => {
  // Keywords such as `x-stainless-const` are not JSON Schema's.
  const ajv = new Ajv2020({ strict: false, allErrors: true, ...options })
  formats.default(ajv)
  ajv.addFormat("unixtime", true)
  ajv.addFormat("float", true)
  ajv.addSchema(document, "openapi")
  return ajv
}

/** A list in a query is `name[]`, as OpenAI's own clients write it; the document calls it by its name. */
const listsIn = (query: Request["query"]) =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) =>
      name.endsWith("[]") ? [name.slice(0, -2), value.split(",")] : [name, value]
    )
  )

const querySchema = ({ parameters = [] }: Operation) => {
  const known = parameters.filter((parameter) => parameter.in === "query")
  const properties = Object.fromEntries(known.map(({ name, schema }) => [name, schema]))
  return {
    type: "object",
    additionalProperties: false,
    required: known.filter((parameter) => parameter.required === true).map(({ name }) => name),
    properties: JSON.parse(JSON.stringify(properties).replaceAll(`"#/components`, `"openapi#/components`))
  }
}

export const make = (document: OpenApi): (request: Request) => Judged => {
  const relaxed = relax(document)
  // Naming every problem takes ten times as long as finding one.
  const quick = instance(relaxed, { allErrors: false })
  const thorough = instance(relaxed, { verbose: true })
  // What a query carries are strings.
  const coercing = instance(relaxed, { coerceTypes: "array" })

  const operations = Object.entries(relaxed.paths)
    .filter(([template]) => !template.includes("?"))
    .flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        template,
        method,
        operation,
        name: `${method} ${template}`
      }))
    )

  const compiled = new Map<string, ValidateFunction>()
  const once = (key: string, compile: () => ValidateFunction): ValidateFunction => {
    const validate = compiled.get(key) ?? compile()
    compiled.set(key, validate)
    return validate
  }

  const find = ({ method, path }: Request) =>
    operations
      .filter((candidate) => candidate.method === method.toLowerCase() && matches(candidate.template, path))
      // A path of its own goes before one with a parameter in its place.
      .sort((a, b) => a.template.split("{").length - b.template.split("{").length)[0]

  const bodyProblems = ({ body }: Request, { method, name, operation, template }: (typeof operations)[number]) => {
    const { requestBody } = operation
    if (requestBody === undefined) return body === undefined ? [] : ["body: the operation takes none"]
    if (body === undefined) return requestBody.required === true ? ["body: it is required"] : []
    const place = pointer("paths", template, method, "requestBody", "content", "application/json", "schema")
    const $ref = `openapi#${place}`
    if (once(`${name} body`, () => quick.compile({ $ref }))(body)) return []
    const explain = once(`${name} body explained`, () => thorough.compile({ $ref }))
    explain(body)
    return describe("body", explain.errors)
  }

  const queryProblems = ({ query }: Request, { name, operation }: (typeof operations)[number]) => {
    const validate = once(`${name} query`, () => coercing.compile(querySchema(operation)))
    return validate(listsIn(query)) ? [] : describe("query", validate.errors)
  }

  return (request) => {
    const found = find(request)
    if (found === undefined) {
      const operation = `${request.method} ${request.path}`
      return { operation, problems: [`${operation} is no operation`] }
    }
    return {
      operation: `${request.method} ${found.template}`,
      problems: [...bodyProblems(request, found), ...queryProblems(request, found)]
    }
  }
}
