/**
 * Threads: create them, write messages, run an assistant on them, read what happened.
 *
 * @since 0.1.0
 */
import type * as Tool from "@effect/ai/Tool"
import type * as Toolkit from "@effect/ai/Toolkit"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Assistant, AssistantId, Sampling } from "./Assistant.ts"
import * as Assistants from "./Assistants.ts"
import type * as Cursor from "./Cursor.ts"
import type { Include } from "./HostedTool.ts"
import * as ActiveRuns from "./internal/activeRuns.ts"
import * as Answers from "./internal/answers.ts"
import * as Attachments from "./internal/attachments.ts"
import { reconcile } from "./internal/runs/reconcile.ts"
import { resume } from "./internal/runs/resume.ts"
import type { Services } from "./internal/runs/services.ts"
import { start, startInBackground } from "./internal/runs/start.ts"
import { cancel, status } from "./internal/runs/status.ts"
import * as Validate from "./internal/validate.ts"
import * as OpenAI from "./OpenAI.ts"
import { InvalidInput, UnexpectedResponse } from "./OpenAIError.ts"
import * as Run from "./Run.ts"
import type { ResumeError, RunError } from "./RunError.ts"
import type { Approvable, Pending, RunEventOf } from "./RunEvent.ts"
import type { Item, Message, MessageInput, Metadata, RunId, Thread, ThreadId } from "./Thread.ts"
import type { ThreadError } from "./ThreadError.ts"
import * as ThreadStore from "./ThreadStore.ts"
import type { Approval } from "./Tools.ts"

/**
 * How to run a thread. What is given here wins over the assistant's own value.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions<
  T extends Record<string, Tool.Any> = {},
  TE = never,
  TR = never,
  A = undefined,
  I = undefined,
  SR = never
> extends Sampling, Omit<ThreadStore.Waiting, "onBusy"> {
  /**
   * What to do where another run or write is at the thread: queue up in the order of arrival, fail with `ThreadBusy` at
   * once, or queue up and end the active run of this process as `cancel` does, unless it is the one that this is called
   * from. One that could not be cancelled is waited for, and so is one of another process, which this does not end; a
   * `ThreadBusy` says as its `cause` what went wrong with the former. Default: `enqueue`.
   */
  readonly onBusy?: "enqueue" | "reject" | "interrupt" | undefined

  /** The assistant, or its id in `Assistants`. Default: `Assistants.current`. */
  readonly assistant?: Assistant | AssistantId | undefined
  /** Written to the thread before the model is asked; it stays there whatever happens to the run. */
  readonly message?: string | MessageInput | undefined
  /** Any model id. Default: the assistant's, else `OPENAI_MODEL`. */
  readonly model?: string | undefined
  /** Replaces the assistant's instructions. */
  readonly instructions?: string | undefined
  /** Comes after the instructions, whosever they are. */
  readonly additionalInstructions?: string | undefined
  /** Added to the assistant's metadata, and sent with the response. */
  readonly metadata?: Metadata | undefined
  /** Whether errors carry the text that had arrived. Default: true. `false` saves its memory. */
  readonly keepPartial?: boolean | undefined
  /** How long the server may be silent in the middle of an answer. Default: that of `Timeouts`, else 5 minutes. */
  readonly idleTimeout?: Duration.DurationInput | undefined
  /**
   * How long the run may take once the thread is its own; then its answer is cancelled. Whoever only goes on with a run does
   * not end it, and just stops. Default: no limit.
   */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * What becomes of the run when its reader stops before the end: by `take`, interruption or a failure of its own.
   * `cancel` closes the connection at once, which ends the answer. `detach` lets it go on to its end in the scope of the
   * layer, so that the answer is in the thread. Default: `cancel`.
   */
  readonly onStop?: "cancel" | "detach" | undefined
  /**
   * Tools that the run calls itself, until the model answers without calling one. They are sent beside the assistant's.
   * All calls of a step run before the model is asked again. A tool of the id `openai.…` is one that OpenAI runs.
   */
  readonly toolkit?: Toolkit.WithHandler<T> | Effect.Effect<Toolkit.WithHandler<T>, TE, TR> | undefined
  /**
   * What OpenAI tells of the run's items beyond the usual. Default: the results of those hosted tools that the run has;
   * none of them with `[]`.
   */
  readonly include?: ReadonlyArray<Include> | undefined
  /** Whether the model calls a tool in the first step. Default: as it likes, which it does from the second on. */
  readonly toolChoice?: "auto" | "none" | "required" | { readonly tool: Extract<keyof T, string> } | undefined
  /** How many calls of a step run at once, 1 or more. Default: 4. */
  readonly toolConcurrency?: number | undefined
  /** How long a call may take, unless `Tools.Timeout` says otherwise for its tool. Default: 5 minutes. */
  readonly toolTimeout?: Duration.DurationInput | undefined
  /**
   * What a defect in a tool, or a call that takes too long, does. `inform` tells the model, without a word of the defect,
   * and goes on; `fail` writes all outputs and dies. Default: `inform`.
   */
  readonly onToolDefect?: "inform" | "fail" | undefined
  /**
   * Whether the answers are made in the background: then one goes on when its connection is lost, and is heard on from
   * another one, or from another process by `resume`. OpenAI stores such answers, and they begin a little later. Fails
   * with `Unsupported` where threads live elsewhere. Default: false.
   */
  readonly background?: boolean | undefined
  /**
   * Answers for what needs approval. Without it the run ends `requires_action`. A defect in it is one of its call, which is
   * not made.
   */
  readonly approve?: ((pending: Approvable) => Effect.Effect<Approval>) | undefined
  /**
   * What to do where the last run still waits for an answer: fail with `ThreadBusy{ why: "requires_action" }`, or close
   * what waits with the note that it was not carried out, unless a `RunLog` remembers that it was. Default: `reject`. Calls
   * that a run has left that died, and that its toolkit would make without asking, are closed either way. OpenAI refuses a
   * thread in which a call waits, and is not known to refuse one in which an MCP server waits for approval: there the layer
   * that ran the last run knows, and another passes over it.
   */
  readonly onPending?: "reject" | "close" | undefined
  /** How many responses a run may take, 1 or more; more fail with `TooManySteps`. Default: 20. */
  readonly maxSteps?: number | undefined
  /**
   * What the answer has to be: it is asked for as JSON of this schema, in strict mode where the schema allows it, and
   * decoded into `RunCompleted.output`: the last message of the answer, or the one that says to be final. Fails with
   * `OutputRefused` or `OutputInvalid`. A run that ends `requires_action` has no output yet.
   */
  readonly output?: Schema.Schema<A, I, SR> | undefined
}

