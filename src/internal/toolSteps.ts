/** What a step of a run asks for: what of it the program does itself, and what is left to whoever can answer. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Approvable, Pending } from "../RunEvent.ts"
import type * as RunLog from "../RunLog.ts"
import type { FunctionCall, ItemId, RunId, ThreadId } from "../Thread.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import type { Approval } from "../Tools.ts"
import type { Line } from "./line.ts"
import { unknownOutcome } from "./settle.ts"
import type * as ToolCalls from "./toolCalls.ts"

/** What the program does itself of what the model asks for. */
export interface Tools {
  readonly calls: ToolCalls.ToolCalls
  readonly approve: ((pending: Approvable) => Effect.Effect<Approval>) | undefined
  readonly concurrency: number
  readonly maxSteps: number
  readonly onDefect: "inform" | "fail"
  readonly log: RunLog.Service
  /** Ends when somebody wants the run to end: then its calls are given up. */
  readonly line: Line
  readonly runId: RunId
  readonly threadId: ThreadId
}

export interface Made {
  readonly call: FunctionCall
  readonly outcome: ToolCalls.Outcome
}

/** A call that was made, or an answer to a server that asked first. */
export type Done = Made | {
  readonly item: ThreadStore.WireItem
  readonly outcome: { readonly cause?: Cause.Cause<unknown> | undefined }
}

/** What the model is told of a call that the program did not make. */
export const notCarriedOut = (why: string) => `The call was not carried out: ${why}.`

export const denied = ({ reason }: Approval) =>
  notCarriedOut(`it was not approved${reason === undefined ? "" : ` (${reason})`}`)

export const approvalOf = (id: ItemId, { approve, reason }: Approval): ThreadStore.WireItem => ({
  type: "mcp_approval_response",
  approval_request_id: id,
  approve,
  ...(reason === undefined ? {} : { reason })
})

interface Task {
  readonly done: Effect.Effect<Done>
  /** Somebody is asked first, which may take long. */
  readonly asksFirst: boolean
}

export interface Share {
  readonly tasks: ReadonlyArray<Task>
  /** What is left to whoever can answer. */
  readonly left: ReadonlyArray<Pending>
}

const logged = ({ runId, threadId }: Tools, { callId }: FunctionCall): RunLog.Call => ({ runId, threadId, callId })

const told = (call: FunctionCall, output: string, cause?: Cause.Cause<unknown>): Made => ({
  call,
  outcome: { output, isFailure: true, cause }
})

const unprepared = notCarriedOut("something went wrong before it")
const undecided = "whether it may be made could not be found out"

/**
 * Makes a call. Where its start cannot be written down it is not made, since it could be made again; where its end cannot
 * be, the model is told of it all the same.
 */
const make = (tools: Tools, call: FunctionCall): Effect.Effect<Made> => {
  const at = logged(tools, call)
  const finish = (outcome: ToolCalls.Outcome): Effect.Effect<Made> =>
    Effect.matchCause(
      Effect.suspend(() => tools.log.finish(at, { output: outcome.output, isFailure: outcome.isFailure })),
      {
        onFailure: (cause) => ({ call, outcome: { ...outcome, cause: outcome.cause ?? cause } }),
        onSuccess: () => ({ call, outcome })
      }
    )
  return Effect.matchCauseEffect(Effect.suspend(() => tools.log.start(at)), {
    onFailure: (cause) => Effect.succeed(told(call, unprepared, cause)),
    onSuccess: () => Effect.flatMap(tools.calls.run(call, at, tools.line), finish)
  })
}

/** Says that these calls are going to be made. Where that cannot be written down, none of them is. */
const intending = (
  tools: Tools,
  calls: ReadonlyArray<FunctionCall>
): Effect.Effect<(call: FunctionCall) => Effect.Effect<Made>> =>
  calls.length === 0
    ? Effect.succeed((call) => make(tools, call))
    : Effect.matchCause(Effect.suspend(() => tools.log.intend(calls.map((call) => logged(tools, call)))), {
      onFailure: (cause) => (call: FunctionCall) => Effect.succeed(told(call, unprepared, cause)),
      onSuccess: () => (call: FunctionCall) => make(tools, call)
    })

