/** What in a thread waits for the program: calls of its tools, and what an MCP server wants to have approved. */
import * as Predicate from "effect/Predicate"
import type { ResponseInputItem } from "openai/resources/responses/responses"
import type { Pending } from "../RunEvent.ts"
import { CallId, type Item, ItemId } from "../Thread.ts"
import { toItem } from "./items.ts"

/** The calls that the program answers, and the items that do. Source: openai 7.57, `ResponseInputItem`. */
export const outputTypes: Readonly<Record<string, string>> = {
  function_call: "function_call_output",
  custom_tool_call: "custom_tool_call_output",
  local_shell_call: "local_shell_call_output",
  shell_call: "shell_call_output",
  apply_patch_call: "apply_patch_call_output",
  computer_call: "computer_call_output"
}

const outputs = new Set(Object.values(outputTypes))

const record = (raw: unknown): Record<string, unknown> => Predicate.isRecord(raw) ? raw : {}
const string = (raw: unknown) => typeof raw === "string" ? raw : undefined

/**
 * What an item waits for, as if nobody had answered it. A call marked `async` may stay so. Source: openai 7.55. Without
 * `raw`, a function's call and a request for approval are known all the same.
 */
export const pendingOf = (raw: unknown, item: Item = toItem(raw)): Pending | undefined => {
  const { async: isAsync, call_id, environment, id, type } = record(raw)
  if (isAsync === true) return undefined
  if (item._tag === "FunctionCall") return { _tag: "PendingCall", call: item, needsApproval: false }
  if (item._tag === "ApprovalRequest") {
    const { arguments: args, id, name, server } = item
    return { _tag: "PendingApproval", itemId: id, server, name, arguments: args }
  }
  // OpenAI's own containers answer themselves.
  const isHosted = record(environment)["type"] === "container_reference"
  return typeof type === "string" && outputTypes[type] !== undefined && !isHosted && typeof call_id === "string"
    ? { _tag: "PendingItem", itemId: ItemId.make(string(id) ?? call_id), callId: CallId.make(call_id), type, raw }
    : undefined
}

/** The call, or the request for approval, that is answered by its id. */
export const keyOf = (pending: Pending): CallId | ItemId =>
  pending._tag === "PendingCall"
    ? pending.call.callId
    : pending._tag === "PendingApproval"
    ? pending.itemId
    : pending.callId

/** What an item answers, if it answers something. The output of a local shell has the call's id as its own. */
export const answeredBy = (raw: unknown): string | undefined => {
  const { approval_request_id, call_id, id, type } = record(raw)
  return type === "mcp_approval_response"
    ? string(approval_request_id)
    : typeof type === "string" && outputs.has(type)
    ? string(call_id) ?? string(id)
    : undefined
}

export const outputOf = (callId: string, output: string): ResponseInputItem => ({
  type: "function_call_output",
  call_id: callId,
  output
})

/** A screen on which nothing is: 64 × 64 pixels, since an image may be too small for OpenAI. */
const emptyScreen =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWjgHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC"

/** Answers what nobody else will, with a word on why. */
export const closing = (pending: Pending, why: string): ResponseInputItem => {
  if (pending._tag === "PendingApproval") {
    return { type: "mcp_approval_response", approval_request_id: pending.itemId, approve: false, reason: why }
  }
  if (pending._tag === "PendingCall") return outputOf(pending.call.callId, why)
  const { callId, type } = pending
  const fields: Readonly<Record<string, object>> = {
    custom_tool_call: { output: why },
    local_shell_call: { id: callId, output: why },
    shell_call: { output: [{ stdout: "", stderr: why, outcome: { type: "exit", exit_code: 1 } }] },
    apply_patch_call: { status: "failed", output: why },
    computer_call: { output: { type: "computer_screenshot", image_url: emptyScreen } }
  }
  return { type: outputTypes[type], call_id: callId, ...fields[type] } as ResponseInputItem
}
