/**
 * The events of one answer, in OpenAI's order.
 *
 * A generator, so that an event is made when somebody is there to read it. An answer that is not streamed runs through
 * the same events without encoding them.
 */
import type { HostedToolKind, HostedToolOptions, Json, Part, WireItem } from "../Script.ts"
import { encoder } from "./http.ts"
import { prefixOf } from "./items.ts"
import type { ContainerFile } from "./state.ts"
import { visible } from "./visible.ts"

export interface Emission {
  readonly encode: () => Uint8Array
  /** The event's number, where it has one. */
  readonly wire: number | undefined
  /** Nothing follows. */
  readonly last: boolean
}

export interface Generation {
  readonly parts: ReadonlyArray<Part>
  readonly include: ReadonlySet<string>
  readonly id: (prefix: string, length?: number) => string
  readonly queued: boolean
  /** The response as it is now. */
  readonly render: () => Json
  readonly begin: () => void
  /** An item is whole. */
  readonly add: (item: WireItem) => void
  /** Code has left files in its container. */
  readonly keep: (containerId: string, files: ReadonlyArray<readonly [id: string, file: ContainerFile]>) => void
  readonly complete: () => void
  readonly endIncomplete: (reason: string) => void
  readonly fail: (code: string, message: string) => void
}

type Emit = (type: string, fields: Json, last?: boolean) => Emission

/** The end, without an event. */
export const nothing: Emission = { encode: () => new Uint8Array(0), wire: undefined, last: true }

const bytes = (bytes: Uint8Array): Emission => ({ encode: () => bytes, wire: undefined, last: false })

