/**
 * The names of OpenAI's that this library decides something by, with what is decided. A name that the SDK learns, and one
 * that it forgets, breaks the build here; then the tables of `src` are to be looked at too.
 */
import type { Assistant, Thread } from "effect-openai-threads"
import type { Message } from "openai/resources/conversations/conversations"
import type { ConversationItem } from "openai/resources/conversations/items"
import type { Response, ResponseError } from "openai/resources/responses/responses"

/** What an item of each type is read as. `Unknown` keeps the wire's object: nothing is lost, nothing is typed. */
export const items = {
  message: "Message",
  function_call: "FunctionCall",
  function_call_output: "FunctionCallOutput",
  reasoning: "Reasoning",
  mcp_approval_request: "ApprovalRequest",
  web_search_call: "HostedToolCall",
  file_search_call: "HostedToolCall",
  code_interpreter_call: "HostedToolCall",
  image_generation_call: "HostedToolCall",
  mcp_call: "HostedToolCall",
  mcp_list_tools: "HostedToolCall",
  computer_call: "HostedToolCall",
  local_shell_call: "HostedToolCall",
  shell_call: "HostedToolCall",
  apply_patch_call: "HostedToolCall",
  tool_search_call: "HostedToolCall",
  // An answer to what is shown already, or machinery that a reader of a thread has no use for.
  mcp_approval_response: "Unknown",
  computer_call_output: "Unknown",
  local_shell_call_output: "Unknown",
  shell_call_output: "Unknown",
  apply_patch_call_output: "Unknown",
  tool_search_output: "Unknown",
  custom_tool_call: "Unknown",
  custom_tool_call_output: "Unknown",
  additional_tools: "Unknown",
  configuration_update: "Unknown",
  compaction: "Unknown",
  program: "Unknown",
  program_output: "Unknown"
} as const satisfies Record<ConversationItem["type"], Thread.Item["_tag"]>

/** Whether a response of each status may still change. */
export const statuses = {
  queued: "open",
  in_progress: "open",
  completed: "ended",
  incomplete: "ended",
  failed: "ended",
  cancelled: "ended"
} as const satisfies Record<NonNullable<Response["status"]>, "open" | "ended">

/** The error that a run fails with when its response fails with each code. */
export const errorCodes = {
  rate_limit_exceeded: "RateLimited",
  server_error: "RunFailed",
  invalid_prompt: "RunFailed",
  data_residency_mismatch: "RunFailed",
  bio_policy: "RunFailed",
  misalignment_policy_violation: "RunFailed",
  vector_store_timeout: "RunFailed",
  invalid_image: "RunFailed",
  invalid_image_format: "RunFailed",
  invalid_base64_image: "RunFailed",
  invalid_image_url: "RunFailed",
  image_too_large: "RunFailed",
  image_too_small: "RunFailed",
  image_parse_error: "RunFailed",
  image_content_policy_violation: "RunFailed",
  invalid_image_mode: "RunFailed",
  image_file_too_large: "RunFailed",
  unsupported_image_media_type: "RunFailed",
  empty_image_file: "RunFailed",
  failed_to_download_image: "RunFailed",
  image_file_not_found: "RunFailed"
} as const satisfies Record<ResponseError["code"], string>

type Reason = NonNullable<NonNullable<Response["incomplete_details"]>["reason"]>

/** Why a response can be incomplete; a run fails with `RunIncomplete` for each. */
export const reasons = {
  max_output_tokens: "RunIncomplete",
  content_filter: "RunIncomplete",
  max_messages: "RunIncomplete",
  steered: "RunIncomplete"
} as const satisfies Record<Reason, string>

/** Whether a message of each role can be written, or only be read. */
export const roles = {
  user: "written",
  assistant: "written",
  system: "written",
  developer: "written",
  unknown: "read",
  critic: "read",
  discriminator: "read",
  tool: "read"
} as const satisfies Record<Message["role"], "written" | "read">

/** Closed lists of our own input, with what OpenAI takes beyond them. */
export const details = {
  auto: "offered",
  low: "offered",
  high: "offered",
  original: "not offered"
} as const satisfies Record<Thread.ImageDetail | "original", "offered" | "not offered">

export const verbosities = {
  low: "offered",
  medium: "offered",
  high: "offered"
} as const satisfies Record<NonNullable<Assistant.Sampling["verbosity"]>, "offered">