/**
 * How to go on with a run. Its settings come from the run itself, the handlers of its tools from here.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResumeOptions<
  T extends Record<string, Tool.Any> = {},
  TE = never,
  TR = never,
  A = undefined,
  I = undefined,
  SR = never
> extends
  Pick<
    RunOptions<T, TE, TR, A, I, SR>,
    | "toolkit"
    | "toolConcurrency"
    | "toolTimeout"
    | "onToolDefect"
    | "approve"
    | "maxSteps"
    | "output"
    | "keepPartial"
    | "idleTimeout"
    | "timeout"
    | "busyTimeout"
    | "maxQueued"
  >
{
  /**
   * What becomes of the run when its reader stops before the end, if nobody else drives it. Default: `detach`, since it was
   * begun to go on.
   */
  readonly onStop?: "cancel" | "detach" | undefined
  /** Whether to wait for whoever writes to the thread. Default: `enqueue`. */
  readonly onBusy?: "enqueue" | "reject" | undefined
}

/**
 * How far a run is. `requires_action`: it waits for what `submit` answers. `in_progress` covers the tools too, where this
 * process drives the run or a `RunLog` tells that somebody does. Of a run of several steps this process knows the newest
 * one, of at least the last 1,000 that it has driven, or the `RunLog` does. Otherwise the step of the cursor and the end of the
 * thread have to tell. Where responses are stored nowhere, as with `ThreadStore.layerMemory`, it is what this process
 * remembers.
 *
 * @since 0.1.0
 * @category models
 */
export type RunStatus =
  | "queued"
  | "in_progress"
  | "requires_action"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled"

