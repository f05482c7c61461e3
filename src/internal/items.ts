/**
 * Items of the wire become ours and the other way round. Reading is lenient: what has another shape than we know is
 * `Unknown` with the wire's object, never an error and never dropped.
 */
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ResponseInputContent, ResponseInputItem } from "openai/resources/responses/responses"
import { InvalidInput } from "../OpenAIError.ts"
import {
  type Annotation,
  CallId,
  type ContentPart,
  type Item,
  ItemId,
  type Message,
  type MessageInput,
  type PartInput
} from "../Thread.ts"
import { compact } from "./compact.ts"
import { toResult } from "./hosted.ts"
import { lazy } from "./lazy.ts"

const nullish = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullishOr(schema))
const text = nullish(Schema.String)

const WireMessage = Schema.Struct({
  id: ItemId,
  role: Schema.String,
  status: text,
  phase: text,
  content: Schema.Union(Schema.String, Schema.Array(Schema.Unknown))
})
const WireFunctionCall = Schema.Struct({
  id: nullish(ItemId),
  call_id: CallId,
  name: Schema.String,
  arguments: Schema.String,
  status: text
})
const WireFunctionCallOutput = Schema.Struct({ id: nullish(ItemId), call_id: CallId, output: Schema.Unknown })
const WireReasoning = Schema.Struct({
  id: ItemId,
  summary: nullish(Schema.Array(Schema.Struct({ text: Schema.String })))
})
const WireApproval = Schema.Struct({
  id: ItemId,
  server_label: Schema.String,
  name: Schema.String,
  arguments: Schema.String
})
const WireHosted = Schema.Struct({ id: ItemId, status: text })

const decodeMessage = lazy(() => Schema.decodeUnknownOption(WireMessage))
const decodeFunctionCall = lazy(() => Schema.decodeUnknownOption(WireFunctionCall))
const decodeFunctionCallOutput = lazy(() => Schema.decodeUnknownOption(WireFunctionCallOutput))
const decodeReasoning = lazy(() => Schema.decodeUnknownOption(WireReasoning))
const decodeApproval = lazy(() => Schema.decodeUnknownOption(WireApproval))
const decodeHosted = lazy(() => Schema.decodeUnknownOption(WireHosted))
const decodeId = lazy(() => Schema.decodeUnknownOption(ItemId))

/** The items of tools that OpenAI runs. */
const hosted = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
  "mcp_list_tools",
  "computer_call",
  "local_shell_call",
  "shell_call",
  "apply_patch_call",
  "tool_search_call"
])

const record = (raw: unknown): Record<string, unknown> => Predicate.isRecord(raw) ? raw : {}
const string = (u: unknown): string | undefined => typeof u === "string" ? u : undefined
const number = (u: unknown): number | undefined => typeof u === "number" ? u : undefined

export const toAnnotation = (raw: unknown): Annotation => {
  const wire = record(raw)
  return compact({
    type: string(wire["type"]) ?? "unknown",
    startIndex: number(wire["start_index"]),
    endIndex: number(wire["end_index"]),
    url: string(wire["url"]),
    title: string(wire["title"]),
    fileId: string(wire["file_id"]),
    filename: string(wire["filename"]),
    containerId: string(wire["container_id"])
  })
}

const toContentPart = (raw: unknown): ContentPart => {
  const wire = record(raw)
  const type = string(wire["type"]) ?? "unknown"
  if ((type === "input_text" || type === "output_text" || type === "text") && typeof wire["text"] === "string") {
    const annotations = Array.isArray(wire["annotations"]) ? wire["annotations"] : []
    return { _tag: "Text", text: wire["text"], annotations: annotations.map(toAnnotation) }
  }
  if (type === "refusal" && typeof wire["refusal"] === "string") return { _tag: "Refusal", refusal: wire["refusal"] }
  if (type === "input_image") {
    return compact({ _tag: "Image", url: string(wire["image_url"]), fileId: string(wire["file_id"]) })
  }
  if (type === "input_file") {
    return compact({
      _tag: "File",
      filename: string(wire["filename"]),
      fileId: string(wire["file_id"]),
      url: string(wire["file_url"]),
      data: string(wire["file_data"])
    })
  }
  return { _tag: "Unknown", type, raw }
}

const toMessage = (wire: typeof WireMessage.Type): Message =>
  compact({
    _tag: "Message",
    id: wire.id,
    role: wire.role,
    status: wire.status ?? "completed",
    content: typeof wire.content === "string"
      ? [{ _tag: "Text", text: wire.content, annotations: [] }]
      : wire.content.map(toContentPart),
    phase: wire.phase ?? undefined
  })

