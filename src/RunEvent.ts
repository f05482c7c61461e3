/**
 * What happens in a run, in order. One closed union; `RunCompleted` is its only terminal member, and a run that does
 * not end with it fails with a `RunError`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import {
  Annotation,
  CallId,
  FunctionCall,
  HostedToolCall,
  ItemId,
  Message,
  ResponseId,
  RunId,
  ThreadId
} from "./Thread.ts"

/** What each event carries. */
const position = {
  runId: RunId,
  threadId: ThreadId,
  /** The number of the event within its run: 0, 1, 2 … without gaps. */
  sequence: Schema.Int,
  /** The number of the step, from 0; -1 before the first. */
  step: Schema.Int,
  /** The response that the event belongs to, once there is one. */
  responseId: Schema.optional(ResponseId),
  /** OpenAI's `sequence_number` up to which everything of the step has been seen; -1 for nothing yet. */
  wire: Schema.Int
}

const event = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.TaggedStruct(tag, { ...position, ...fields }).annotations({ identifier: tag })

const ofItem = { itemId: ItemId }

/**
 * How many tokens a step or a run took. `input` includes `cachedInput`, `output` includes `reasoning`.
 *
 * @since 0.1.0
 * @category models
 */
export const Usage = Schema.Struct({
  input: Schema.Number,
  cachedInput: Schema.Number,
  output: Schema.Number,
  reasoning: Schema.Number,
  total: Schema.Number
})

/**
 * @since 0.1.0
 * @category models
 */
export type Usage = typeof Usage.Type

/**
 * What a run waits for: a function call without its output, an approval that an MCP server asks for, or the call of
 * another tool that the program runs, such as `custom_tool_call`, `shell_call` or `computer_call`, as it came in `raw`. A
 * function call that `needsApproval` may be answered by whether it is approved, and is made then.
 *
 * @since 0.1.0
 * @category models
 */
export const Pending = Schema.Union(
  Schema.TaggedStruct("PendingCall", { call: FunctionCall, needsApproval: Schema.Boolean }),
  Schema.TaggedStruct("PendingApproval", {
    itemId: ItemId,
    server: Schema.String,
    name: Schema.String,
    arguments: Schema.String
  }),
  Schema.TaggedStruct("PendingItem", { itemId: ItemId, callId: CallId, type: Schema.String, raw: Schema.Unknown })
)

/**
 * @since 0.1.0
 * @category models
 */
export type Pending = typeof Pending.Type

/**
 * What somebody may be asked whether it may be done: a function call or what an MCP server asks for.
 *
 * @since 0.1.0
 * @category models
 */
export type Approvable = Exclude<Pending, { readonly _tag: "PendingItem" }>

/**
 * Another run or write uses the thread; this one waits, `place` others are before it. Nothing is written yet.
 *
 * @since 0.1.0
 * @category events
 */
export const RunQueued = event("RunQueued", { place: Schema.Int })

/**
 * The thread is ours, and the user's message, if one was given, is in it.
 *
 * @since 0.1.0
 * @category events
 */
export const RunStarted = event("RunStarted", { assistantId: Schema.String, model: Schema.String })

/**
 * A request was not taken, and is sent again after `delay`. `attempt` is the number of the one that failed, from 1;
 * `reason` is the tag of its error, such as `RateLimited`. Before `RunStarted` it is about the message, after it about
 * the call of the model.
 *
 * @since 0.1.0
 * @category events
 */
export const Retrying = event("Retrying", {
  attempt: Schema.Int,
  reason: Schema.String,
  delay: Schema.DurationFromMillis
})

/**
 * The connection of a background run broke and there is another one. What comes next goes on behind what was told.
 * `attempt` counts from 1 and begins anew with each event that comes.
 *
 * @since 0.1.0
 * @category events
 */
export const Reconnected = event("Reconnected", { attempt: Schema.Int })

/**
 * OpenAI has begun a response.
 *
 * @since 0.1.0
 * @category events
 */
export const StepStarted = event("StepStarted", {})

/**
 * The model begins a message.
 *
 * @since 0.1.0
 * @category events
 */
export const MessageStarted = event("MessageStarted", { ...ofItem, role: Schema.String })

/**
 * A piece of the answer's text, for display.
 *
 * @since 0.1.0
 * @category events
 */
export const TextDelta = event("TextDelta", { ...ofItem, contentIndex: Schema.Int, delta: Schema.String })

/**
 * A text part is whole.
 *
 * @since 0.1.0
 * @category events
 */
export const TextCompleted = event("TextCompleted", { ...ofItem, contentIndex: Schema.Int, text: Schema.String })

/**
 * A piece of a refusal.
 *
 * @since 0.1.0
 * @category events
 */
export const RefusalDelta = event("RefusalDelta", { ...ofItem, contentIndex: Schema.Int, delta: Schema.String })

/**
 * The model refused, and says so in these words. The run goes on and completes.
 *
 * @since 0.1.0
 * @category events
 */
export const RefusalCompleted = event("RefusalCompleted", {
  ...ofItem,
  contentIndex: Schema.Int,
  refusal: Schema.String
})

/**
 * A piece of the model's reasoning: of its summary, or of the reasoning itself where a model shows it.
 *
 * @since 0.1.0
 * @category events
 */
export const ReasoningDelta = event("ReasoningDelta", {
  ...ofItem,
  index: Schema.Int,
  kind: Schema.Literal("summary", "text"),
  delta: Schema.String
})

