/** What the end of a thread tells of a run's calls, where nobody remembers them. */
import * as Effect from "effect/Effect"
import type { Pending } from "../RunEvent.ts"
import type { FunctionCall, Item, ThreadId } from "../Thread.ts"
import type { ThreadError } from "../ThreadError.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { lastOf } from "./lastItems.ts"
import { answeredBy, keyOf, pendingOf } from "./pending.ts"
import type { Made } from "./toolSteps.ts"

/** The last items of a thread, oldest first. */
export const read = (
  store: ThreadStore.Service,
  threadId: ThreadId
): Effect.Effect<ReadonlyArray<Item>, ThreadError> => readTo(store, threadId, [])

/** The same, with these calls, and so with their answers, if they are not too far back. */
export const readTo = (
  store: ThreadStore.Service,
  threadId: ThreadId,
  pending: ReadonlyArray<Pending>
): Effect.Effect<ReadonlyArray<Item>, ThreadError> =>
  Effect.map(
    lastOf(store.items(threadId, { order: "desc" }), () => {
      const missing = new Set<unknown>(pending.map(keyOf))
      return (item) => {
        missing.delete(askedBy(item))
        return missing.size === 0
      }
    }),
    ({ items }) => items
  )

/** The call, or the request for approval, that an item is. */
const askedBy = (item: Item): unknown => {
  if (item._tag === "FunctionCall") return item.callId
  if (item._tag === "ApprovalRequest") return item.id
  const pending = "raw" in item ? pendingOf(item.raw, item) : undefined
  return pending === undefined ? undefined : keyOf(pending)
}

/** What an item is the answer to. */
const answers = (item: Item): unknown =>
  item._tag === "FunctionCallOutput"
    ? item.callId
    : item._tag === "Unknown"
    ? answeredBy(item.raw)
    : undefined

/** Those that nobody has answered. */
export const unanswered = (items: ReadonlyArray<Item>, pending: ReadonlyArray<Pending>): ReadonlyArray<Pending> => {
  const answered = new Set(items.map(answers))
  return pending.filter((one) => !answered.has(keyOf(one)))
}

/** What a call gave. */
export const outputOf = (items: ReadonlyArray<Item>, call: FunctionCall): Made | undefined => {
  const found = items.find((item) => item._tag === "FunctionCallOutput" && item.callId === call.callId)
  return found?._tag === "FunctionCallOutput"
    ? {
      call,
      outcome: {
        output: typeof found.output === "string" ? found.output : JSON.stringify(found.output),
        isFailure: false
      }
    }
    : undefined
}

/**
 * What became of a run whose calls are all answered: whether its model went on from there, and waits again. Where it did
 * not, the run was ended and its calls were closed.
 */
export const after = (
  items: ReadonlyArray<Item>,
  pending: ReadonlyArray<Pending>
): "completed" | "requires_action" | "cancelled" => {
  const ids = new Set<unknown>(pending.map(keyOf))
  const rest = items.slice(items.findLastIndex((item) => ids.has(answers(item))) + 1)
  const end = rest.findIndex((item) => item._tag === "Message" && item.role === "user")
  const own = end === -1 ? rest : rest.slice(0, end)
  const answered = new Set(items.map(answers))
  const waits = own.some((item) => {
    const one = pendingOf("raw" in item ? item.raw : undefined, item)
    return one !== undefined && !answered.has(keyOf(one))
  })
  if (waits) return "requires_action"
  return own.some((item) => item._tag === "Message") ? "completed" : "cancelled"
}
