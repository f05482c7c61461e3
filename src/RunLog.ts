/**
 * What has to be remembered of runs across processes. Of their calls, so that none is made twice: that it is going to be
 * made, that it has begun, and what it gave. Of runs: which responses their steps are, who drives them, and which are not
 * wanted any more. Of threads: who is at their calls. By default nothing is: then a call that a dead run left is never made
 * again, but by whoever resumes it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Recent } from "./internal/recent.ts"
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
 * What a call gave: what the model is told of it, and whether that is a failure.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome {
  readonly output: string
  readonly isFailure: boolean
}

/**
 * How far a call is: it is going to be made, its tool has begun, or it is done.
 *
 * @since 0.1.0
 * @category models
 */
export type State =
  | { readonly _tag: "Intended" }
  | { readonly _tag: "Started" }
  | { readonly _tag: "Done" } & Outcome

/**
 * A step of a run: the response that it is.
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
 * A memory of calls, by thread and call id, and of runs.
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
  readonly finish: (call: Call, outcome: Outcome) => Effect.Effect<void>
  /** What is remembered of a call. */
  readonly find: (threadId: ThreadId, callId: CallId) => Effect.Effect<Option.Option<State>>
  /** Is told of a step as soon as its response is known, before anybody hears of it. */
  readonly step: (step: Step) => Effect.Effect<void>
  /** The steps of a run, in order; none of a run that is not remembered. */
  readonly steps: (runId: RunId) => Effect.Effect<ReadonlyArray<Step>>
  /**
   * Whether something is `owner`'s for so long: it is nobody else's, or their time is over. Of a run: to drive it. Of a
   * thread: to make, answer or close the calls in it, which is asked for before there are any. Asked again before the time is over, to go on; with no time at all, to
   * let others. Whoever asks with no time and does not have it is just told whether others do. The id of a run is made by
   * chance, so that no thread has it too.
   */
  readonly lease: (key: RunId | ThreadId, owner: string, time: Duration.Duration) => Effect.Effect<boolean>
  /** Is told that a run is not wanted any more, which is asked once a second by whoever drives it. */
  readonly cancel: (runId: RunId) => Effect.Effect<void>
  /** Whether a run is not wanted any more. */
  readonly isCancelled: (runId: RunId) => Effect.Effect<boolean>
}

/**
 * Remembers nothing. A run with this one asks it for no lease.
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
  lease: () => Effect.succeed(true),
  cancel: () => Effect.void,
  isCancelled: () => Effect.succeed(false)
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
 * Remembers in this process, of at least the last 10,000 calls and 1,000 runs. It outlives the runs, but not the process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<Service> = Effect.sync(() => {
  const states = new Recent<string, State>(remembered)
  const runs = new Recent<RunId, Array<Step>>(rememberedRuns)
  const leases = new Map<RunId | ThreadId, { readonly owner: string; readonly until: number }>()
  const cancelled = new Recent<RunId, true>(rememberedRuns)
  const key = (threadId: ThreadId, callId: CallId) => `${threadId} ${callId}`
  const set = ({ callId, threadId }: Call, state: State) => states.set(key(threadId, callId), state)
  return {
    intend: (calls) =>
      Effect.sync(() => {
        for (const call of calls) set(call, { _tag: "Intended" })
      }),
    start: (call) => Effect.sync(() => set(call, { _tag: "Started" })),
    finish: (call, { isFailure, output }) => Effect.sync(() => set(call, { _tag: "Done", output, isFailure })),
    find: (threadId, callId) => Effect.sync(() => Option.fromNullable(states.get(key(threadId, callId)))),
    step: (step) =>
      Effect.sync(() => {
        const steps = runs.get(step.runId) ?? []
        if (!steps.some(({ responseId }) => responseId === step.responseId)) steps.push(step)
        runs.set(step.runId, steps)
      }),
    steps: (runId) => Effect.sync(() => runs.get(runId)?.slice() ?? []),
    lease: (key, owner, time) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const lease = leases.get(key)
        if (lease !== undefined && lease.owner !== owner && lease.until > now) return false
        const millis = Duration.toMillis(time)
        leases.delete(key)
        if (millis > 0) leases.set(key, { owner, until: now + millis })
        // Those that were not given back, because their owner has died.
        if (leases.size > rememberedRuns) {
          for (const [other, { until }] of leases) if (until <= now) leases.delete(other)
        }
        return true
      }),
    cancel: (runId) => Effect.sync(() => cancelled.set(runId, true)),
    isCancelled: (runId) => Effect.sync(() => cancelled.has(runId))
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
