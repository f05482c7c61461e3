/** Begins a run. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Assistant, AssistantId } from "../../Assistant.ts"
import * as Cursor from "../../Cursor.ts"
import type { Include } from "../../HostedTool.ts"
import { UnexpectedResponse } from "../../OpenAIError.ts"
import type { RunError } from "../../RunError.ts"
import type { RunEventOf } from "../../RunEvent.ts"
import { RunLog } from "../../RunLog.ts"
import { type MessageInput, RunId, type ThreadId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import type { Answer } from "../answers.ts"
import * as Attachments from "../attachments.ts"
import { compact } from "../compact.ts"
import { includeOf } from "../hosted.ts"
import { makeId } from "../ids.ts"
import * as Output from "../output.ts"
import * as Pull from "../pull.ts"
import * as RunLoop from "../runLoop/loop.ts"
import type { Params } from "../runLoop/plan.ts"
import * as Validate from "../validate.ts"
import { paramsOf, type Settings } from "./params.ts"
import { type Services, supportsBackground } from "./services.ts"
import { choiceOf, type ToolChoice, type ToolOptions, toolsOf, toolSteps } from "./tools.ts"

/** The options of a run whatever its tools and its output: its types are the caller's concern. */
interface Options extends Settings, ToolOptions, Omit<ThreadStore.Waiting, "onBusy"> {
  readonly onBusy?: "enqueue" | "reject" | "interrupt" | undefined
  readonly assistant?: Assistant | AssistantId | undefined
  readonly message?: string | MessageInput | undefined
  readonly keepPartial?: boolean | undefined
  readonly idleTimeout?: Duration.DurationInput | undefined
  readonly timeout?: Duration.DurationInput | undefined
  readonly onStop?: "cancel" | "detach" | undefined
  readonly include?: ReadonlyArray<Include> | undefined
  readonly toolChoice?: ToolChoice | undefined
  readonly onPending?: "reject" | "close" | undefined
  readonly output?: Schema.Schema.AnyNoContext | undefined
}

const newId = Effect.map(makeId("run"), (id) => RunId.make(id))

const open = Effect.fnUntraced(function*(
  { active, assistants, openai, scope, store }: Services,
  threadId: ThreadId,
  options: Options,
  answers: ReadonlyArray<Answer>,
  id: RunId | undefined
) {
  yield* Validate.id("thread id", threadId)
  const { assistant: chosen, message, onBusy } = options
  const assistant = chosen === undefined
    ? yield* assistants.current
    : typeof chosen === "string"
    ? yield* assistants.get(chosen)
    : chosen
  const background = options.background === true
  if (background) yield* supportsBackground(store)
  const tools = yield* toolsOf(options, assistant.tools ?? [])
  const format = options.output === undefined ? undefined : yield* Output.make(threadId, options.output)
  const sent = yield* paramsOf(options, assistant)
  const wireTools = [
    ...(sent.tools ?? []),
    ...(tools?.declarations ?? []).map(({ wire }) => wire)
  ] as Params["tools"]
  const include = options.include ?? includeOf(wireTools ?? [])
  const choice = options.toolChoice === undefined
    ? undefined
    : yield* choiceOf(options.toolChoice, tools?.declarations ?? [])
  const runId = id ?? (yield* newId)
  const run = RunLoop.open({
    runId,
    threadId,
    assistant,
    params: compact({
      ...sent,
      tools: wireTools?.length === 0 ? undefined : wireTools,
      include: include.length === 0 ? undefined : include,
      background: background ? true : undefined,
      text: format === undefined ? sent.text : { ...sent.text, format: format.wire },
      // It was forced in the first step, and answers belong to a later one.
      tool_choice: answers.length === 0 || choice === "none" ? choice : undefined
    }) as Params,
    message: message === undefined
      ? undefined
      : yield* Attachments.toWireAt("message", message, store.capabilities.files ? openai.files : undefined),
    answers,
    waiting: { ...options, onBusy: onBusy === "interrupt" ? "enqueue" : onBusy },
    interrupts: onBusy === "interrupt",
    onPending: options.onPending ?? "reject",
    keepPartial: options.keepPartial ?? true,
    idleTimeout: options.idleTimeout,
    timeout: options.timeout,
    tools: yield* toolSteps(options, tools?.calls, { runId, threadId }),
    decode: format?.decode,
    cancelOnStop: options.onStop !== "detach",
    log: yield* RunLog,
    owner: runId,
    from: undefined
  }, { openai, store, active })
  return yield* options.onStop === "detach" ? Pull.detachable(run, scope) : run
})

export const start = <A>(
  services: Services,
  threadId: ThreadId,
  options: Options,
  /** To what the run before it waits for. */
  answers: ReadonlyArray<Answer> = [],
  id?: RunId
): Stream.Stream<RunEventOf<A>, RunError> =>
  Pull.toStream(open(services, threadId, options, answers, id)) as Stream.Stream<RunEventOf<A>, RunError>

/**
 * Begins a run that goes on without a reader, and gives its cursor as soon as OpenAI has it. Whoever does not wait for
 * that has no cursor, so that nobody could read or end the run: it is withdrawn.
 */
export const startInBackground = (
  services: Services,
  threadId: ThreadId,
  options: Options
): Effect.Effect<Cursor.Cursor, RunError> =>
  Effect.flatMap(
    newId,
    (runId) =>
      start(services, threadId, { ...options, background: true, onStop: "detach" }, undefined, runId).pipe(
        Stream.filter(({ responseId }) => responseId !== undefined),
        Stream.runHead,
        Effect.onInterrupt(() => Effect.ignore(services.active.byRun.get(runId)?.stop ?? Effect.void))
      )
  ).pipe(
    Effect.flatMap(Option.match({
      onNone: () => new UnexpectedResponse({ reason: "the run ended without a response" }),
      onSome: (event) => Effect.succeed(Cursor.fromEvent(event))
    })),
    Effect.withSpan("Threads.start", { captureStackTrace: false })
  )
