/**
 * What has to be remembered of a run's calls across processes, so that a call is never made twice: that it is going to be
 * made, that it has begun, and what it gave. By default nothing is: then a call that a dead run left is never made again.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { CallId, RunId, ThreadId } from "./Thread.ts"

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
 * A memory of calls, by thread and call id.
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
  find: () => Effect.succeedNone
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
 * Remembers in this process, of the last 10,000 calls. It outlives the runs, but not the process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<Service> = Effect.sync(() => {
  const states = new Map<string, State>()
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
    find: (threadId, callId) => Effect.sync(() => Option.fromNullable(states.get(key(threadId, callId))))
  }
})

const remembered = 10_000

/**
 * Puts a memory of this process in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<never> = Layer.effect(RunLog, makeMemory)
