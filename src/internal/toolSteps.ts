/** What a step of a run asks for: what of it the program does itself, and what is left to whoever can answer. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Pending } from "../RunEvent.ts"
import type * as RunLog from "../RunLog.ts"
import type { CallId, FunctionCall, ItemId, RunId, ThreadId } from "../Thread.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import type { Approval } from "../Tools.ts"
import { unknownOutcome } from "./settle.ts"
import type * as ToolCalls from "./toolCalls.ts"

/** What the program does itself of what the model asks for. */
export interface Tools {
  readonly calls: ToolCalls.ToolCalls
  readonly approve: ((pending: Pending) => Effect.Effect<Approval>) | undefined
  readonly concurrency: number
  readonly maxSteps: number
  readonly onDefect: "inform" | "fail"
  readonly log: RunLog.Service
  readonly runId: RunId
  readonly threadId: ThreadId
}

export interface Made {
  readonly call: FunctionCall
  readonly outcome: ToolCalls.Outcome
}

/** A call that was made, or an answer to a server that asked first. */
export type Done = Made | { readonly item: ThreadStore.WireItem }

/** What the model is told of a call that the program did not make. */
export const notCarriedOut = (why: string) => `The call was not carried out: ${why}.`

export const denied = ({ reason }: Approval) =>
  notCarriedOut(`it was not approved${reason === undefined ? "" : ` (${reason})`}`)

export const outputOf = (callId: CallId, output: string): ThreadStore.WireItem => ({
  type: "function_call_output",
  call_id: callId,
  output
})

export const approvalOf = (id: ItemId, { approve, reason }: Approval): ThreadStore.WireItem => ({
  type: "mcp_approval_response",
  approval_request_id: id,
  approve,
  ...(reason === undefined ? {} : { reason })
})

interface Share {
  readonly tasks: ReadonlyArray<Effect.Effect<Done>>
  /** The calls among them. */
  readonly calls: ReadonlyArray<FunctionCall>
  readonly left: ReadonlyArray<Pending>
}

const logged = ({ runId, threadId }: Tools, { callId }: FunctionCall): RunLog.Call => ({ runId, threadId, callId })

/** Says that these calls are going to be made. */
export const intend = (tools: Tools, calls: ReadonlyArray<FunctionCall>): Effect.Effect<void> =>
  tools.log.intend(calls.map((call) => logged(tools, call)))

/** Makes a call. */
export const make = (tools: Tools, call: FunctionCall): Effect.Effect<Made> =>
  Effect.gen(function*() {
    yield* tools.log.start(logged(tools, call))
    const outcome = yield* tools.calls.run(call)
    yield* tools.log.finish(logged(tools, call), outcome.output)
    return { call, outcome }
  })

/**
 * What became of a call that a run has left that died: what it gave, if that is remembered. It is made again only if it
 * had not begun, or if its tool may run twice.
 */
export const recover = (tools: Tools, call: FunctionCall): Effect.Effect<Made> =>
  Effect.flatMap(tools.log.find(tools.threadId, call.callId), (state) => {
    const told = (output: string, isFailure: boolean): Made => ({ call, outcome: { output, isFailure } })
    if (Option.isNone(state)) return Effect.succeed(told(unknownOutcome, true))
    switch (state.value._tag) {
      case "Done":
        return Effect.succeed(told(state.value.output, false))
      case "Intended":
        return make(tools, call)
      case "Started":
        return tools.calls.mayRepeat(call.name) ? make(tools, call) : Effect.succeed(told(unknownOutcome, true))
    }
  })

/** The same for a call of a run that is gone on with: what nothing is remembered of is made. */
export const resume = (tools: Tools, call: FunctionCall): Effect.Effect<Made> =>
  Effect.flatMap(
    tools.log.find(tools.threadId, call.callId),
    (state) => Option.isNone(state) ? make(tools, call) : recover(tools, call)
  )

export const share = (
  tools: Tools,
  asked: ReadonlyArray<Pending>,
  carryOut: (tools: Tools, call: FunctionCall) => Effect.Effect<Made> = make
): Effect.Effect<Share> =>
  Effect.gen(function*() {
    const { approve } = tools
    const tasks: Array<Effect.Effect<Done>> = []
    const calls: Array<FunctionCall> = []
    const left: Array<Pending> = []
    for (const pending of asked) {
      if (pending._tag === "PendingApproval") {
        if (approve === undefined) left.push(pending)
        else tasks.push(Effect.map(approve(pending), (approval) => ({ item: approvalOf(pending.itemId, approval) })))
        continue
      }
      const { call } = pending
      const needsApproval = yield* tools.calls.needsApproval(call)
      if (!tools.calls.answers(call.name) || (needsApproval && approve === undefined)) {
        left.push({ ...pending, needsApproval })
        continue
      }
      calls.push(call)
      const made = carryOut(tools, call)
      tasks.push(
        !needsApproval || approve === undefined
          ? made
          : Effect.flatMap(
            approve({ ...pending, needsApproval }),
            (approval): Effect.Effect<Done> =>
              approval.approve ? made : Effect.succeed({ call, outcome: { output: denied(approval), isFailure: true } })
          )
      )
    }
    return { tasks, calls, left }
  })