/**
 * What a pending call or approval is answered with: the output of a function call that the program has made itself;
 * whether a function call may be made, by the toolkit that is given to `submit`; whether an MCP server may do what it asks
 * for; or, for the call of another tool and for a function that gives more than text, the wire's item that answers it,
 * such as `{ type: "custom_tool_call_output", output: "…" }`, into which the call's id is put.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer = Answers.Answer

/**
 * Threads, messages and runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Creates a thread, with messages if they are given. OpenAI takes 20 in one call; more go in several, and
   * `PartlyWritten` says how many went through when one fails.
   */
  readonly create: (options?: {
    readonly metadata?: Metadata | undefined
    readonly messages?: ReadonlyArray<string | MessageInput> | undefined
  }) => Effect.Effect<Thread, ThreadError>
  /** The thread with this id. Fails with `ThreadNotFound`. */
  readonly get: (id: ThreadId) => Effect.Effect<Thread, ThreadError>
  /** Sets the named keys of the metadata, removes those that are null and keeps the others. */
  readonly update: (
    id: ThreadId,
    options: { readonly metadata: Readonly<Record<string, string | null>> }
  ) => Effect.Effect<Thread, ThreadError>
  /**
   * Deletes the thread and its items: the items first, 8 at a time, because OpenAI keeps them when only the
   * conversation goes. `keepItems` deletes the conversation alone, in one request.
   */
  readonly delete: (
    id: ThreadId,
    options?: { readonly keepItems?: boolean | undefined }
  ) => Effect.Effect<void, ThreadError>
  /** Writes a message at the end of the thread. Waits for a run on it, up to 5 minutes unless told otherwise. */
  readonly addMessage: (
    id: ThreadId,
    message: string | MessageInput,
    waiting?: ThreadStore.Waiting
  ) => Effect.Effect<Message, ThreadError>
  /** The messages, oldest first unless asked otherwise. Pages of 100 items are fetched as they are needed. */
  readonly messages: (id: ThreadId, options?: ThreadStore.Listing) => Stream.Stream<Message, ThreadError>
  /**
   * All items: messages, calls, outputs, reasoning and what else there is. OpenAI tells what hosted tools found only where
   * `include` asks for it.
   */
  readonly items: (id: ThreadId, options?: ThreadStore.Listing) => Stream.Stream<Item, ThreadError>
  /**
   * Runs an assistant on the thread. The stream emits what happens and ends with `RunCompleted`, or fails. Nothing
   * happens before it is read, and each reading is a run of its own. Whoever stops reading ends the run, unless `onStop`
   * says otherwise.
   *
   * When the stream breaks, the server is asked what became of the answer: if it is complete, the run ends as it would
   * have, and what the server did not take into the thread is written there. Otherwise it fails with `ConnectionLost`,
   * whose `partial` is the text so far, and the thread can be used as before.
   *
   * A write to the thread from where its run is read fails at once with `ThreadBusy{ why: "ownRun" }`. Behind operators
   * that read ahead in a fiber of their own, such as `Stream.buffer`, it cannot be told apart and waits for its deadline.
   */
  readonly run: <
    T extends Record<string, Tool.Any> = {},
    TE = never,
    TR = never,
    A = undefined,
    I = undefined,
    SR = never
  >(
    id: ThreadId,
    options?: RunOptions<T, TE, TR, A, I, SR>
  ) => Stream.Stream<RunEventOf<A>, RunError | TE, TR | SR | Tool.Requirements<T[keyof T]>>
  /**
   * Answers what a run that ended `requires_action` waits for, and runs on. All that waits needs an answer, and each one:
   * under the thread's lock its end is read, and where the answers are others than what waits there, or were given before,
   * this fails with `InvalidInput` and writes nothing. With a `RunLog` that holds for several processes, too: who comes
   * second waits for the first to end. Instructions and settings are not remembered by OpenAI: give the same options as to
   * the run. Its message is not written again, and a `toolChoice` is forced in the first step of a run only.
   */
  readonly submit: <
    T extends Record<string, Tool.Any> = {},
    TE = never,
    TR = never,
    A = undefined,
    I = undefined,
    SR = never
  >(
    id: ThreadId,
    answers: ReadonlyArray<Answer>,
    options?: Omit<RunOptions<T, TE, TR, A, I, SR>, "message">
  ) => Stream.Stream<RunEventOf<A>, RunError | TE, TR | SR | Tool.Requirements<T[keyof T]>>
  /**
   * Begins a run in the background and gives its cursor as soon as OpenAI has it, as a web handler needs it. The run goes on
   * in the scope of the layer, with its tools; whoever wants to see it reads it with {@link resume}. Interrupted before it has
   * a cursor, it withdraws the run.
   */
  readonly start: <
    T extends Record<string, Tool.Any> = {},
    TE = never,
    TR = never,
    A = undefined,
    I = undefined,
    SR = never
  >(
    id: ThreadId,
    options?: Omit<RunOptions<T, TE, TR, A, I, SR>, "background" | "onStop">
  ) => Effect.Effect<Cursor.Cursor, RunError | TE, TR | SR | Tool.Requirements<T[keyof T]>>
  /**
   * Goes on with a run behind a cursor, in this process or another: with the events of the step that come after it, for five
   * minutes as they came and later as whole items, and with the steps after it. A run that this process drives already, or
   * another one as a `RunLog` tells, is read along, and one that is over is told without waiting for the thread. Otherwise
   * this is who drives it: the calls that nobody has answered are made with the handlers given here, and so it is once
   * nobody else drives it any more. What calls gave before is told as far as the log or the thread has it. Fails with
   * `NotResumable` where there is nothing to go on with, and with `ThreadBusy` where another process has taken the run over.
   * A run of which only the id is known is told from its beginning, if this process or a `RunLog` remembers it.
   */
  readonly resume: <
    T extends Record<string, Tool.Any> = {},
    TE = never,
    TR = never,
    A = undefined,
    I = undefined,
    SR = never
  >(
    from: Cursor.Cursor | RunId,
    options?: ResumeOptions<T, TE, TR, A, I, SR>
  ) => Stream.Stream<RunEventOf<A>, ResumeError | TE, TR | SR | Tool.Requirements<T[keyof T]>>
  /** How far the run is that a cursor belongs to. */
  readonly status: (cursor: Cursor.Cursor) => Effect.Effect<RunStatus, ResumeError>
  /** What the run comes to, once it is over: {@link resume}, read to its end. */
  readonly wait: <
    T extends Record<string, Tool.Any> = {},
    TE = never,
    TR = never,
    A = undefined,
    I = undefined,
    SR = never
  >(
    from: Cursor.Cursor | RunId,
    options?: ResumeOptions<T, TE, TR, A, I, SR>
  ) => Effect.Effect<Run.RunResult<A>, ResumeError | TE, TR | SR | Tool.Requirements<T[keyof T]>>
  /**
   * Ends the run that a cursor belongs to; its readers fail with `RunCancelled`. An answer in the background is cancelled at
   * OpenAI, any other loses its connection, and one that waits for its thread or for a rate limit waits no more. Of a run that
   * is over nothing changes. Gives the status that it comes to; fails where OpenAI does not cancel. A run that another
   * process drives is told so by a `RunLog`, and this waits until it is over, or, where that process has died, until its lease
   * has run out: then whoever resumes the run ends it. Without a `RunLog` only its answer is ended.
   */
  readonly cancel: (cursor: Cursor.Cursor) => Effect.Effect<RunStatus, ResumeError>
  /** What at the end of the thread, in its last answer, waits for {@link submit}. */
  readonly pending: (id: ThreadId) => Effect.Effect<ReadonlyArray<Pending>, ThreadError>
  /**
   * Makes a thread usable that was left in the middle of something, by a process that died for instance: answers the calls
   * that nobody has answered, with what a `RunLog` remembers them to have given, and removes reasoning and outputs that have
   * lost their pair. Reads the last 100 items, or more if the last answer has more, up to 1,000. A run does it by itself where
   * OpenAI rejects its history; what waits for an answer of the program is closed here too. With a `RunLog` it waits for
   * a run of another process that makes calls in the thread, as long as `busyTimeout` says.
   */
  readonly reconcile: (
    id: ThreadId,
    waiting?: ThreadStore.Waiting
  ) => Effect.Effect<ThreadStore.Reconciled, ThreadError>
}

