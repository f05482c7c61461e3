/**
 * What a run can fail with, beside what an operation on its thread can fail with.
 *
 * @since 0.1.0
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { withoutContent } from "./internal/content.ts"
import { lazy } from "./internal/lazy.ts"
import { CallId, ResponseId, RunId, ThreadId } from "./Thread.ts"
import { ThreadError } from "./ThreadError.ts"

const optionalString = Schema.optional(Schema.String)

/**
 * There is no assistant with this id, or none was named and there are several. `known` lists those that there are.
 *
 * @since 0.1.0
 * @category errors
 */
export class AssistantNotFound extends Schema.TaggedError<AssistantNotFound>("effect-openai-threads/AssistantNotFound")(
  "AssistantNotFound",
  { assistantId: optionalString, known: Schema.Array(Schema.String) }
) {
  readonly isRetryable = false
  override get message() {
    const known = this.known.length === 0 ? "none is defined" : `known: ${this.known.join(", ")}`
    return this.assistantId === undefined
      ? `Several assistants are defined: name one in the run or with OPENAI_ASSISTANT_ID (${known})`
      : `There is no assistant "${this.assistantId}" (${known})`
  }
}

/**
 * The thread and the instructions are more than the model can read. The user's message is in the thread.
 *
 * @since 0.1.0
 * @category errors
 */
export class ContextOverflow extends Schema.TaggedError<ContextOverflow>("effect-openai-threads/ContextOverflow")(
  "ContextOverflow",
  { threadId: ThreadId, requestId: optionalString }
) {
  readonly isRetryable = false
  override get message() {
    return `Thread "${this.threadId}" is longer than the model can read: shorten it, or use a model with a larger context window`
  }
}

/**
 * OpenAI does not accept the thread's history: a call without output, an output without call, half of a reasoning pair,
 * or an item twice.
 *
 * @since 0.1.0
 * @category errors
 */
export class HistoryRejected extends Schema.TaggedError<HistoryRejected>("effect-openai-threads/HistoryRejected")(
  "HistoryRejected",
  {
    threadId: ThreadId,
    why: Schema.Literal("orphanCall", "orphanOutput", "pairing", "duplicate"),
    requestId: optionalString
  }
) {
  readonly isRetryable = false
  override get message() {
    const why = {
      orphanCall: "a function call in it has no output yet; submit its outputs first",
      orphanOutput: "an output was submitted for a call that is not in it",
      pairing: "a reasoning item in it lacks the item that has to follow it, or the other way round",
      duplicate: "an item is in it twice"
    }[this.why]
    return `OpenAI does not accept the history of thread "${this.threadId}": ${why}`
  }
}

/**
 * The model failed. `code` is OpenAI's (`server_error`, `invalid_prompt`, …). Wire: `response.failed` or `error`.
 *
 * @since 0.1.0
 * @category errors
 */
export class RunFailed extends Schema.TaggedError<RunFailed>("effect-openai-threads/RunFailed")("RunFailed", {
  threadId: ThreadId,
  code: Schema.String,
  responseId: Schema.optional(ResponseId),
  requestId: optionalString
}) {
  get isRetryable() {
    return this.code === "server_error"
  }
  override get message() {
    return `The run failed with "${this.code}"${this.requestId === undefined ? "" : ` (request ${this.requestId})`}`
  }
}

/**
 * The answer was cut off. `reason` is OpenAI's (`max_output_tokens`, `content_filter`, …); `partial` is the text so far,
 * which may be empty when reasoning used the whole budget. It is in the field only, never in `message` or logs.
 *
 * @since 0.1.0
 * @category errors
 */
export class RunIncomplete extends Schema.TaggedError<RunIncomplete>("effect-openai-threads/RunIncomplete")(
  "RunIncomplete",
  {
    threadId: ThreadId,
    reason: Schema.String,
    partial: Schema.String,
    responseId: Schema.optional(ResponseId),
    requestId: optionalString
  }
) {
  readonly isRetryable = false
  override toJSON() {
    return withoutContent(this, "partial")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    return this.reason === "max_output_tokens"
      ? "The answer is incomplete: it reached maxOutputTokens, which also covers reasoning"
      : `The answer is incomplete: ${this.reason}`
  }
}

/**
 * The run was cancelled, here or by somebody else.
 *
 * @since 0.1.0
 * @category errors
 */
export class RunCancelled extends Schema.TaggedError<RunCancelled>("effect-openai-threads/RunCancelled")(
  "RunCancelled",
  { threadId: ThreadId, responseId: Schema.optional(ResponseId) }
) {
  readonly isRetryable = false
  override get message() {
    return `The run on thread "${this.threadId}" was cancelled`
  }
}

