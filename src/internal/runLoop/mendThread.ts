/** A thread that OpenAI does not accept, because a run that died has left something open in it, is made one that it does. */
import * as Effect from "effect/Effect"
import type { HistoryRejected, RunError } from "../../RunError.ts"
import type { FunctionCall } from "../../Thread.ts"
import { ThreadBusy } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { unknownOutcome } from "../settle.ts"
import * as ToolSteps from "../toolSteps.ts"
import type { RunState } from "./runState.ts"

export const noneMade: ReadonlyArray<ToolSteps.Made> = []

/**
 * What a run that died has left behind is closed, once, and what is known of its calls is told. What still waits for
 * somebody's answer is not closed.
 */
export const mendThread = (
  run: RunState,
  writer: ThreadStore.Writer,
  error: HistoryRejected
): Effect.Effect<ReadonlyArray<ToolSteps.Made>, RunError> =>
  Effect.gen(function*() {
    if (run.hasMended) return yield* error
    run.hasMended = true
    const { owed, plan: { onPending, threadId }, tools } = run
    let made = noneMade
    if (error.why === "orphanCall" && onPending !== "close") {
      const open = yield* writer.openCalls
      const waits = (call: FunctionCall) =>
        tools?.calls.answers(call.name) === true ? tools.calls.needsApproval(call) : Effect.succeed(true)
      if (tools === undefined || (yield* Effect.exists(open, waits))) {
        return yield* new ThreadBusy({ threadId, why: "requires_action" })
      }
      owed.owe(open, unknownOutcome)
      made = yield* Effect.forEach(open, (call) => ToolSteps.recover(tools, call), { concurrency: tools.concurrency })
      yield* writer.answer(made.map(({ call, outcome }) => ToolSteps.outputOf(call.callId, outcome.output)))
      owed.clear()
    }
    yield* writer.reconcile
    return made
  })
