/** Goes on with a run that was begun before, by this process or another. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Cursor } from "../../Cursor.ts"
import type { ResumeError } from "../../RunError.ts"
import type { RunEventOf } from "../../RunEvent.ts"
import { RunLog } from "../../RunLog.ts"
import type { RunId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { compact } from "../compact.ts"
import { includeOf } from "../hosted.ts"
import { makeId } from "../ids.ts"
import * as Lineage from "../lineage.ts"
import * as Output from "../output.ts"
import * as Pull from "../pull.ts"
import * as RunLoop from "../runLoop/loop.ts"
import type { Params } from "../runLoop/plan.ts"
import { beginningOf, leaderOf, responseOf } from "./find.ts"
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
  { active, openai, scope, store }: Services,
  from: Cursor | RunId,
  options: Options
): Stream.Stream<RunEventOf<A>, ResumeError> =>
  Pull.toStream(Effect.gen(function*() {
    yield* supportsBackground(store)
    const log = yield* RunLog
    const cursor = typeof from === "string" ? yield* beginningOf(log, from) : from
    const { runId, threadId } = cursor
    const response = yield* responseOf(openai, cursor)
    const owner = yield* makeId("driver")
    const leader = yield* leaderOf(active, log, cursor, owner)
    const settings = Lineage.settingsOf(response)
    const declared = response.tools ?? []
    const tools = yield* toolsOf(options, declared, true)
    const format = options.output === undefined ? undefined : yield* Output.make(threadId, options.output)
    const include = includeOf(declared)
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
      onPending: "reject",
      keepPartial: options.keepPartial ?? true,
      idleTimeout: options.idleTimeout,
      timeout: options.timeout,
      tools: yield* toolSteps(options, tools?.calls, cursor),
      decode: format?.decode,
      cancelOnStop: options.onStop === "cancel",
      log,
      owner,
      from: { cursor, response, before: yield* Lineage.before(openai, response), leader }
    }, { openai, store, active })
    return yield* leader !== undefined || options.onStop === "cancel" ? run : Pull.detachable(run, scope)
  })) as Stream.Stream<RunEventOf<A>, ResumeError>
