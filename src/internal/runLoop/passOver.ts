/**
 * A run on a thread in which an MCP server asks for approval. Whether OpenAI refuses such a thread is not known, as it does
 * one with an open call, so this process remembers who asked, and reads the thread before it goes on.
 */
import * as Effect from "effect/Effect"
import type * as ThreadStore from "../../ThreadStore.ts"
import { ask } from "./ask.ts"
import { takeThread } from "./lead.ts"
import { closeOpen } from "./mendThread.ts"
import type { RunPull } from "./plan.ts"
import type { RunState } from "./runState.ts"
import { toolCallCompleted } from "./toolCallCompleted.ts"

export const passOver = Effect.fnUntraced(function*(run: RunState, writer: ThreadStore.Writer) {
  yield* run.failing(takeThread(run))
  const made = yield* run.failing(closeOpen(run, writer))
  run.services.active.asked.delete(run.plan.threadId)
  run.next = ask(run, writer, [], run.plan.params)
  return made.length === 0 ? yield* run.next : made.map((one) => toolCallCompleted(run.projection, one))
}, (stage, run): RunPull => run.once(stage))
