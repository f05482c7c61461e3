import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Effect, Schema } from "effect"
import { Run, type RunEvent, type Thread, Threads, Tools } from "effect-openai-threads"

const Refund = Tool.make("refund", {
  description: "Pays an amount back.",
  parameters: { order: Schema.String, euros: Schema.Number },
  success: Schema.String
}).annotate(Tools.NeedsApproval, (parameters: { readonly euros: number }) => parameters.euros > 50)

const toolkit = Toolkit.make(Refund)

export const handlers = toolkit.toLayer({ refund: ({ euros }) => Effect.succeed(`${euros} euros are on their way`) })

/** In a web handler: ends when there is an answer, or a call that somebody has to approve. */
export const ask = (id: Thread.ThreadId, message: string) =>
  Effect.flatMap(Threads.Threads, (threads) => Run.result(threads.run(id, { message, toolkit })))

/** Later, and in another process: `pending` is plain data, which can be stored and shown to a person. */
export const decide = (id: Thread.ThreadId, pending: ReadonlyArray<RunEvent.Pending>, approve: boolean) =>
  Effect.flatMap(Threads.Threads, (threads) => {
    const answers = pending.flatMap((one) =>
      one._tag === "PendingCall" ? [{ callId: one.call.callId, approve, reason: "The shop decided so." }] : []
    )
    return Run.result(threads.submit(id, answers, { toolkit }))
  })