/**
 * A tool failed with what it declares, and its failures end the run (`failureMode: "error"`). All outputs of the step are
 * in the thread, so that the next run goes on from there. `failure` is in the field only, never in `message` or logs.
 *
 * @since 0.1.0
 * @category errors
 */
export class ToolFailed extends Schema.TaggedError<ToolFailed>("effect-openai-threads/ToolFailed")("ToolFailed", {
  threadId: ThreadId,
  name: Schema.String,
  callId: CallId,
  failure: Schema.Unknown
}) {
  readonly isRetryable = false
  override toJSON() {
    return withoutContent(this, "failure")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    return `The tool "${this.name}" failed`
  }
}

/**
 * The model still calls tools after `maxSteps` steps. Its last calls were not made, and are answered as such in the
 * thread.
 *
 * @since 0.1.0
 * @category errors
 */
export class TooManySteps extends Schema.TaggedError<TooManySteps>("effect-openai-threads/TooManySteps")(
  "TooManySteps",
  { threadId: ThreadId, maxSteps: Schema.Int }
) {
  readonly isRetryable = false
  override get message() {
    return `The model still calls tools after ${this.maxSteps} steps: raise maxSteps, or run the thread again`
  }
}

/**
 * The model refused to give an output. `refusal` is what it says, in the field only.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputRefused extends Schema.TaggedError<OutputRefused>("effect-openai-threads/OutputRefused")(
  "OutputRefused",
  { threadId: ThreadId, refusal: Schema.String }
) {
  readonly isRetryable = false
  override toJSON() {
    return withoutContent(this, "refusal")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    return "The model refused to give an output"
  }
}

/**
 * The answer does not fit the `output` schema. `raw` is its text, in the field only; `reason` says where it does not fit.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputInvalid extends Schema.TaggedError<OutputInvalid>("effect-openai-threads/OutputInvalid")(
  "OutputInvalid",
  { threadId: ThreadId, raw: Schema.String, reason: Schema.String }
) {
  readonly isRetryable = false
  override toJSON() {
    return withoutContent(this, "raw", "reason")
  }
  override [NodeInspectSymbol]() {
    return this.toJSON()
  }
  override get message() {
    return "The answer does not fit the output schema"
  }
}

/**
 * Everything that a run can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export const RunError = Schema.Union(
  ...ThreadError.members,
  AssistantNotFound,
  ContextOverflow,
  HistoryRejected,
  RunFailed,
  RunIncomplete,
  RunCancelled,
  ToolFailed,
  TooManySteps,
  OutputRefused,
  OutputInvalid
)

/**
 * @since 0.1.0
 * @category models
 */
export type RunError = typeof RunError.Type

/**
 * A run cannot be gone on with from here. `why` tells the reason:
 *
 * - `notStarted`: the cursor is from before the first response, and this process does not know the run
 * - `gone`: OpenAI does not have the response any more
 * - `foreground`: the response was not in the background, so that it ended with its connection
 * - `otherRun`: the response belongs to another run or thread than the cursor says
 * - `nextStep`: the run has gone on to a step that nobody remembers; a `RunLog` would
 * - `unknownRun`: neither this process nor a `RunLog` remembers a run of this id
 *
 * @since 0.1.0
 * @category errors
 */
export class NotResumable extends Schema.TaggedError<NotResumable>("effect-openai-threads/NotResumable")(
  "NotResumable",
  { runId: RunId, why: Schema.Literal("notStarted", "gone", "foreground", "otherRun", "nextStep", "unknownRun") }
) {
  readonly isRetryable = false
  override get message() {
    const why = {
      notStarted: "its model was not asked yet; run again",
      gone: "OpenAI does not have its response any more; read the thread to see what is in it",
      foreground: "it was not in the background and ended with its connection; run again",
      otherRun: "the response belongs to another run or thread",
      nextStep: "it has gone on to a step that only a RunLog would remember; read the thread to see what is in it",
      unknownRun: "neither this process nor a RunLog remembers it; use a cursor"
    }[this.why]
    return `Run "${this.runId}" cannot be resumed: ${why}`
  }
}

/**
 * Everything that going on with a run can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export const ResumeError = Schema.Union(...RunError.members, NotResumable)

/**
 * @since 0.1.0
 * @category models
 */
export type ResumeError = typeof ResumeError.Type

const guard = lazy(() => Schema.is(RunError))

/**
 * Whether a value is a {@link RunError}.
 *
 * @since 0.1.0
 * @category guards
 */
export const is = (u: unknown): u is RunError => guard()(u)
