/** Goes on with a run that was begun before, by this process or another. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Cursor } from "../../Cursor.ts"
import type { ResumeError } from "../../RunError.ts"
import type { RunEventOf } from "../../RunEvent.ts"
import * as RunLog from "../../RunLog.ts"
import type { RunId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { compact } from "../compact.ts"
import { includeOf } from "../hosted.ts"
import { makeId } from "../ids.ts"
import * as Lineage from "../lineage.ts"
import * as Output from "../output.ts"
import * as Pull from "../pull.ts"
import * as RunLoop from "../runLoop/loop.ts"
import type { From, Params } from "../runLoop/plan.ts"
import { leaderOf, newestOf, positionOf, responseOf } from "./find.ts"
import { answersIn, finishedOf, isSettled } from "./finished.ts"
import { type Services, supportsBackground } from "./services.ts"
import { type ToolOptions, toolsOf, toolSteps } from "./tools.ts"

/** How to go on with a run whatever its tools and its output: its types are the caller's concern. */
interface Options extends ToolOptions, ThreadStore.Waiting {
  readonly keepPartial?: boolean | undefined
  readonly idleTimeout?: Duration.DurationInput | undefined
  readonly timeout?: Duration.DurationInput | undefined
  readonly onStop?: "cancel" | "detach" | undefined
  readonly output?: Schema.Schema.AnyNoContext | undefined
}

export const resume = <A>(
  services: Services,
  from: Cursor | RunId,
  options: Options
): Stream.Stream<RunEventOf<A>, ResumeError> =>
  Pull.toStream(Effect.gen(function*() {
    const { active, openai, store } = services
    yield* supportsBackground(store)
    const log = yield* RunLog.RunLog
    const cursor = yield* positionOf(active, log, from)
    const { runId } = cursor
    const response = yield* responseOf(openai, cursor)
    const finished = finishedOf(active, cursor)
    const settled = finished === undefined && !active.byRun.has(runId) &&
      (yield* isSettled(openai, store, cursor, response, yield* newestOf(active, log, cursor)))
    const owner = yield* makeId("driver")
    const leader = finished ?? (settled ? undefined : yield* leaderOf(active, log, cursor, owner))
    const going = goOn(services, log, options, { cursor, response, leader, isSettled: settled }, owner)
    // Whoever could not go on lets others.
    return yield* leader === undefined && !settled
      ? Effect.onError(going, () => log.lease(runId, owner, Duration.zero))
      : going
  })) as Stream.Stream<RunEventOf<A>, ResumeError>

const goOn = (
  { active, openai, scope, store }: Services,
  log: RunLog.Service,
  options: Options,
  from: Pick<From, "cursor" | "response" | "leader" | "isSettled">,
  owner: string
) =>
  Effect.gen(function*() {
    const { cursor, isSettled, leader, response } = from
    const { runId, threadId } = cursor
    const settings = Lineage.settingsOf(response)
    const declared = response.tools ?? []
    const tools = yield* toolsOf(options, declared, true)
    const format = options.output === undefined ? undefined : yield* Output.make(threadId, options.output)
    const include = includeOf(declared)
    const { steps, ...before } = yield* Lineage.before(openai, response)
    const run = RunLoop.open({
      runId,
      threadId,
      assistant: { id: Lineage.decode(response)?.assistant ?? "resumed" },
      params: compact({
        ...settings,
        include: include.length === 0 ? undefined : include,
        background: response.background === true ? true : undefined
      }) as Params,
      message: undefined,
      answers: [],
      waiting: options,
      interrupts: false,
      onPending: "reject",
      keepPartial: options.keepPartial ?? true,
      idleTimeout: options.idleTimeout,
      timeout: options.timeout,
      tools: yield* toolSteps(options, tools?.calls, cursor),
      decode: format?.decode,
      cancelOnStop: options.onStop === "cancel",
      log,
      owner,
      from: { ...from, before, steps, outputOf: yield* answersIn(store, log, threadId) }
    }, { openai, store, active })
    // Whoever reads along may come to drive the run, and just stops before that.
    const drives = () => leader === undefined || active.byRun.get(runId)?.owner === owner
    return yield* isSettled || options.onStop === "cancel" ? run : Pull.detachable(run, scope, drives)
  })