/**
 * Threads, messages and runs.
 *
 * @since 0.1.0
 * @category tags
 */
export class Threads extends Context.Tag("effect-openai-threads/Threads")<Threads, Service>() {}

/** The options of a run whatever its tools and its output: its types are the caller's concern. */
interface AnyOptions extends Omit<RunOptions, "toolkit" | "toolChoice" | "output"> {
  readonly toolkit?: WithHandler | Effect.Effect<WithHandler> | undefined
  readonly toolChoice?: "auto" | "none" | "required" | { readonly tool: string } | undefined
  readonly output?: Schema.Schema.AnyNoContext | undefined
}

type AnyResumeOptions = Omit<ResumeOptions, "toolkit" | "output"> & Pick<AnyOptions, "toolkit" | "output">

type WithHandler = Toolkit.WithHandler<Record<string, Tool.Any>>

const make = Effect.gen(function*() {
  const openai = yield* OpenAI.OpenAI
  const store = yield* ThreadStore.ThreadStore
  const assistants = yield* Assistants.Assistants
  const scope = yield* Effect.scope
  const services: Services = { openai, store, assistants, scope, active: ActiveRuns.make() }
  const files = store.capabilities.files ? openai.files : undefined

  const items: Service["items"] = (id, options) =>
    Stream.unwrap(Effect.as(Validate.ids({ "thread id": id, after: options?.after }), store.items(id, options)))

  return Threads.of({
    create: Effect.fn("Threads.create")(function*({ messages = [], metadata } = {}) {
      yield* Validate.metadata(metadata)
      const items = yield* Effect.forEach(
        messages,
        (message, index) => Attachments.toWireAt(`messages[${index}]`, message, files)
      )
      return yield* store.create({ items, metadata })
    }),
    get: Effect.fn("Threads.get")(function*(id) {
      yield* Validate.id("thread id", id)
      return yield* store.get(id)
    }),
    update: Effect.fn("Threads.update")(function*(id, options) {
      yield* Validate.id("thread id", id)
      return yield* store.update(id, options)
    }),
    delete: Effect.fn("Threads.delete")(function*(id, options) {
      yield* Validate.id("thread id", id)
      yield* store.delete(id, options)
    }),
    addMessage: Effect.fn("Threads.addMessage")(function*(id, message, waiting) {
      yield* Validate.id("thread id", id)
      const [added] = yield* store.append(id, [yield* Attachments.toWire(message, files)], waiting)
      return added?._tag === "Message"
        ? added
        : yield* new UnexpectedResponse({ reason: "the message that was written did not come back" })
    }),
    messages: (id, options) => Stream.filter(items(id, options), (item) => item._tag === "Message"),
    items,
    run: (id, options = {}) => start(services, id, options as AnyOptions),
    submit: (id, answers, options = {}) =>
      Option.match(Answers.problem(answers), {
        // Whoever gives the options of the run again may give its message, too.
        onNone: () => start(services, id, { ...options as AnyOptions, message: undefined }, answers),
        onSome: (reason) => Stream.fail(new InvalidInput({ field: "answers", reason }))
      }),
    start: (id, options = {}) => startInBackground(services, id, options as AnyOptions),
    resume: (from, options = {}) => resume(services, from, options as AnyResumeOptions),
    status: Effect.fn("Threads.status")((cursor) => status(services, cursor)),
    wait: (from, options = {}) => Run.result(resume(services, from, options as AnyResumeOptions)) as never,
    cancel: Effect.fn("Threads.cancel")((cursor) => cancel(services, cursor)),
    pending: Effect.fn("Threads.pending")(function*(id) {
      yield* Validate.id("thread id", id)
      return yield* store.pending(id)
    }),
    reconcile: Effect.fn("Threads.reconcile")(function*(id, waiting) {
      yield* Validate.id("thread id", id)
      return yield* reconcile(services, id, waiting)
    })
  })
})

/**
 * The live layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  Threads,
  never,
  OpenAI.OpenAI | ThreadStore.ThreadStore | Assistants.Assistants
> = Layer.scoped(Threads, make)

/**
 * Everything from the environment, for a program's first ten minutes: `OpenAI.layerConfig`, threads on OpenAI, and no
 * assistant but the default one, which takes its model from `OPENAI_MODEL`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<Threads, ConfigError.ConfigError> = layer.pipe(
  Layer.provide([ThreadStore.layerConversations, Assistants.layer([])]),
  Layer.provide(OpenAI.layerConfig)
)
