/** Items as they come in, and what a history must be like for the model to accept it. */
import * as Either from "effect/Either"
import type { Json, WireItem } from "../Script.ts"
import { type Checked, invalidType, isJson, isList, reject } from "./http.ts"
import type { State } from "./state.ts"

const prefixes: Readonly<Record<string, string>> = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  computer_call: "cu",
  web_search_call: "ws",
  file_search_call: "fs",
  code_interpreter_call: "ci",
  image_generation_call: "ig",
  mcp_call: "mcp",
  mcp_list_tools: "mcpl",
  mcp_approval_request: "mcpr",
  mcp_approval_response: "mcpra",
  compaction: "cmp"
}

export const prefixOf = (type: string): string => prefixes[type] ?? "item"

const withStatus = new Set(["message", "function_call", "function_call_output", "custom_tool_call"])

/** A string is one text part: what the user said, or what the assistant said. */
const contentOf = (role: unknown, content: unknown): unknown =>
  typeof content !== "string"
    ? content
    : role === "assistant"
    ? [{ type: "output_text", annotations: [], logprobs: [], text: content }]
    : [{ type: "input_text", text: content }]

/** A message may leave out its type, and an item its id and its status. */
export const normalize = (state: State, raw: unknown, param: string): Checked<WireItem> => {
  if (!isJson(raw)) return invalidType(param, "an object")
  const type = typeof raw.type === "string" ? raw.type : raw.role === undefined ? "item_reference" : "message"
  if (type === "item_reference") return referenced(state, raw, param)
  const prefix = prefixOf(type)
  if (raw.id !== undefined && raw.id !== null) {
    if (typeof raw.id !== "string") return invalidType(`${param}.id`, "a string")
    if (prefix !== "item" && !raw.id.startsWith(prefix)) {
      return reject(
        400,
        "invalid_value",
        `Invalid '${param}.id': '${raw.id}'. Expected an ID that begins with '${prefix}'.`,
        { param: `${param}.id` }
      )
    }
  }
  if (type === "message" && raw.content === undefined) {
    return reject(400, "missing_required_parameter", `Missing required parameter: '${param}.content'.`, {
      param: `${param}.content`
    })
  }
  const { type: _, id, status, ...rest } = raw
  return Either.right({
    type,
    id: typeof id === "string" ? id : state.id(prefix),
    ...(typeof status === "string" ? { status } : withStatus.has(type) ? { status: "completed" } : {}),
    ...rest,
    ...(type === "message" ? { content: contentOf(raw.role, raw.content) } : {})
  })
}

const referenced = (state: State, raw: Json, param: string): Checked<WireItem> => {
  if (typeof raw.id !== "string") return invalidType(`${param}.id`, "a string")
  const item = state.items.get(raw.id)
  return item === undefined
    ? reject(
      404,
      null,
      `Item with id '${raw.id}' not found. Items are not persisted when \`store\` is set to false.`,
      { param: "input" }
    )
    : Either.right(item)
}

/** The items of a request: a list of them, or a string that stands for a user message. */
export const normalizeAll = (state: State, raw: unknown, param: string): Checked<ReadonlyArray<WireItem>> => {
  if (raw === undefined || raw === null) return Either.right([])
  if (typeof raw === "string") return normalizeAll(state, [{ role: "user", content: raw }], param)
  if (!isList(raw)) return invalidType(param, "a string or an array of items")
  return Either.all(raw.map((item, index) => normalize(state, item, `${param}[${index}]`)))
}

/** The calls that the program answers, in the words of what is wrong with them. */
const callNames: Readonly<Record<string, string>> = {
  function_call: "function call",
  custom_tool_call: "custom tool call",
  local_shell_call: "local shell call",
  shell_call: "shell call",
  apply_patch_call: "apply patch call",
  computer_call: "computer call"
}

const outputNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(callNames).map(([type, name]) => [`${type}_output`, name])
)

const isCallOutput = (item: WireItem) => item.type in outputNames

/** The output of a local shell has the call's id as its own. */
const callIdOf = (item: WireItem) => item.call_id ?? item.id

/** Whether an item is something that the model made, and so can be what a reasoning item led to. */
const isFromModel = (item: WireItem) =>
  item.type === "message"
    ? item.role === "assistant"
    : item.type !== "reasoning" && item.type !== "mcp_approval_response" && !isCallOutput(item)

const invalid = (reason: string) => reject(400, null, reason, { param: "input" })

/** The model refuses a history with half a call, with half a piece of reasoning, or with one item twice. */
export const checkHistory = (state: State, items: ReadonlyArray<WireItem>): Checked<void> => {
  const ids = new Set<string>()
  const calls = new Map<unknown, string>()
  const outputs = new Set<unknown>()
  const requests = new Set<unknown>()
  for (const item of items) {
    if (ids.has(item.id)) {
      return invalid(
        `Duplicate item found with id ${item.id}. Remove duplicate items from your input and try again.`
      )
    }
    ids.add(item.id)
    const name = callNames[item.type]
    if (name !== undefined && item.async !== true) calls.set(item.call_id, name)
    if (name !== undefined && item.async === true) outputs.add(item.call_id)
    // An approval that is not given is accepted: whether OpenAI does so is not known.
    if (item.type === "mcp_approval_request") requests.add(item.id)
    if (item.type === "mcp_approval_response" && !requests.has(item.approval_request_id)) {
      // Source: community.openai.com 1365706.
      return invalid(
        "The following MCP approval requests have approval responses but weren't passed as input: " +
          `${item.approval_request_id}`
      )
    }
    if (!isCallOutput(item)) continue
    const callId = callIdOf(item)
    if (calls.get(callId) !== outputNames[item.type] && !outputs.has(callId)) {
      return invalid(`No tool call found for ${outputNames[item.type]} output with call_id ${callId}.`)
    }
    outputs.add(callId)
  }
  for (const [call, name] of calls) {
    if (!outputs.has(call)) return invalid(`No tool output found for ${name} ${call}.`)
  }
  for (const [index, item] of items.entries()) {
    const next = items[index + 1]
    if (item.type === "reasoning" && (next === undefined || !(next.type === "reasoning" || isFromModel(next)))) {
      return invalid(`Item '${item.id}' of type 'reasoning' was provided without its required following item.`)
    }
    const reasoning = state.reasoningOf.get(item.id)
    if (reasoning !== undefined && !ids.has(reasoning)) {
      return invalid(
        `Item '${item.id}' of type '${item.type}' was provided without its required 'reasoning' item: '${reasoning}'.`
      )
    }
  }
  return Either.right(undefined)
}

/** A rough count, the same for the same items. */
export const countTokens = (...parts: ReadonlyArray<unknown>): number => Math.ceil(JSON.stringify(parts).length / 4)
