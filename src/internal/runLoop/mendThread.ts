/** A thread that OpenAI does not accept, because a run that died has left something open in it, is made one that it does. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HistoryRejected, RunError } from "../../RunError.ts"
import type { Pending } from "../../RunEvent.ts"
import type * as RunLog from "../../RunLog.ts"
import type { ThreadId } from "../../Thread.ts"
import { ThreadBusy } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { closing, outputOf } from "../pending.ts"
import { neverAnswered, unknownOutcome } from "../settle.ts"
import * as ToolSteps from "../toolSteps.ts"
import { leads, takeThread } from "./lead.ts"
import { pay } from "./pay.ts"
import type { RunState } from "./runState.ts"

export const noneMade: ReadonlyArray<ToolSteps.Made> = []

/**
 * What a run that died has left behind is closed, once, and what is known of its calls is told. What still waits for
 * somebody's answer is closed only if the run says so.
 */
export const mendThread = (
  run: RunState,
  writer: ThreadStore.Writer,
  error: HistoryRejected
): Effect.Effect<ReadonlyArray<ToolSteps.Made>, RunError> =>
  Effect.gen(function*() {
    if (run.hasMended) return yield* error
    run.hasMended = true
    yield* takeThread(run)
    const made = error.why === "orphanCall" ? yield* closeOpen(run, writer) : noneMade
    yield* writer.reconcile()
    return made
  })

/** Closes what is open in the thread, which is its own by now, or fails where somebody is to answer it. */
export const closeOpen = (
  run: RunState,
  writer: ThreadStore.Writer
): Effect.Effect<ReadonlyArray<ToolSteps.Made>, RunError> =>
  Effect.gen(function*() {
    const { owed, plan: { log, onPending, threadId }, tools } = run
    const open = yield* writer.pending
    if (open.length === 0) return noneMade
    const [left, waiting] = yield* Effect.partition(open, (one) =>
      Effect.flatMap(ToolSteps.waits(tools, one), (waits) => waits ? Effect.succeed(one) : Effect.fail(one)))
    if (waiting.length > 0 && onPending !== "close") {
      return yield* new ThreadBusy({ threadId, why: "requires_action" })
    }
    owed.owe(open, unknownOutcome)
    const closed = yield* Effect.forEach(waiting, (one) =>
      Effect.map(whyClosed(log, threadId, one, neverAnswered), (why) =>
        closing(one, why)))
    const calls = left.flatMap((one) =>
      one._tag === "PendingCall" ? [one.call] : []
    )
    const made = tools === undefined
      ? noneMade
      : yield* run.unlessStopped(
        Effect.forEach(calls, (call) => ToolSteps.recover(tools, call), { concurrency: tools.concurrency })
      )
    yield* leads(run)
    const outputs = made.map(({ call, outcome }) => outputOf(call.callId, outcome.output))
    yield* pay(run, writer, [...outputs, ...closed])
    return made
  })

/** What waited for somebody was not carried out, as `otherwise` says, unless it is remembered that it was. */
export const whyClosed = (
  log: RunLog.Service,
  threadId: ThreadId,
  pending: Pending,
  otherwise: string
): Effect.Effect<string> =>
  pending._tag !== "PendingCall"
    ? Effect.succeed(otherwise)
    : Effect.matchCause(Effect.suspend(() => log.find(threadId, pending.call.callId)), {
      onFailure: () => unknownOutcome,
      onSuccess: Option.match({
        onNone: () => otherwise,
        onSome: (known) => known._tag === "Done" ? known.output : known._tag === "Started" ? unknownOutcome : otherwise
      })
    })