const known = (type: string, raw: unknown): Option.Option<Item> => {
  switch (type) {
    case "message":
      return Option.map(decodeMessage()(raw), toMessage)
    case "function_call":
      return Option.map(decodeFunctionCall()(raw), (wire) => ({
        _tag: "FunctionCall",
        id: wire.id ?? ItemId.make(wire.call_id),
        callId: wire.call_id,
        name: wire.name,
        arguments: wire.arguments,
        status: wire.status ?? "completed"
      }))
    case "function_call_output":
      return Option.map(decodeFunctionCallOutput()(raw), (wire) => ({
        _tag: "FunctionCallOutput",
        id: wire.id ?? ItemId.make(wire.call_id),
        callId: wire.call_id,
        output: wire.output
      }))
    case "reasoning":
      return Option.map(decodeReasoning()(raw), (wire) => ({
        _tag: "Reasoning",
        id: wire.id,
        summary: (wire.summary ?? []).map((part) => part.text)
      }))
    case "mcp_approval_request":
      return Option.map(decodeApproval()(raw), (wire) => ({
        _tag: "ApprovalRequest",
        id: wire.id,
        server: wire.server_label,
        name: wire.name,
        arguments: wire.arguments
      }))
    default:
      return hosted.has(type)
        ? Option.map(decodeHosted()(raw), (wire) =>
          compact({
            _tag: "HostedToolCall",
            id: wire.id,
            tool: type.replace(/_call$/, ""),
            status: wire.status ?? "in_progress",
            result: toResult(type, raw),
            raw
          }))
        : Option.none()
  }
}

export const toItem = (raw: unknown): Item => {
  const wire = record(raw)
  const type = string(wire["type"]) ?? "unknown"
  return Option.getOrElse(
    known(type, raw),
    () => compact({ _tag: "Unknown" as const, id: Option.getOrUndefined(decodeId()(wire["id"])), type, raw })
  )
}

/** Source: OpenAI's OpenAPI document, `EasyInputMessage`. */
const maxTextLength = 10_485_760

/**
 * `Encoding.encodeBase64` blocks the program for seconds at the size that is allowed; only a runtime without `Buffer`
 * has to bear that.
 */
const base64 = (bytes: Uint8Array, mediaType: string): string =>
  `data:${mediaType};base64,${
    "Buffer" in globalThis
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
      : Encoding.encodeBase64(bytes)
  }`

const fromPart = (part: PartInput): ResponseInputContent => {
  switch (part._tag) {
    case "Text":
      return { type: "input_text", text: part.text }
    case "ImageUrl":
      return { type: "input_image", image_url: part.url, detail: part.detail }
    case "ImageFile":
      return { type: "input_image", file_id: part.fileId, detail: part.detail }
    case "ImageBytes":
      return { type: "input_image", image_url: base64(part.bytes, part.mediaType), detail: part.detail }
    case "FileId":
      return { type: "input_file", file_id: part.fileId }
    case "FileBytes":
      return { type: "input_file", filename: part.filename, file_data: base64(part.bytes, part.mediaType) }
  }
}

/** What of a message no request could carry. `limit` is how many bytes it may have. */
export const problem = (message: string | MessageInput, limit: number): InvalidInput | undefined => {
  const input = typeof message === "string" ? { content: message } : message
  const invalid = (field: string, reason: string) => new InvalidInput({ field, reason })
  const parts = partsOf(input)
  if (parts.length === 0) return invalid("content", "a message needs at least one part")
  let bytes = 0
  for (const [index, part] of parts.entries()) {
    const field = typeof input.content === "string" ? "content" : `content[${index}]`
    if (part._tag !== "Text" && input.role === "assistant") {
      return invalid(field, "a message of the assistant can only have text")
    }
    if (part._tag === "Text") {
      if (part.text === "") return invalid(field, "the text is empty")
      if (part.text.length > maxTextLength) return invalid(field, `the text is longer than ${maxTextLength} characters`)
    } else if (part._tag === "ImageUrl") {
      if (!URL.canParse(part.url)) return invalid(field, "the image's URL is not valid")
    } else if (part._tag === "ImageFile" || part._tag === "FileId") {
      if (part.fileId.trim() === "") return invalid(field, "the file's id is empty")
    } else {
      if (part.bytes.length === 0) return invalid(field, "there are no bytes in it")
      if (part._tag === "FileBytes" && part.filename.trim() === "") return invalid(field, "the file needs a name")
      bytes += part.bytes.length
    }
  }
  return bytes > limit
    ? invalid("content", `its files have ${bytes} bytes, ${limit} are allowed here`)
    : undefined
}

const partsOf = (input: MessageInput): ReadonlyArray<PartInput> =>
  typeof input.content === "string" ? [{ _tag: "Text", text: input.content }] : input.content

/** A message as OpenAI takes it. */
export const fromMessage = (input: string | MessageInput): ResponseInputItem => {
  const message = typeof input === "string" ? { content: input } : input
  const parts = partsOf(message)
  const { role = "user" } = message
  // What the assistant said is output, and the wire has no other place for it than a string.
  return role === "assistant"
    ? { type: "message", role, content: parts.map((part) => part._tag === "Text" ? part.text : "").join("") }
    : { type: "message", role, content: parts.map(fromPart) }
}
