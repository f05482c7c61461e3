/** What a program answers to what waits in a thread. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Pending } from "../RunEvent.ts"
import type { CallId, FunctionCall, ItemId } from "../Thread.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { keyOf, outputOf, outputTypes } from "./pending.ts"
import { approvalOf, denied } from "./toolSteps.ts"

export type Answer =
  | { readonly callId: CallId; readonly output: string }
  | { readonly callId: CallId; readonly approve: boolean; readonly reason?: string | undefined }
  | { readonly approvalId: ItemId; readonly approve: boolean; readonly reason?: string | undefined }
  | { readonly callId: CallId; readonly item: { readonly type: string; readonly [key: string]: unknown } }

const idOf = (answer: Answer) => "approvalId" in answer ? answer.approvalId : answer.callId

/** What is wrong with answers whatever they are to. */
export const problem = (answers: ReadonlyArray<Answer>): Option.Option<string> => {
  const ids = answers.map(idOf)
  if (ids.length === 0) return Option.some("there is none")
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  return Option.map(Option.fromNullable(twice), (id) => `${id} is answered twice`)
}

interface Checked {
  /** What is told at once. */
  readonly items: ReadonlyArray<ThreadStore.WireItem>
  /** The calls that are to be made. */
  readonly approved: ReadonlyArray<FunctionCall>
}

/** All that waits is to be answered, and nothing else: OpenAI would take the whole of it, or nothing. */
export const check = (
  waiting: ReadonlyArray<Pending>,
  answers: ReadonlyArray<Answer>
): Either.Either<Checked, string> => {
  const open = new Map<string, Pending>(waiting.map((one) => [keyOf(one), one]))
  const items: Array<ThreadStore.WireItem> = []
  const approved: Array<FunctionCall> = []
  for (const answer of answers) {
    const id = idOf(answer)
    const pending = open.get(id)
    open.delete(id)
    if (pending === undefined) return Either.left(`${id} does not wait for an answer in this thread`)
    const item = itemOf(pending, answer)
    if (typeof item === "string") return Either.left(`${id} ${item}`)
    if (item === undefined) approved.push((pending as Extract<Pending, { _tag: "PendingCall" }>).call)
    else items.push(item)
  }
  const [left] = open.keys()
  return left === undefined ? Either.right({ items, approved }) : Either.left(`${left} waits for an answer too`)
}

/** What is told; nothing where the call is to be made first; or what is wrong. */
const itemOf = (pending: Pending, answer: Answer): ThreadStore.WireItem | string | undefined => {
  switch (pending._tag) {
    case "PendingApproval":
      return "approvalId" in answer ? approvalOf(answer.approvalId, answer) : "waits for an approval"
    case "PendingCall":
      if ("output" in answer) return outputOf(answer.callId, answer.output)
      if ("item" in answer || "approvalId" in answer) return itemFor("function_call", answer)
      return answer.approve ? undefined : outputOf(answer.callId, denied(answer))
    case "PendingItem":
      return itemFor(pending.type, answer)
  }
}

const itemFor = (type: string, answer: Answer): ThreadStore.WireItem | string => {
  const expected = outputTypes[type]!
  if (!("item" in answer) || answer.item.type !== expected) return `waits for an item of the type ${expected}`
  const { callId, item } = answer
  return { ...item, ...(type === "local_shell_call" ? { id: callId } : {}), call_id: callId } as ThreadStore.WireItem
}
