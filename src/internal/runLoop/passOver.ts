/**
 * A run on a thread in which an MCP server may ask for approval. Whether OpenAI refuses such a thread is not known, as it
 * does one with an open call, so the thread is read before the run goes on.
 */
import * as Effect from "effect/Effect"
import type * as ThreadStore from "../../ThreadStore.ts"
import { ask } from "./ask.ts"
import { takeThread } from "./lead.ts"
import { closeOpen } from "./mendThread.ts"
import type { RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"

/** Whether there may be a question in the thread: this process has heard one, or another one can have. */
export const mayBeAsked = ({ plan: { params, threadId }, services: { active } }: RunState): boolean =>
  active.asked.has(threadId) ||
  (params.tools?.some((tool) => tool.type === "mcp" && tool.require_approval !== "never") ?? false)

export const passOver = Effect.fnUntraced(function*(run: RunState, writer: ThreadStore.Writer) {
  yield* run.failing(takeThread(run))
  const made = yield* run.failing(closeOpen(run, writer))
  run.services.active.asked.delete(run.plan.threadId)
  run.next = ask(run, writer, [], run.plan.params)
  return made.length === 0 ? yield* run.next : made.map((one) => toolCallCompleted(run.projection, one))
}, (stage, run): RunPull => run.once(stage))
