/** What of an item is told only to those who ask for it by `include`. */
import type { WireItem } from "../Script.ts"
import { type ApiRequest, isJson } from "./http.ts"

export type Include = ReadonlySet<string>

/** `include[]=a&include[]=b` of a query. */
export const includeOf = (query: ApiRequest["query"]): Include =>
  new Set((query["include[]"] ?? query.include ?? "").split(","))

export const visible = (include: Include) => (item: WireItem): WireItem => {
  switch (item.type) {
    case "web_search_call": {
      if (include.has("web_search_call.action.sources") || !isJson(item.action)) return item
      const { sources: _, ...action } = item.action
      return { ...item, action }
    }
    case "file_search_call":
      return include.has("file_search_call.results") ? item : { ...item, results: null }
    case "code_interpreter_call":
      return include.has("code_interpreter_call.outputs") ? item : { ...item, outputs: null }
    default:
      return item
  }
}
