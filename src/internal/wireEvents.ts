/** What OpenAI's stream events are to us. The table breaks the build when the SDK learns of a new one. */
import type { Response, ResponseStreamEvent, ResponseTextDeltaEvent } from "openai/resources/responses/responses"

/** An event of a response's stream as it came: those of the SDK's union, and any other. */
export interface WireEvent {
  readonly type: string
  /** OpenAI's number of the event within its response, from 0. */
  readonly sequence_number?: number | undefined
  /** The id of the request that the stream answers; set on the events that end a stream. */
  readonly _request_id?: string | undefined
}

/**
 * - `mapped`: becomes an event of a run with a shape of its own
 * - `hosted`: the progress of a tool that OpenAI runs
 * - `structural`: says nothing that a mapped event does not say too
 */
export const wireEvents = {
  "response.created": "mapped",
  "response.queued": "structural",
  "response.in_progress": "structural",
  "response.completed": "mapped",
  "response.failed": "mapped",
  "response.incomplete": "mapped",
  "error": "mapped",
  "response.output_item.added": "mapped",
  "response.output_item.done": "mapped",
  "response.content_part.added": "structural",
  "response.content_part.done": "structural",
  "response.output_text.delta": "mapped",
  "response.output_text.done": "mapped",
  "response.output_text.annotation.added": "mapped",
  "response.refusal.delta": "mapped",
  "response.refusal.done": "mapped",
  "response.function_call_arguments.delta": "mapped",
  "response.function_call_arguments.done": "structural",
  "response.custom_tool_call_input.delta": "hosted",
  "response.custom_tool_call_input.done": "hosted",
  "response.reasoning_summary_part.added": "structural",
  "response.reasoning_summary_part.done": "structural",
  "response.reasoning_summary_text.delta": "mapped",
  "response.reasoning_summary_text.done": "structural",
  "response.reasoning_text.delta": "mapped",
  "response.reasoning_text.done": "structural",
  "response.file_search_call.in_progress": "hosted",
  "response.file_search_call.searching": "hosted",
  "response.file_search_call.completed": "hosted",
  "response.web_search_call.in_progress": "hosted",
  "response.web_search_call.searching": "hosted",
  "response.web_search_call.completed": "hosted",
  "response.code_interpreter_call.in_progress": "hosted",
  "response.code_interpreter_call.interpreting": "hosted",
  "response.code_interpreter_call.completed": "hosted",
  "response.code_interpreter_call_code.delta": "hosted",
  "response.code_interpreter_call_code.done": "hosted",
  "response.image_generation_call.in_progress": "hosted",
  "response.image_generation_call.generating": "hosted",
  "response.image_generation_call.partial_image": "hosted",
  "response.image_generation_call.completed": "hosted",
  "response.mcp_list_tools.in_progress": "hosted",
  "response.mcp_list_tools.completed": "hosted",
  "response.mcp_list_tools.failed": "hosted",
  "response.mcp_call.in_progress": "hosted",
  "response.mcp_call.completed": "hosted",
  "response.mcp_call.failed": "hosted",
  "response.mcp_call_arguments.delta": "hosted",
  "response.mcp_call_arguments.done": "hosted",
  "response.shell_call_command.added": "hosted",
  "response.shell_call_command.delta": "hosted",
  "response.shell_call_command.done": "hosted",
  "response.shell_call_output_content.delta": "hosted",
  "response.shell_call_output_content.done": "hosted",
  "response.audio.delta": "hosted",
  "response.audio.done": "hosted",
  "response.audio.transcript.delta": "hosted",
  "response.audio.transcript.done": "hosted",
  "response.compaction.compacting": "hosted"
} as const satisfies Record<ResponseStreamEvent["type"], "mapped" | "structural" | "hosted">

export const isKnown = (event: WireEvent): event is ResponseStreamEvent => Object.hasOwn(wireEvents, event.type)

/** A heartbeat, outside the SDK's union: it says that the connection lives, and is no news. */
export const isKeepalive = (event: WireEvent): boolean => event.type === "keepalive"

/** Whether an event is the last of its stream. After `error`, `response.failed` may still come. */
export const isLast = (event: WireEvent): event is WireEvent & { readonly response: Response | undefined } =>
  event.type === "response.completed" || event.type === "response.failed" || event.type === "response.incomplete"

/** Asked first, because it comes by the thousand. */
export const isTextDelta = (event: WireEvent): event is ResponseTextDeltaEvent =>
  event.type === "response.output_text.delta"
