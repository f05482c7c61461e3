/** Answers what waits in a thread, whichever process it waited for. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { InvalidInput } from "../../OpenAIError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as Answers from "../answers.ts"
import { noUsage } from "../projection.ts"
import * as ToolSteps from "../toolSteps.ts"
import { ask } from "./ask.ts"
import { callAll } from "./callAll.ts"
import { takeThread } from "./lead.ts"
import type { Outcome, RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** Before the first step. */
const nothing: Outcome = { status: "completed", pending: [], messages: [], text: "", usage: noUsage }

/**
 * The thread is read first: another process may have answered, and OpenAI would take a second answer, or refuse all of
 * them for one that is wrong.
 */
export const answer = Effect.fnUntraced(function*(run: RunState, writer: ThreadStore.Writer) {
  const { owed, plan: { answers, params }, tools } = run
  const invalid = (reason: string) => run.fail(new InvalidInput({ field: "answers", reason }))
  if (run.isRemembered) yield* run.failing(takeThread(run))
  const waiting = yield* run.failing(writer.pending)
  const checked = Answers.check(waiting, answers)
  if (Either.isLeft(checked)) return yield* invalid(checked.left)
  run.services.active.asked.delete(run.plan.threadId)
  const { approved, items } = checked.right
  if (approved.length === 0) return yield* (run.next = ask(run, writer, items, params))
  const unknown = approved.find(({ name }) => tools?.calls.answers(name) !== true)
  if (tools === undefined || unknown !== undefined) {
    return yield* invalid(`no tool of the toolkit has the name of ${unknown?.callId ?? "a call that is approved"}`)
  }
  owed.owe(waiting, ToolSteps.notCarriedOut("the run ended before"))
  for (const item of items) owed.put(item)
  const makeIt = yield* ToolSteps.resuming(tools, approved)
  return yield* callAll(run, writer, tools, nothing, {
    tasks: approved.map((call) => ({ done: makeIt(call), asksFirst: false })),
    left: []
  })
}, (stage, run): RunPull => run.once(stage))
