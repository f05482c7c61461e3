import * as Effect from "effect/Effect"
import { InvalidInput } from "../../OpenAIError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { noUsage } from "../projection.ts"
import * as ToolSteps from "../toolSteps.ts"
import { callAll } from "./callAll.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** Before the first step. */
const nothing: Outcome = { status: "completed", pending: [], messages: [], text: "", usage: noUsage }

/** Makes the calls that somebody has approved meanwhile, whichever process they waited for. */
export const callApproved = (run: RunState, writer: ThreadStore.Writer): RunPull =>
  run.once(Effect.gen(function*() {
    const { owed, plan: { approved, newItems }, tools } = run
    const open = yield* run.failing(run.inSpan(writer.openCalls))
    const calls = open.filter(({ callId, name }) => approved.has(callId) && tools?.calls.answers(name) === true)
    if (tools === undefined || calls.length < approved.size) {
      return yield* run.fail(
        new InvalidInput({
          field: "answers",
          reason: "a call that is approved does not wait in this thread, or no tool of the toolkit has its name"
        })
      )
    }
    yield* ToolSteps.intend(tools, calls)
    owed.owe(calls, ToolSteps.notCarriedOut("the run ended before"))
    const tasks = calls.map((call) => ToolSteps.make(tools, call))
    return yield* callAll(run, writer, tools, nothing, { tasks, left: [], items: [...newItems] })
  }))