/** What is remembered of a call. */
const remembered = (
  tools: Tools,
  call: FunctionCall,
  then: (state: Option.Option<RunLog.State>) => Effect.Effect<Made>
): Effect.Effect<Made> =>
  Effect.matchCauseEffect(Effect.suspend(() => tools.log.find(tools.threadId, call.callId)), {
    onFailure: (cause) => Effect.succeed(told(call, unknownOutcome, cause)),
    onSuccess: then
  })

/**
 * What became of a call that a run has left that died: what it gave, if that is remembered. It is made again only if it
 * had not begun, or if its tool may run twice.
 */
export const recover = (tools: Tools, call: FunctionCall): Effect.Effect<Made> =>
  remembered(tools, call, (state) => {
    if (Option.isNone(state)) return Effect.succeed(told(call, unknownOutcome))
    switch (state.value._tag) {
      case "Done":
        return Effect.succeed({ call, outcome: { output: state.value.output, isFailure: state.value.isFailure } })
      case "Intended":
        return make(tools, call)
      case "Started":
        return tools.calls.mayRepeat(call.name) ? make(tools, call) : Effect.succeed(told(call, unknownOutcome))
    }
  })

/** The same for calls of a run that is gone on with: what nothing is remembered of is made, and before that said to be. */
export const resuming = Effect.fnUntraced(function*(
  tools: Tools,
  calls: ReadonlyArray<FunctionCall>
) {
  const unknown = yield* Effect.filter(calls, (call) =>
    Effect.matchCause(
      Effect.suspend(() => tools.log.find(tools.threadId, call.callId)),
      {
        onFailure: () => false,
        onSuccess: Option.isNone
      }
    ))
  const makeIt = yield* intending(tools, unknown)
  return (call: FunctionCall) => unknown.includes(call) ? makeIt(call) : recover(tools, call)
})

/** What is left by a run that died waits for somebody's answer, unless the program would have made it without asking. */
export const waits = (tools: Tools | undefined, pending: Pending): Effect.Effect<boolean> =>
  tools === undefined || pending._tag !== "PendingCall" || !tools.calls.answers(pending.call.name)
    ? Effect.succeed(true)
    : tools.calls.needsApproval(pending.call)

export const share = Effect.fnUntraced(function*(
  tools: Tools,
  asked: ReadonlyArray<Pending>,
  /** They were asked for before this process was there, and may have been made. */
  isRejoined: boolean
) {
  const { approve } = tools
  const own: Array<Approvable> = []
  const left: Array<Pending> = []
  for (const pending of asked) {
    const one = pending._tag === "PendingCall"
      ? { ...pending, needsApproval: yield* tools.calls.needsApproval(pending.call) }
      : pending
    const isOwn = one._tag === "PendingCall"
      ? tools.calls.answers(one.call.name) && (!one.needsApproval || approve !== undefined)
      : approve !== undefined
    if (isOwn && one._tag !== "PendingItem") own.push(one)
    else left.push(one)
  }
  const calls = own.flatMap((one) => one._tag === "PendingCall" ? [one.call] : [])
  const makeIt = yield* (isRejoined ? resuming : intending)(tools, calls)
  return {
    left,
    tasks: own.map((one) =>
      one._tag === "PendingCall" && !one.needsApproval
        ? { done: makeIt(one.call), asksFirst: false }
        : { done: asking(one, approve!, makeIt), asksFirst: true }
    )
  } satisfies Share
})

/** Somebody decides. Nothing is done without that decision. */
const asking = (
  pending: Approvable,
  approve: NonNullable<Tools["approve"]>,
  makeIt: (call: FunctionCall) => Effect.Effect<Made>
): Effect.Effect<Done> =>
  Effect.matchCauseEffect(Effect.suspend(() => approve(pending)), {
    onFailure: (cause): Effect.Effect<Done> =>
      Effect.succeed(
        pending._tag === "PendingCall"
          ? told(pending.call, notCarriedOut(undecided), cause)
          : { item: approvalOf(pending.itemId, { approve: false, reason: undecided }), outcome: { cause } }
      ),
    onSuccess: (approval): Effect.Effect<Done> =>
      pending._tag === "PendingApproval"
        ? Effect.succeed({ item: approvalOf(pending.itemId, approval), outcome: {} })
        : approval.approve
        ? makeIt(pending.call)
        : Effect.succeed(told(pending.call, denied(approval)))
  })
