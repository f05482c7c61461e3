/**
 * What an operation on a thread can fail with, beside what a request can fail with.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { lazy } from "./internal/lazy.ts"
import { PartlyWritten, RequestError } from "./OpenAIError.ts"
import { RunId, ThreadId } from "./Thread.ts"

/**
 * There is no such thread in this store.
 *
 * @since 0.1.0
 * @category errors
 */
export class ThreadNotFound extends Schema.TaggedError<ThreadNotFound>("effect-openai-threads/ThreadNotFound")(
  "ThreadNotFound",
  { threadId: ThreadId }
) {
  readonly isRetryable = false
  override get message() {
    return `There is no thread "${this.threadId}": it was deleted, or it belongs to another project or store`
  }
}

/**
 * Somebody else is writing to the thread. `why` tells who:
 *
 * - `running`: another run or write in this process, and the caller asked not to wait; or another process drives the run, or
 *   is at the calls of the thread, as a `RunLog` tells
 * - `deadline`: the same, and waiting took longer than allowed
 * - `full`: the same, and as many wait for it already as may
 * - `ownRun`: the write comes from inside a run on this very thread, whose end it would wait for
 * - `locked`: another process, the server says so (`conversation_locked`)
 * - `requires_action`: the last run waits for an answer to a call
 *
 * `cause` is there where the run before was to end for this one (`onBusy: "interrupt"`) and could not be cancelled.
 *
 * @since 0.1.0
 * @category errors
 */
export class ThreadBusy extends Schema.TaggedError<ThreadBusy>("effect-openai-threads/ThreadBusy")("ThreadBusy", {
  threadId: ThreadId,
  why: Schema.Literal("running", "deadline", "full", "ownRun", "locked", "requires_action"),
  runId: Schema.optional(RunId),
  cause: Schema.optional(RequestError)
}) {
  get isRetryable() {
    return this.why !== "ownRun" && this.why !== "requires_action"
  }
  override get message() {
    const why = {
      running: "another run or write is using it",
      deadline: "another run or write did not release it in time",
      full: "another run or write is using it, and too many wait for it already",
      ownRun: "this write comes from inside a run on the thread; do it after the run has completed",
      locked: "another process is using it; try again in a few seconds",
      requires_action: "its last run waits for an answer; give it with submit, or run with onPending: \"close\""
    }[this.why]
    const notEnded = this.cause === undefined ? "" : `. The run before could not be cancelled: ${this.cause.message}`
    return `Thread "${this.threadId}" is busy: ${why}${notEnded}`
  }
}

/**
 * The thread is not in the state that the write assumed, because another writer was faster.
 *
 * @since 0.1.0
 * @category errors
 */
export class ThreadConflict extends Schema.TaggedError<ThreadConflict>("effect-openai-threads/ThreadConflict")(
  "ThreadConflict",
  { threadId: ThreadId }
) {
  readonly isRetryable = false
  override get message() {
    return `Thread "${this.threadId}" was changed by another writer in the meantime`
  }
}

/**
 * The store could not read or write. `operation` is the method of the store.
 *
 * @since 0.1.0
 * @category errors
 */
export class StoreFailed extends Schema.TaggedError<StoreFailed>("effect-openai-threads/StoreFailed")("StoreFailed", {
  operation: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {
  readonly isRetryable = false
  override get message() {
    return `The thread store failed in "${this.operation}"`
  }
}

/**
 * This store or server cannot do what was asked. Found before any request.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unsupported extends Schema.TaggedError<Unsupported>("effect-openai-threads/Unsupported")("Unsupported", {
  capability: Schema.String
}) {
  readonly isRetryable = false
  override get message() {
    return `This thread store does not support "${this.capability}"`
  }
}

/**
 * Everything that an operation on a thread can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export const ThreadError = Schema.Union(
  ...RequestError.members,
  PartlyWritten,
  ThreadNotFound,
  ThreadBusy,
  ThreadConflict,
  StoreFailed,
  Unsupported
)

/**
 * @since 0.1.0
 * @category models
 */
export type ThreadError = typeof ThreadError.Type

const guard = lazy(() => Schema.is(ThreadError))

/**
 * Whether a value is a {@link ThreadError}.
 *
 * @since 0.1.0
 * @category guards
 */
export const is = (u: unknown): u is ThreadError => guard()(u)
