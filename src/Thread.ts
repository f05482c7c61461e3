/**
 * The data of a conversation: ids, threads, the items of their log, messages and their content.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Result } from "./HostedTool.ts"

/**
 * The id of a thread. On OpenAI it is a conversation's id (`conv_…`).
 *
 * @since 0.1.0
 * @category ids
 */
export const ThreadId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/ThreadId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type ThreadId = typeof ThreadId.Type

/**
 * The id of one item of a thread (`msg_…`, `rs_…`, `fc_…`).
 *
 * @since 0.1.0
 * @category ids
 */
export const ItemId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/ItemId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type ItemId = typeof ItemId.Type

/**
 * The id of one response, a step of a run (`resp_…`).
 *
 * @since 0.1.0
 * @category ids
 */
export const ResponseId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/ResponseId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type ResponseId = typeof ResponseId.Type

/**
 * The id of one run. It is made here, OpenAI has no such id.
 *
 * @since 0.1.0
 * @category ids
 */
export const RunId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/RunId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type RunId = typeof RunId.Type

/**
 * The id that ties a function call to its output (`call_…`).
 *
 * @since 0.1.0
 * @category ids
 */
export const CallId = Schema.NonEmptyString.pipe(Schema.brand("effect-openai-threads/CallId"))

/**
 * @since 0.1.0
 * @category ids
 */
export type CallId = typeof CallId.Type

/**
 * Up to 16 pairs of strings, keys up to 64 characters, values up to 512.
 * Source: OpenAI's API reference, "metadata"; the limits are prose only there, so they are checked before a request.
 *
 * @since 0.1.0
 * @category models
 */