export function* emissions(generation: Generation): Generator<Emission, void> {
  let next = 0
  const emit: Emit = (type, fields, last = false) => {
    const wire = next++
    const data = { type, ...fields, sequence_number: wire }
    return {
      encode: () => encoder.encode(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
      wire,
      last
    }
  }
  const lifecycle = (type: string, last = false) => emit(type, { response: generation.render() }, last)

  yield lifecycle("response.created")
  if (generation.queued) yield lifecycle("response.queued")
  generation.begin()
  yield lifecycle("response.in_progress")

  const unfinished = lastBeforeIncomplete(generation.parts)
  let outputIndex = 0
  for (const [position, part] of generation.parts.entries()) {
    const status = position === unfinished ? "incomplete" : "completed"
    switch (part._tag) {
      case "Incomplete": {
        generation.endIncomplete(part.reason)
        return yield lifecycle("response.incomplete", true)
      }
      case "Failure": {
        generation.fail(part.code, part.message)
        if (part.error !== "none") yield emit("error", errorFields(part), !part.failed)
        if (part.failed) yield lifecycle("response.failed", true)
        else if (part.error === "none") yield nothing
        return
      }
      case "Garbage": {
        yield bytes(encoder.encode(`data: ${part.line}\n\n`))
        break
      }
      case "Comment": {
        yield bytes(encoder.encode(`: ${part.text}\n\n`))
        break
      }
      case "Raw": {
        yield bytes(part.bytes)
        break
      }
      case "UnknownEvent": {
        yield emit(part.type, part.payload)
        break
      }
      default: {
        generation.add(yield* itemOf(generation, emit, part, outputIndex++, status))
      }
    }
  }
  generation.complete()
  yield lifecycle("response.completed", true)
}

type ItemPart = Exclude<
  Part,
  { readonly _tag: "Incomplete" | "Failure" | "Garbage" | "Comment" | "Raw" | "UnknownEvent" }
>

const isItem = (part: Part): part is ItemPart =>
  part._tag === "Text" || part._tag === "Refusal" || part._tag === "Reasoning" || part._tag === "FunctionCall" ||
  part._tag === "ToolCall" || part._tag === "ApprovalRequest" || part._tag === "HostedTool"

/** The position of the item that was being written when the answer stopped early. */
const lastBeforeIncomplete = (parts: ReadonlyArray<Part>): number | undefined => {
  const end = parts.findIndex((part) => part._tag === "Incomplete" || part._tag === "Failure")
  return parts[end]?._tag === "Incomplete" ? parts.slice(0, end).findLastIndex(isItem) : undefined
}

const errorFields = (part: Extract<Part, { readonly _tag: "Failure" }>): Json => {
  const { code, message, param } = part
  return part.error === "flat" ? { code, message, param } : { error: { type: errorType(code), code, message, param } }
}

const errorType = (code: string): string =>
  code === "server_error" ? "server_error" : code === "rate_limit_exceeded" ? "tokens" : "invalid_request_error"

function itemOf(
  generation: Generation,
  emit: Emit,
  part: ItemPart,
  index: number,
  status: string
): Generator<Emission, WireItem> {
  switch (part._tag) {
    case "Text":
      return text(generation, emit, part, index, status)
    case "Refusal":
      return refusal(generation, emit, part, index, status)
    case "Reasoning":
      return reasoning(generation, emit, part, index)
    case "FunctionCall":
      return functionCall(generation, emit, part, index, status)
    case "ToolCall":
      return toolCall(generation, emit, part, index, status)
    case "ApprovalRequest":
      return approvalRequest(generation, emit, part, index)
    case "HostedTool":
      switch (part.kind) {
        case "web_search":
          return webSearch(generation, emit, part.options, index)
        case "file_search":
          return fileSearch(generation, emit, part.options, index)
        case "code_interpreter":
          return codeInterpreter(generation, emit, part.options, index)
        case "image_generation":
          return imageGeneration(generation, emit, part.options, index)
        case "mcp_list_tools":
          return mcpListTools(generation, emit, part.options, index)
        case "mcp":
          return mcp(generation, emit, part.options, index)
      }
  }
}

const added = (emit: Emit, item: WireItem, index: number) =>
  emit("response.output_item.added", { output_index: index, item })

const done = (emit: Emit, item: WireItem, index: number) =>
  emit("response.output_item.done", { output_index: index, item })

type Tagged<Tag extends Part["_tag"]> = Extract<Part, { readonly _tag: Tag }>

function* text(
  generation: Generation,
  emit: Emit,
  part: Tagged<"Text">,
  index: number,
  status: string
): Generator<Emission, WireItem> {
  const id = generation.id("msg")
  const at = { item_id: id, output_index: index, content_index: 0 }
  const content = { type: "output_text", annotations: part.annotations, logprobs: [], text: part.text }
  yield added(emit, { id, type: "message", status: "in_progress", content: [], role: "assistant" }, index)
  yield emit("response.content_part.added", { ...at, part: { ...content, annotations: [], text: "" } })
  for (const delta of part.deltas) yield emit("response.output_text.delta", { ...at, delta, logprobs: [] })
  for (const [annotationIndex, annotation] of part.annotations.entries()) {
    yield emit("response.output_text.annotation.added", { ...at, annotation_index: annotationIndex, annotation })
  }
  yield emit("response.output_text.done", { ...at, text: part.text, logprobs: [] })
  yield emit("response.content_part.done", { ...at, part: content })
  const phase = part.phase === undefined ? {} : { phase: part.phase }
  const item = { id, type: "message", status, content: [content], role: "assistant", ...phase }
  yield done(emit, item, index)
  return item
}

function* refusal(
  generation: Generation,
  emit: Emit,
  part: Tagged<"Refusal">,
  index: number,
  status: string
): Generator<Emission, WireItem> {
  const id = generation.id("msg")
  const at = { item_id: id, output_index: index, content_index: 0 }
  const content = { type: "refusal", refusal: part.refusal }
  yield added(emit, { id, type: "message", status: "in_progress", content: [], role: "assistant" }, index)
  yield emit("response.content_part.added", { ...at, part: { ...content, refusal: "" } })
  for (const delta of part.deltas) yield emit("response.refusal.delta", { ...at, delta })
  yield emit("response.refusal.done", { ...at, refusal: part.refusal })
  yield emit("response.content_part.done", { ...at, part: content })
  const item = { id, type: "message", status, content: [content], role: "assistant" }
  yield done(emit, item, index)
  return item
}

/** The encrypted content is another one each time it is sent; the last one counts. */
function* reasoning(
  generation: Generation,
  emit: Emit,
  part: Tagged<"Reasoning">,
  index: number
): Generator<Emission, WireItem> {
  const encrypted = () =>
    generation.include.has("reasoning.encrypted_content") ? { encrypted_content: generation.id("gAAAA", 64) } : {}
  const id = generation.id("rs")
  yield added(emit, { id, type: "reasoning", ...encrypted(), summary: [] }, index)
  for (const [summaryIndex, summary] of part.summary.entries()) {
    const at = { item_id: id, output_index: index, summary_index: summaryIndex }
    yield emit("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } })
    for (const delta of summary.match(/\s*\S+|\s+$/gu) ?? []) {
      yield emit("response.reasoning_summary_text.delta", { ...at, delta })
    }
    yield emit("response.reasoning_summary_text.done", { ...at, text: summary })
    yield emit("response.reasoning_summary_part.done", { ...at, part: { type: "summary_text", text: summary } })
  }
  const item = {
    id,
    type: "reasoning",
    ...encrypted(),
    summary: part.summary.map((text) => ({ type: "summary_text", text }))
  }
  yield done(emit, item, index)
  return item
}

function* functionCall(
  generation: Generation,
  emit: Emit,
  part: Tagged<"FunctionCall">,
  index: number,
  status: string
): Generator<Emission, WireItem> {
  const item = {
    id: generation.id("fc"),
    type: "function_call",
    status,
    arguments: part.arguments,
    call_id: part.callId ?? generation.id("call", 24),
    name: part.name,
    ...(part.async ? { async: true } : {})
  }
  const at = { item_id: item.id, output_index: index }
  yield added(emit, { ...item, status: "in_progress", arguments: "" }, index)
  for (const delta of part.deltas) yield emit("response.function_call_arguments.delta", { ...at, delta })
  yield emit("response.function_call_arguments.done", { ...at, arguments: part.arguments })
  yield done(emit, item, index)
  return item
}

function* toolCall(
  generation: Generation,
  emit: Emit,
  part: Tagged<"ToolCall">,
  index: number,
  status: string
): Generator<Emission, WireItem> {
  const item = {
    id: generation.id(prefixOf(part.type)),
    call_id: generation.id("call", 24),
    status,
    ...part.fields,
    type: part.type
  }
  yield added(emit, item, index)
  yield done(emit, item, index)
  return item
}

function* approvalRequest(
  generation: Generation,
  emit: Emit,
  part: Tagged<"ApprovalRequest">,
  index: number
): Generator<Emission, WireItem> {
  const item = {
    id: generation.id("mcpr"),
    type: "mcp_approval_request",
    arguments: part.arguments,
    name: part.name,
    server_label: part.serverLabel
  }
  yield added(emit, item, index)
  yield done(emit, item, index)
  return item
}

type Options<Kind extends HostedToolKind> = HostedToolOptions[Kind]

function* webSearch(
  generation: Generation,
  emit: Emit,
  options: Options<"web_search">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("ws")
  const at = { item_id: id, output_index: index }
  yield added(emit, { id, type: "web_search_call", status: "in_progress" }, index)
  yield emit("response.web_search_call.in_progress", at)
  yield emit("response.web_search_call.searching", at)
  yield emit("response.web_search_call.completed", at)
  const action = { type: "search", query: options.query ?? "", sources: options.sources ?? [] }
  const item = { id, type: "web_search_call", status: "completed", action }
  yield done(emit, visible(generation.include)(item), index)
  return item
}

function* fileSearch(
  generation: Generation,
  emit: Emit,
  options: Options<"file_search">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("fs")
  const at = { item_id: id, output_index: index }
  const item = {
    id,
    type: "file_search_call",
    status: "completed",
    queries: options.queries ?? [],
    results: options.results ?? []
  }
  yield added(emit, { ...item, status: "in_progress", queries: [], results: null }, index)
  yield emit("response.file_search_call.in_progress", at)
  yield emit("response.file_search_call.searching", at)
  yield emit("response.file_search_call.completed", at)
  yield done(emit, visible(generation.include)(item), index)
  return item
}

function* codeInterpreter(
  generation: Generation,
  emit: Emit,
  options: Options<"code_interpreter">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("ci")
  const at = { item_id: id, output_index: index }
  const code = options.code ?? ""
  const containerId = options.containerId ?? generation.id("cntr")
  const item = {
    id,
    type: "code_interpreter_call",
    status: "completed",
    code,
    container_id: containerId,
    outputs: options.outputs ?? []
  }
  yield added(emit, { ...item, status: "in_progress", code: "", outputs: null }, index)
  yield emit("response.code_interpreter_call.in_progress", at)
  for (const delta of code.match(/.*\n|.+$/gu) ?? []) {
    yield emit("response.code_interpreter_call_code.delta", { ...at, delta })
  }
  yield emit("response.code_interpreter_call_code.done", { ...at, code })
  yield emit("response.code_interpreter_call.interpreting", at)
  generation.keep(
    containerId,
    Object.entries(options.files ?? {}).map(([id, { content, filename }]) => [
      id,
      { filename, bytes: typeof content === "string" ? encoder.encode(content) : content }
    ])
  )
  yield emit("response.code_interpreter_call.completed", at)
  yield done(emit, visible(generation.include)(item), index)
  return item
}

function* imageGeneration(
  generation: Generation,
  emit: Emit,
  options: Options<"image_generation">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("ig")
  const at = { item_id: id, output_index: index }
  const item = { id, type: "image_generation_call", status: "completed", result: options.result ?? "" }
  yield added(emit, { ...item, status: "in_progress", result: null }, index)
  yield emit("response.image_generation_call.in_progress", at)
  yield emit("response.image_generation_call.generating", at)
  for (const [partialIndex, image] of (options.partialImages ?? []).entries()) {
    yield emit("response.image_generation_call.partial_image", {
      ...at,
      partial_image_index: partialIndex,
      partial_image_b64: image
    })
  }
  yield emit("response.image_generation_call.completed", at)
  yield done(emit, item, index)
  return item
}

function* mcpListTools(
  generation: Generation,
  emit: Emit,
  options: Options<"mcp_list_tools">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("mcpl")
  const at = { item_id: id, output_index: index }
  const item = {
    id,
    type: "mcp_list_tools",
    server_label: options.serverLabel ?? "server",
    tools: options.tools ?? [],
    error: options.error ?? null
  }
  yield added(emit, { ...item, tools: [], error: null }, index)
  yield emit("response.mcp_list_tools.in_progress", at)
  yield emit(options.error === undefined ? "response.mcp_list_tools.completed" : "response.mcp_list_tools.failed", at)
  yield done(emit, item, index)
  return item
}

function* mcp(
  generation: Generation,
  emit: Emit,
  options: Options<"mcp">,
  index: number
): Generator<Emission, WireItem> {
  const id = generation.id("mcp")
  const at = { item_id: id, output_index: index }
  const failed = options.error !== undefined
  const args = typeof options.arguments === "string" ? options.arguments : JSON.stringify(options.arguments ?? {})
  const item = {
    id,
    type: "mcp_call",
    status: failed ? "failed" : "completed",
    approval_request_id: null,
    arguments: args,
    error: options.error ?? null,
    name: options.name ?? "tool",
    output: failed ? null : options.output ?? "",
    server_label: options.serverLabel ?? "server"
  }
  yield added(emit, { ...item, status: "in_progress", arguments: "", error: null, output: null }, index)
  yield emit("response.mcp_call.in_progress", at)
  yield emit("response.mcp_call_arguments.delta", { ...at, delta: args })
  yield emit("response.mcp_call_arguments.done", { ...at, arguments: args })
  yield emit(failed ? "response.mcp_call.failed" : "response.mcp_call.completed", at)
  yield done(emit, item, index)
  return item
}
