/** What in a thread's history OpenAI would not accept: a call without output, an output without call, half a reasoning pair. */
import type { Pending } from "../RunEvent.ts"
import { answeredBy, keyOf, pendingOf } from "./pending.ts"

/** An item of the wire, as far as this is concerned. */
type WireItem = { readonly type?: unknown; readonly id?: unknown; readonly call_id?: unknown; readonly role?: unknown }

export interface Broken<I> {
  /** What nobody has answered. A call marked `async` may stay so. */
  readonly open: ReadonlyArray<Pending>
  /** What has to go: outputs of no call, and reasoning that nothing of the model's follows. */
  readonly extra: ReadonlyArray<I>
}

const isFromModel = (item: WireItem) =>
  item.type === "message" || item.type === undefined ? item.role === "assistant" : answeredBy(item) === undefined

/** Where the last answer begins. OpenAI takes a request for approval that was passed over, so an older one is no more. */
const lastAnswer = (items: ReadonlyArray<WireItem>): number => {
  const end = items.findLastIndex(isFromModel)
  return items.slice(0, end + 1).findLastIndex((item) => !isFromModel(item)) + 1
}

/**
 * Whether an item, of those that are told newest first, is from before the last answer. What is open is in that: OpenAI
 * answers no thread with an open call.
 */
export const beforeLastAnswer = () => {
  let isInside = false
  return (item: WireItem): boolean => {
    const isModels = isFromModel(item)
    isInside ||= isModels
    return isInside && !isModels
  }
}

/** `whole` says that these are all items of the thread: an output may belong to a call that was not read. */
export const broken = <I extends WireItem>(items: ReadonlyArray<I>, whole: boolean): Broken<I> => {
  const answered = new Set(items.map(answeredBy))
  const asked = new Set(items.flatMap((item) => answeredBy(item) === undefined ? [item.call_id, item.id] : []))
  const last = lastAnswer(items)
  return {
    open: items.flatMap((item, index) => {
      const pending = pendingOf(item)
      return pending === undefined || answered.has(keyOf(pending)) ||
          (pending._tag === "PendingApproval" && index < last)
        ? []
        : [pending]
    }),
    extra: items.filter((item, index) => {
      const answers = answeredBy(item)
      if (answers !== undefined) return whole && !asked.has(answers)
      if (item.type !== "reasoning") return false
      const next = items.slice(index + 1).find((later) => later.type !== "reasoning")
      return next === undefined || !isFromModel(next)
    })
  }
}