export const Metadata = Schema.Record({ key: Schema.String, value: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export type Metadata = typeof Metadata.Type

/**
 * An ordered log of items with metadata.
 *
 * @since 0.1.0
 * @category models
 */
export const Thread = Schema.Struct({
  id: ThreadId,
  createdAt: Schema.DateTimeUtcFromSelf,
  metadata: Metadata
}).annotations({ identifier: "Thread" })

/**
 * @since 0.1.0
 * @category models
 */
export type Thread = typeof Thread.Type

/**
 * A citation inside a text part: `type` is OpenAI's (`url_citation`, `file_citation`, `container_file_citation`, …),
 * the fields are those that this type has. `containerId` is where code has left the file; `Run.files` lists those.
 *
 * @since 0.1.0
 * @category content
 */
export const Annotation = Schema.Struct({
  type: Schema.String,
  startIndex: Schema.optional(Schema.Number),
  endIndex: Schema.optional(Schema.Number),
  url: Schema.optional(Schema.String),
  title: Schema.optional(Schema.String),
  fileId: Schema.optional(Schema.String),
  filename: Schema.optional(Schema.String),
  containerId: Schema.optional(Schema.String)
})

/**
 * @since 0.1.0
 * @category content
 */
export type Annotation = typeof Annotation.Type

/**
 * One part of a message that was read. A kind that this version does not know is `Unknown` with the wire's object.
 *
 * @since 0.1.0
 * @category content
 */
export const ContentPart = Schema.Union(
  Schema.TaggedStruct("Text", { text: Schema.String, annotations: Schema.Array(Annotation) }),
  Schema.TaggedStruct("Refusal", { refusal: Schema.String }),
  Schema.TaggedStruct("Image", { url: Schema.optional(Schema.String), fileId: Schema.optional(Schema.String) }),
  Schema.TaggedStruct("File", {
    filename: Schema.optional(Schema.String),
    fileId: Schema.optional(Schema.String),
    url: Schema.optional(Schema.String),
    /** A data URL, where the file was sent inline and is given back. */
    data: Schema.optional(Schema.String)
  }),
  Schema.TaggedStruct("Unknown", { type: Schema.String, raw: Schema.Unknown })
)

/**
 * @since 0.1.0
 * @category content
 */
export type ContentPart = typeof ContentPart.Type

/**
 * An item that a person reads. `role` and `status` are open: OpenAI adds to them.
 * Items carry no time on the wire, so a message has none either.
 *
 * @since 0.1.0
 * @category models
 */
export const Message = Schema.TaggedStruct("Message", {
  id: ItemId,
  role: Schema.String,
  status: Schema.String,
  content: Schema.Array(ContentPart),
  phase: Schema.optional(Schema.String)
}).annotations({ identifier: "Message" })

/**
 * @since 0.1.0
 * @category models
 */
export type Message = typeof Message.Type

/**
 * A call of one of the program's own functions. `arguments` is what the model wrote: it may not be valid JSON.
 *
 * @since 0.1.0
 * @category models
 */
export const FunctionCall = Schema.TaggedStruct("FunctionCall", {
  id: ItemId,
  callId: CallId,
  name: Schema.String,
  arguments: Schema.String,
  status: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type FunctionCall = typeof FunctionCall.Type

/**
 * A call of a tool that OpenAI runs. `tool` is such as `web_search`; `status` is open. `result` is missing for kinds of
 * tool that this version does not know; `raw` is the wire's object.
 *
 * @since 0.1.0
 * @category models
 */
export const HostedToolCall = Schema.TaggedStruct("HostedToolCall", {
  id: ItemId,
  tool: Schema.String,
  status: Schema.String,
  result: Schema.optional(Result),
  raw: Schema.Unknown
})

/**
 * @since 0.1.0
 * @category models
 */
export type HostedToolCall = typeof HostedToolCall.Type

/**
 * One entry of a thread's log. A kind that this version does not know is `Unknown` with the wire's object.
 *
 * @since 0.1.0
 * @category models
 */
export const Item = Schema.Union(
  Message,
  FunctionCall,
  Schema.TaggedStruct("FunctionCallOutput", { id: ItemId, callId: CallId, output: Schema.Unknown }),
  Schema.TaggedStruct("Reasoning", { id: ItemId, summary: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("ApprovalRequest", {
    id: ItemId,
    server: Schema.String,
    name: Schema.String,
    arguments: Schema.String
  }),
  HostedToolCall,
  Schema.TaggedStruct("Unknown", { id: Schema.optional(ItemId), type: Schema.String, raw: Schema.Unknown })
)

/**
 * @since 0.1.0
 * @category models
 */
export type Item = typeof Item.Type

/**
 * The text of a message, its parts joined; images, files and refusals leave nothing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const textOf = (message: Message): string => {
  let text = ""
  for (const part of message.content) if (part._tag === "Text") text += part.text
  return text
}

/**
 * Who speaks in a message that is written to a thread.
 *
 * @since 0.1.0
 * @category input
 */
export type Role = "user" | "assistant" | "system" | "developer"

/**
 * How closely the model looks at an image.
 *
 * @since 0.1.0
 * @category input
 */
export type ImageDetail = "auto" | "low" | "high"

/**
 * One part of a message to be written; made by {@link text}, {@link imageUrl}, {@link imageFile}, {@link imageBytes},
 * {@link fileId} and {@link fileBytes}.
 *
 * @since 0.1.0
 * @category input
 */
export type PartInput =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "ImageUrl"; readonly url: string; readonly detail: ImageDetail }
  | { readonly _tag: "ImageFile"; readonly fileId: string; readonly detail: ImageDetail }
  | {
    readonly _tag: "ImageBytes"
    readonly bytes: Uint8Array
    readonly mediaType: ImageMediaType
    readonly detail: ImageDetail
  }
  | { readonly _tag: "FileId"; readonly fileId: string }
  | { readonly _tag: "FileBytes"; readonly bytes: Uint8Array; readonly filename: string; readonly mediaType: string }

/**
 * The kinds of image that OpenAI reads. Source: OpenAI's guide "Images and vision".
 *
 * @since 0.1.0
 * @category input
 */
export type ImageMediaType = "image/png" | "image/jpeg" | "image/webp" | "image/gif"

/**
 * A message to be written: a text or parts, said by the user unless another role is given.
 *
 * @since 0.1.0
 * @category input
 */
export interface MessageInput {
  readonly role?: Role | undefined
  readonly content: string | ReadonlyArray<PartInput>
}

/**
 * The most bytes that one message may have, files and images together: 47 MiB, since OpenAI reads less than 50 MB in one
 * request. Source: its guide "File inputs".
 *
 * @since 0.1.0
 * @category input
 */
export const maxFileBytes = 47 * 1024 * 1024

/**
 * The most bytes that one message may carry inline where nothing can be uploaded: 32 MiB, which is 43 MiB as base64.
 *
 * @since 0.1.0
 * @category input
 */
export const maxInlineBytes = 32 * 1024 * 1024

/**
 * What goes beyond this, 8 MiB, is uploaded and named by its id, the largest files first, where threads live at OpenAI.
 * What was uploaded stays there until it is deleted by `OpenAI.files.delete`.
 *
 * @since 0.1.0
 * @category input
 */
export const uploadBeyondBytes = 8 * 1024 * 1024

/**
 * A text part.
 *
 * @since 0.1.0
 * @category input
 */
export const text = (text: string): PartInput => ({ _tag: "Text", text })

/**
 * An image that OpenAI fetches from a URL.
 *
 * @since 0.1.0
 * @category input
 */
export const imageUrl = (url: string, options?: { readonly detail?: ImageDetail | undefined }): PartInput => ({
  _tag: "ImageUrl",
  url,
  detail: options?.detail ?? "auto"
})

/**
 * An image that was uploaded to OpenAI before.
 *
 * @since 0.1.0
 * @category input
 */
export const imageFile = (fileId: string, options?: { readonly detail?: ImageDetail | undefined }): PartInput => ({
  _tag: "ImageFile",
  fileId,
  detail: options?.detail ?? "auto"
})

/**
 * An image by its bytes, up to {@link maxFileBytes}: sent inline, or uploaded beyond {@link uploadBeyondBytes}.
 *
 * @since 0.1.0
 * @category input
 */
export const imageBytes = (
  bytes: Uint8Array,
  options: { readonly mediaType: ImageMediaType; readonly detail?: ImageDetail | undefined }
): PartInput => ({ _tag: "ImageBytes", bytes, mediaType: options.mediaType, detail: options.detail ?? "auto" })

/**
 * A file that was uploaded to OpenAI before (`file-…`).
 *
 * @since 0.1.0
 * @category input
 */
export const fileId = (fileId: string): PartInput => ({ _tag: "FileId", fileId })

/**
 * A file by its bytes, up to {@link maxFileBytes}: sent inline, or uploaded beyond {@link uploadBeyondBytes}. The model
 * sees its name.
 *
 * @since 0.1.0
 * @category input
 */
export const fileBytes = (
  bytes: Uint8Array,
  options: { readonly filename: string; readonly mediaType: string }
): PartInput => ({ _tag: "FileBytes", bytes, filename: options.filename, mediaType: options.mediaType })
