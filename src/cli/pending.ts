/** What a run waits for, as a person is told. */
import type { Pending } from "../RunEvent.ts"
import type { ThreadId } from "../Thread.ts"
import { type CliError, incomplete } from "./CliError.ts"
import { escaped } from "./terminal.ts"

/** Who decides on a call has to see what it is. What is longer than this is no decision of a moment. */
const longest = 4_000

const nameOf = (pending: Pending) =>
  escaped(
    pending._tag === "PendingCall"
      ? pending.call.name
      : pending._tag === "PendingApproval"
      ? `${pending.server}.${pending.name}`
      : pending.type
  )

const argumentsOf = (pending: Pending) =>
  pending._tag === "PendingCall"
    ? pending.call.arguments
    : pending._tag === "PendingApproval"
    ? pending.arguments
    : JSON.stringify(pending.raw)

/** Its name and its arguments. */
export const call = (pending: Pending): string => {
  const args = argumentsOf(pending)
  const rest = args.length - longest
  return `${nameOf(pending)} ${escaped(args.slice(0, longest))}${rest > 0 ? ` … and ${rest} characters more` : ""}`
}

const line = (pending: Pending) =>
  `${call(pending)} (${
    escaped(
      pending._tag === "PendingCall"
        ? pending.call.callId
        : pending._tag === "PendingItem"
        ? pending.callId
        : pending.itemId
    )
  })`

/** Why a run is not over, and how it goes on. */
export const failure = (threadId: ThreadId, pending: ReadonlyArray<Pending>): CliError => {
  const calls = pending.filter(({ _tag }) => _tag !== "PendingApproval")
  const approvals = pending.filter(({ _tag }) => _tag === "PendingApproval")
  const names = (some: ReadonlyArray<Pending>) => some.map(nameOf).join(", ")
  const what = [
    ...(calls.length === 0 ? [] : [`for ${names(calls)}, which this tool cannot answer`]),
    ...(approvals.length === 0 ? [] : [`for approval of ${names(approvals)}`])
  ]
  return incomplete(
    `the model waits ${what.join(", and ")}`,
    [
      ...pending.map(line),
      calls.length > 0
        ? "A program can answer, with Threads.submit."
        : `Decide with: openai-threads ask --thread ${threadId} --approve always (or never, or ask on a terminal)`
    ].join("\n  ")
  )
}
