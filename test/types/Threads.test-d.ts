/** What the types of the facade promise. Checked by the compiler only. */
import {
  type Assistant,
  type Assistants,
  type Cursor,
  OpenAI,
  OpenAIError,
  type Run,
  type RunError,
  type RunEvent,
  type Thread,
  type ThreadError,
  Threads,
  type ThreadStore
} from "effect-openai-threads"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

declare const threads: Threads.Service
declare const id: Thread.ThreadId
declare const callId: Thread.CallId

type Success<T> = T extends Effect.Effect<infer A, infer _E, infer _R> ? A : never

// run and submit: nothing to provide, errors of a run, events of a run
expectTypeOf(threads.run).parameter(0).toEqualTypeOf<Thread.ThreadId>()
expectTypeOf(threads.run(id)).toEqualTypeOf<Stream.Stream<RunEvent.RunEventOf<undefined>, RunError.RunError, never>>()
expectTypeOf(threads.run(id, { message: "Hi", model: "m", temperature: 1, onBusy: "reject" })).toEqualTypeOf<
  Stream.Stream<RunEvent.RunEventOf<undefined>, RunError.RunError, never>
>()
expectTypeOf(threads.submit(id, [{ callId, output: "done" }])).toEqualTypeOf<
  Stream.Stream<RunEvent.RunEventOf<undefined>, RunError.RunError, never>
>()

// the others
expectTypeOf(threads.create()).toEqualTypeOf<Effect.Effect<Thread.Thread, ThreadError.ThreadError, never>>()
expectTypeOf(threads.get(id)).toEqualTypeOf<Effect.Effect<Thread.Thread, ThreadError.ThreadError, never>>()
expectTypeOf(threads.update(id, { metadata: { a: "1", b: null } })).toEqualTypeOf<
  Effect.Effect<Thread.Thread, ThreadError.ThreadError, never>
>()
expectTypeOf(threads.delete(id)).toEqualTypeOf<Effect.Effect<void, ThreadError.ThreadError, never>>()
expectTypeOf(threads.addMessage(id, "Hi")).toEqualTypeOf<
  Effect.Effect<Thread.Message, ThreadError.ThreadError, never>
>()
expectTypeOf(threads.messages(id)).toEqualTypeOf<Stream.Stream<Thread.Message, ThreadError.ThreadError, never>>()
expectTypeOf(threads.items(id)).toEqualTypeOf<Stream.Stream<Thread.Item, ThreadError.ThreadError, never>>()

expectTypeOf(threads.reconcile(id)).toEqualTypeOf<
  Effect.Effect<ThreadStore.Reconciled, ThreadError.ThreadError, never>
>()

// background
declare const cursor: Cursor.Cursor
declare const runId: Thread.RunId
expectTypeOf(threads.start(id)).toEqualTypeOf<Effect.Effect<Cursor.Cursor, RunError.RunError, never>>()
expectTypeOf(threads.resume(cursor)).toEqualTypeOf<
  Stream.Stream<RunEvent.RunEventOf<undefined>, RunError.ResumeError, never>
>()
expectTypeOf(threads.wait(runId)).toEqualTypeOf<Effect.Effect<Run.RunResult, RunError.ResumeError, never>>()
expectTypeOf(threads.status(cursor)).toEqualTypeOf<Effect.Effect<Threads.RunStatus, RunError.ResumeError, never>>()
expectTypeOf(threads.cancel(cursor)).toEqualTypeOf<Effect.Effect<Threads.RunStatus, RunError.ResumeError, never>>()
// @ts-expect-error a run that is begun is in the background
threads.start(id, { background: false })

// every method there is, is above
expectTypeOf<keyof Threads.Service>().toEqualTypeOf<
  | "create"
  | "get"
  | "update"
  | "delete"
  | "addMessage"
  | "messages"
  | "pending"
  | "items"
  | "run"
  | "submit"
  | "start"
  | "resume"
  | "status"
  | "wait"
  | "cancel"
  | "reconcile"
>()

// the errors, by name: a new one is a change that users see
type RequestTags =
  | "AuthenticationError"
  | "PermissionDenied"
  | "ResourceNotFound"
  | "InvalidInput"
  | "InvalidRequest"
  | "RateLimited"
  | "QuotaExceeded"
  | "ServerError"
  | "ConnectionFailed"
  | "ConnectionLost"
  | "TimedOut"
  | "UnexpectedResponse"
type ThreadTags =
  | RequestTags
  | "PartlyWritten"
  | "ThreadNotFound"
  | "ThreadBusy"
  | "ThreadConflict"
  | "StoreFailed"
  | "Unsupported"
