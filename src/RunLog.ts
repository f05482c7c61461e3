/**
 * What has to be remembered of runs across processes. Of their calls, so that none is made twice: that it is going to be
 * made, that it has begun, and what it gave. Of runs in the background: which responses their steps are, and who drives
 * them. By default nothing is: then a call that a dead run left is never made again, but by whoever resumes it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { CallId, ResponseId, RunId, ThreadId } from "./Thread.ts"

/**
 * A call of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  readonly threadId: ThreadId
  readonly runId: RunId
  readonly callId: CallId
}

/**
 * How far a call is: it is going to be made, its tool has begun, or it is done and gave `output`.
 *
 * @since 0.1.0
 * @category models
 */
export type State =
  | { readonly _tag: "Intended" }
  | { readonly _tag: "Started" }
  | { readonly _tag: "Done"; readonly output: string }

/**
 * A step of a run in the background: the response that it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step {
  readonly threadId: ThreadId
  readonly runId: RunId
  readonly responseId: ResponseId
}

/**
 * A memory of calls, by thread and call id, and of runs in the background.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Is told before any call of a step is made. */
  readonly intend: (calls: ReadonlyArray<Call>) => Effect.Effect<void>
  /** Is told right before a tool begins. */
  readonly start: (call: Call) => Effect.Effect<void>
  /** Is told what it gave, before the model is. */
  readonly finish: (call: Call, output: string) => Effect.Effect<void>
  /** What is remembered of a call. */
  readonly find: (threadId: ThreadId, callId: CallId) => Effect.Effect<Option.Option<State>>
  /** Is told of a step as soon as its response is known, before anybody hears of it. */
  readonly step: (step: Step) => Effect.Effect<void>
  /** The steps of a run, in order; none of a run that is not remembered. */
  readonly steps: (runId: RunId) => Effect.Effect<ReadonlyArray<Step>>
  /**
   * Whether `owner` may drive a run for so long: nobody else does, or its time is over. Asked again before that, to go on;
   * with no time at all, to let others. Whoever asks with no time and does not drive it is just told whether others do.
   */
  readonly lease: (runId: RunId, owner: string, time: Duration.Duration) => Effect.Effect<boolean>
}

/**
 * Remembers nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: Service = {
  intend: () => Effect.void,
  start: () => Effect.void,
  finish: () => Effect.void,
  find: () => Effect.succeedNone,
  step: () => Effect.void,
  steps: () => Effect.succeed([]),
  lease: () => Effect.succeed(true)
}

/**
 * The memory in force. Nobody has to provide it. It holds for what runs where it is provided.
 *
 * @since 0.1.0
 * @category references
 */
export class RunLog extends Context.Reference<RunLog>()("effect-openai-threads/RunLog", {
  defaultValue: (): Service => none
}) {}

/**
 * Remembers in this process, of the last 10,000 calls and 1,000 runs. It outlives the runs, but not the process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<Service> = Effect.sync(() => {
  const states = new Map<string, State>()
  const runs = new Map<RunId, Array<Step>>()
  const leases = new Map<RunId, { readonly owner: string; readonly until: number }>()
  const key = (threadId: ThreadId, callId: CallId) => `${threadId} ${callId}`
  const set = ({ callId, threadId }: Call, state: State) => {
    const name = key(threadId, callId)
    states.delete(name)
    states.set(name, state)
    if (states.size > remembered) states.delete(states.keys().next().value!)
  }
  return {
    intend: (calls) =>
      Effect.sync(() => {
        for (const call of calls) set(call, { _tag: "Intended" })
      }),
    start: (call) => Effect.sync(() => set(call, { _tag: "Started" })),
    finish: (call, output) => Effect.sync(() => set(call, { _tag: "Done", output })),
    find: (threadId, callId) => Effect.sync(() => Option.fromNullable(states.get(key(threadId, callId)))),
    step: (step) =>
      Effect.sync(() => {
        const steps = runs.get(step.runId) ?? []
        runs.delete(step.runId)
        if (!steps.some(({ responseId }) => responseId === step.responseId)) steps.push(step)
        runs.set(step.runId, steps)
        if (runs.size > rememberedRuns) runs.delete(runs.keys().next().value!)
      }),
    steps: (runId) => Effect.sync(() => runs.get(runId)?.slice() ?? []),
    lease: (runId, owner, time) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const lease = leases.get(runId)
        if (lease !== undefined && lease.owner !== owner && lease.until > now) return false
        const millis = Duration.toMillis(time)
        if (millis === 0) leases.delete(runId)
        else leases.set(runId, { owner, until: now + millis })
        return true
      })
  }
})

const remembered = 10_000
const rememberedRuns = 1_000

/**
 * Puts a memory of this process in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<never> = Layer.effect(RunLog, makeMemory)