/**
 * A piece of reasoning is done; `summary` is empty where none was asked for.
 *
 * @since 0.1.0
 * @category events
 */
export const ReasoningCompleted = event("ReasoningCompleted", { ...ofItem, summary: Schema.Array(Schema.String) })

/**
 * A citation was added to a text part.
 *
 * @since 0.1.0
 * @category events
 */
export const AnnotationAdded = event("AnnotationAdded", {
  ...ofItem,
  contentIndex: Schema.Int,
  annotation: Annotation
})

/**
 * The model begins to call a function.
 *
 * @since 0.1.0
 * @category events
 */
export const ToolCallStarted = event("ToolCallStarted", { ...ofItem, callId: CallId, name: Schema.String })

/**
 * A piece of a call's arguments.
 *
 * @since 0.1.0
 * @category events
 */
export const ToolCallArgumentsDelta = event("ToolCallArgumentsDelta", { ...ofItem, delta: Schema.String })

/**
 * A call is whole. `call.arguments` is what the model wrote: it may not be valid JSON.
 *
 * @since 0.1.0
 * @category events
 */
export const ToolCallRequested = event("ToolCallRequested", { ...ofItem, call: FunctionCall })

/**
 * A tool of the program has been called, with `arguments` as the model wrote them. `output` is what the model is told,
 * `result` what the handler gave. `isFailure` says that the call failed or was not made; a defect, and that it took too
 * long, is in `cause`, for the program only. Of a call that was made before, or by another process, only `output` is known.
 *
 * @since 0.1.0
 * @category events
 */
export const ToolCallCompleted = event("ToolCallCompleted", {
  ...ofItem,
  callId: CallId,
  name: Schema.String,
  arguments: Schema.String,
  output: Schema.String,
  isFailure: Schema.Boolean,
  result: Schema.Unknown,
  cause: Schema.optional(Schema.Unknown)
})

/**
 * An MCP server wants to be asked before it does something.
 *
 * @since 0.1.0
 * @category events
 */
export const ApprovalRequested = event("ApprovalRequested", {
  ...ofItem,
  server: Schema.String,
  name: Schema.String,
  arguments: Schema.String
})

/**
 * How far a tool is that OpenAI runs. `tool` is such as `web_search`; `phase` is OpenAI's word, such as `searching`, and
 * `added` or `done` for the tool's item as a whole, which is in `call` then. `raw` is the wire's event.
 *
 * @since 0.1.0
 * @category events
 */
export const HostedToolProgress = event("HostedToolProgress", {
  itemId: Schema.optional(ItemId),
  tool: Schema.String,
  phase: Schema.String,
  call: Schema.optional(HostedToolCall),
  raw: Schema.Unknown
})

/**
 * A message is whole, as it will be read back from the thread.
 *
 * @since 0.1.0
 * @category events
 */
export const MessageCompleted = event("MessageCompleted", { ...ofItem, message: Message })

/**
 * A response is complete. `usage` is missing where the server does not tell it.
 *
 * @since 0.1.0
 * @category events
 */
export const StepCompleted = event("StepCompleted", { usage: Schema.optional(Usage) })

/**
 * An event that this version does not know, as it came: `type` and the wire's object.
 *
 * @since 0.1.0
 * @category events
 */
export const Unknown = event("Unknown", { type: Schema.String, raw: Schema.Unknown })

/**
 * The run is over and its answer is in the thread. `requires_action`: the model waits for what `pending` lists;
 * `Threads.submit` carries it on. `messages` are the model's, of all steps and from the responses themselves; `text` is
 * the text of those of the last step. `output` is the last of them decoded, where the run has an `output` schema and is
 * `completed`; its type is that of the schema all the same, so a run that may wait is to be asked for its `status` first.
 * `usage` is that of all steps.
 *
 * @since 0.1.0
 * @category events
 */
export const RunCompleted = event("RunCompleted", {
  status: Schema.Literal("completed", "requires_action"),
  pending: Schema.Array(Pending),
  messages: Schema.Array(Message),
  text: Schema.String,
  output: Schema.optional(Schema.Unknown),
  usage: Usage
})

/**
 * Everything that can happen in a run.
 *
 * @since 0.1.0
 * @category models
 */
export const RunEvent = Schema.Union(
  RunQueued,
  RunStarted,
  Retrying,
  Reconnected,
  StepStarted,
  MessageStarted,
  TextDelta,
  TextCompleted,
  RefusalDelta,
  RefusalCompleted,
  ReasoningDelta,
  ReasoningCompleted,
  AnnotationAdded,
  ToolCallStarted,
  ToolCallArgumentsDelta,
  ToolCallRequested,
  ToolCallCompleted,
  ApprovalRequested,
  HostedToolProgress,
  MessageCompleted,
  StepCompleted,
  Unknown,
  RunCompleted
)

/**
 * @since 0.1.0
 * @category models
 */
export type RunEvent = typeof RunEvent.Type

/**
 * The names of the events.
 *
 * @since 0.1.0
 * @category models
 */
export type Tag = RunEvent["_tag"]

/**
 * The event with a name: `RunEvent.Of<"TextDelta">`.
 *
 * @since 0.1.0
 * @category models
 */
export type Of<T extends Tag> = Extract<RunEvent, { readonly _tag: T }>

/**
 * The events of a run whose output has the type `A`; `undefined` where no `output` schema is given.
 *
 * @since 0.1.0
 * @category models
 */
export type RunEventOf<A> = Exclude<RunEvent, Of<"RunCompleted">> | (Of<"RunCompleted"> & { readonly output: A })