expectTypeOf<OpenAIError.RequestError["_tag"]>().toEqualTypeOf<RequestTags>()
expectTypeOf<ThreadError.ThreadError["_tag"]>().toEqualTypeOf<ThreadTags>()
expectTypeOf<RunError.RunError["_tag"]>().toEqualTypeOf<
  | ThreadTags
  | "AssistantNotFound"
  | "ContextOverflow"
  | "HistoryRejected"
  | "RunFailed"
  | "RunIncomplete"
  | "RunCancelled"
  | "ToolFailed"
  | "TooManySteps"
  | "OutputRefused"
  | "OutputInvalid"
>()
expectTypeOf<RunError.RunError["isRetryable"]>().toEqualTypeOf<boolean>()

// an id is no string, and one id is not another
// @ts-expect-error a plain string is no ThreadId
threads.run("conv_1")
// @ts-expect-error a CallId is no ThreadId
threads.get(callId)
// @ts-expect-error a message has no such role
threads.addMessage(id, { role: "tool", content: "x" })
// @ts-expect-error a typo in an option
threads.run(id, { mesage: "Hi" })
// @ts-expect-error a value that is none of the allowed
threads.run(id, { onBusy: "wait" })
// @ts-expect-error an assistant's id is branded
threads.run(id, { assistant: "analyst" })
// @ts-expect-error null removes a key in update, in create it means nothing
threads.create({ metadata: { a: null } })
// @ts-expect-error an answer needs its output
threads.submit(id, [{ callId }])
// @ts-expect-error the order is one of two
threads.messages(id, { order: "newest" })

declare const assistant: Assistant.Assistant
threads.run(id, { assistant })
threads.run(id, { assistant: assistant.id, message: undefined })

// layers
expectTypeOf(Threads.layer).toEqualTypeOf<
  Layer.Layer<Threads.Threads, never, OpenAI.OpenAI | ThreadStore.ThreadStore | Assistants.Assistants>
>()
expectTypeOf(Threads.layerConfig).toEqualTypeOf<Layer.Layer<Threads.Threads, ConfigError.ConfigError, never>>()
expectTypeOf(OpenAI.layerConfig).toEqualTypeOf<Layer.Layer<OpenAI.OpenAI, ConfigError.ConfigError, never>>()
expectTypeOf(OpenAI.layer).returns.toEqualTypeOf<Layer.Layer<OpenAI.OpenAI, OpenAIError.InvalidInput, never>>()
expectTypeOf<Context.Tag.Service<typeof Threads.Threads>>().toEqualTypeOf<Threads.Service>()
expectTypeOf<Context.Tag.Service<typeof OpenAI.OpenAI>>().toEqualTypeOf<OpenAI.Service>()

// OpenAI: requests fail with a RequestError, writes of several calls also with PartlyWritten, nothing is required
declare const openai: OpenAI.Service
expectTypeOf(openai.conversations.retrieve).returns.toExtend<Effect.Effect<unknown, OpenAIError.RequestError>>()
expectTypeOf<Effect.Effect.Error<ReturnType<OpenAI.Conversations["create"]>>>().toEqualTypeOf<
  OpenAIError.RequestError | OpenAIError.PartlyWritten
>()
expectTypeOf<Effect.Effect.Error<ReturnType<OpenAI.Conversations["createItems"]>>>().toEqualTypeOf<
  OpenAIError.RequestError | OpenAIError.PartlyWritten
>()
expectTypeOf<Effect.Effect.Error<ReturnType<OpenAI.Conversations["deleteItem"]>>>().toEqualTypeOf<
  OpenAIError.RequestError
>()
expectTypeOf(openai.responses.stream).returns.toEqualTypeOf<
  Stream.Stream<OpenAI.WireEvent, OpenAIError.RequestError, never>
>()
expectTypeOf(openai.responses.resume).returns.toEqualTypeOf<
  Stream.Stream<OpenAI.WireEvent, OpenAIError.RequestError, never>
>()
expectTypeOf(openai.responses.countInputTokens).returns.toEqualTypeOf<
  Effect.Effect<number, OpenAIError.RequestError, never>
>()
const used = openai.use((client, signal) => client.models.list({ signal }).then((page) => page.data.length))
expectTypeOf(used).toEqualTypeOf<Effect.Effect<number, OpenAIError.RequestError, never>>()
expectTypeOf<Success<typeof used>>().toEqualTypeOf<number>()

// guards narrow
declare const unknown: unknown
if (OpenAIError.is(unknown)) expectTypeOf(unknown).toEqualTypeOf<OpenAIError.RequestError>()
