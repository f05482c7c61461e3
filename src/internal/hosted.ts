/** The tools that OpenAI runs: what their items tell of themselves, and what they tell only where they are asked to. */
import * as Predicate from "effect/Predicate"
import type { CodeOutput, Found, Include, Result, Source } from "../HostedTool.ts"
import { compact } from "./compact.ts"

const record = (raw: unknown): Record<string, unknown> => Predicate.isRecord(raw) ? raw : {}
const string = (raw: unknown): string | undefined => typeof raw === "string" ? raw : undefined
const list = (raw: unknown): ReadonlyArray<unknown> => Array.isArray(raw) ? raw : []
const strings = (raw: unknown): ReadonlyArray<string> => list(raw).filter((one) => typeof one === "string")

const toSource = (raw: unknown): Source => {
  const { name, type, url } = record(raw)
  return compact({ type: string(type) ?? "unknown", url: string(url), name: string(name) })
}

const toFound = (raw: unknown): Found => {
  const { attributes, file_id, filename, score, text } = record(raw)
  return compact({
    fileId: string(file_id),
    filename: string(filename),
    score: typeof score === "number" ? score : undefined,
    text: string(text),
    attributes: record(attributes)
  })
}

const toOutput = (raw: unknown): CodeOutput => {
  const { logs, type, url } = record(raw)
  return type === "logs" && typeof logs === "string"
    ? { _tag: "Logs", logs }
    : type === "image" && typeof url === "string"
    ? { _tag: "Image", url }
    : { _tag: "Unknown", type: string(type) ?? "unknown", raw }
}

/** An error is a text, or an object with one; which of them is not the same for all servers. */
const errorOf = (raw: unknown): string | undefined =>
  raw === null || raw === undefined ? undefined : string(raw) ?? string(record(raw)["message"]) ?? JSON.stringify(raw)

const toolOf = (raw: unknown) => {
  const { description, name } = record(raw)
  return compact({ name: string(name) ?? "", description: string(description) })
}

const readers: Readonly<Record<string, (wire: Record<string, unknown>) => Result>> = {
  web_search_call: (wire) => {
    const { pattern, queries, query, sources, type, url } = record(wire["action"])
    const asked = strings(queries)
    return compact({
      _tag: "WebSearch" as const,
      action: string(type) ?? "search",
      queries: asked.length === 0 ? strings([query]) : asked,
      url: string(url),
      pattern: string(pattern),
      sources: list(sources).map(toSource)
    })
  },
  file_search_call: ({ queries, results }) => ({
    _tag: "FileSearch",
    queries: strings(queries),
    results: list(results).map(toFound)
  }),
  code_interpreter_call: ({ code, container_id, outputs }) =>
    compact({
      _tag: "CodeInterpreter" as const,
      code: string(code) ?? "",
      containerId: string(container_id),
      outputs: list(outputs).map(toOutput)
    }),
  image_generation_call: ({ result }) => compact({ _tag: "ImageGeneration" as const, image: string(result) }),
  mcp_call: ({ arguments: args, error, name, output, server_label }) =>
    compact({
      _tag: "McpCall" as const,
      server: string(server_label) ?? "",
      name: string(name) ?? "",
      arguments: string(args) ?? "",
      output: string(output),
      error: errorOf(error)
    }),
  mcp_list_tools: ({ error, server_label, tools }) =>
    compact({
      _tag: "McpTools" as const,
      server: string(server_label) ?? "",
      tools: list(tools).map(toolOf),
      error: errorOf(error)
    })
}

/** Kinds of tool with a result that we do not know keep it in the wire's object. */
export const toResult = (type: string, raw: unknown): Result | undefined =>
  Object.hasOwn(readers, type) ? readers[type]!(record(raw)) : undefined

const told: Readonly<Record<string, Include>> = {
  web_search: "web_search_call.action.sources",
  file_search: "file_search_call.results",
  code_interpreter: "code_interpreter_call.outputs"
}

/** What has to be asked for, so that the tools' results are told. */
export const includeOf = (tools: ReadonlyArray<{ readonly type: string }>): ReadonlyArray<Include> => [
  ...new Set(
    // Versions of a tool are `web_search_preview` or `web_search_2026_01_01`.
    tools.flatMap(({ type }) => Object.keys(told).filter((name) => type.startsWith(name)).map((name) => told[name]!))
  )
]
