/** What in a thread's history OpenAI would not accept: a call without output, an output without call, half a reasoning pair. */
import * as Predicate from "effect/Predicate"

/** An item of the wire, as far as this is concerned. */
type WireItem = { readonly type?: unknown; readonly id?: unknown; readonly call_id?: unknown; readonly role?: unknown }

export interface Broken<I> {
  /** Calls that nobody has answered. One marked `async` may stay so. */
  readonly calls: ReadonlyArray<I>
  /** What has to go: outputs of no call, and reasoning that nothing of the model's follows. */
  readonly extra: ReadonlyArray<I>
}

const isOf = (type: string) => (item: WireItem) => item.type === type

const isFromModel = (item: WireItem) =>
  item.type === "message" || item.type === undefined
    ? item.role === "assistant"
    : item.type !== "mcp_approval_response" && !String(item.type).endsWith("_output")

/** `whole` says that these are all items of the thread: an output may belong to a call that was not read. */
export const broken = <I extends WireItem>(items: ReadonlyArray<I>, whole: boolean): Broken<I> => {
  const called = new Set(items.filter(isOf("function_call")).map((item) => item.call_id))
  const answered = new Set(items.filter(isOf("function_call_output")).map((item) => item.call_id))
  return {
    calls: items.filter((item) =>
      item.type === "function_call" && !answered.has(item.call_id) &&
      !(Predicate.hasProperty(item, "async") && item.async === true)
    ),
    extra: items.filter((item, index) => {
      if (item.type === "function_call_output") return whole && !called.has(item.call_id)
      if (item.type !== "reasoning") return false
      const next = items.slice(index + 1).find((later) => later.type !== "reasoning")
      return next === undefined || !isFromModel(next)
    })
  }
}
