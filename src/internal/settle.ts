/**
 * Writes to a conversation whose outcome nobody heard. The tail of the conversation tells it, as long as nobody else
 * writes: all of this is done under the thread's lock.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { ConversationItem } from "openai/resources/conversations/items"
import type { Response, ResponseInputItem } from "openai/resources/responses/responses"
import type * as OpenAI from "../OpenAI.ts"
import { PartlyWritten, type RequestError } from "../OpenAIError.ts"
import { none, RetryPolicy } from "../RetryPolicy.ts"
import { ItemId, type ThreadId } from "../Thread.ts"
import { isAmbiguous, retry } from "./retry.ts"

/** How many items one request writes. */
const appendSize = 20

/** How far back calls without an output are looked for: one page. */
const looksBack = 100

/** Of how many threads the last item that was written is remembered. */
const remembered = 1_000

/** What the model is told of a call whose answer was cut off. */
const notCarriedOut = "The answer was cut off, so this call was not carried out."

const partEssence = (part: unknown): unknown => {
  if (!Predicate.isRecord(part)) return part
  const type = String(part["type"])
  return typeof part["text"] === "string" ? ["text", part["text"]] : [type, part["file_id"] ?? null]
}

/** What of an item the server keeps as it was sent. */
const essence = (item: ResponseInputItem | ConversationItem): string => {
  const wire: Record<string, unknown> = { ...item }
  const type = wire["type"] ?? "message"
  if (type !== "message") return JSON.stringify([type, wire["call_id"] ?? wire["approval_request_id"] ?? null])
  const { content, role } = wire
  return JSON.stringify([type, role, Array.isArray(content) ? content.map(partEssence) : [["text", content]]])
}

/**
 * An item of a response as it is written to the conversation that it did not reach. Its id would be looked up there, so
 * it goes without; what means nothing without its id or its pair stays out.
 */
const toInput = (item: Response["output"][number]): ReadonlyArray<ResponseInputItem> => {
  switch (item.type) {
    case "message": {
      const content = item.content.map((part) => part.type === "output_text" ? part.text : part.refusal).join("")
      return content === "" ? [] : [{ type: "message", role: "assistant", content }]
    }
    case "function_call": {
      const { arguments: args, call_id, name } = item
      return [{ type: "function_call", call_id, name, arguments: args }]
    }
    case "mcp_approval_request":
      return [item]
    default:
      return []
  }
}

export const make = (conversations: OpenAI.Conversations) => {
  /** The last item that each thread was given here: what is not after it was not written by a later write. */
  const last = new Map<ThreadId, string>()
  const remember = (id: ThreadId, items: ReadonlyArray<ConversationItem>) => {
    const itemId = items.at(-1)?.id
    if (typeof itemId !== "string") return
    last.delete(id)
    last.set(id, itemId)
    if (last.size > remembered) last.delete(last.keys().next().value!)
  }
  const tail = (id: ThreadId, length: number) =>
    Effect.map(
      Stream.runCollect(Stream.take(conversations.listItems(id, { order: "desc" }), length)),
      (items) => Chunk.toReadonlyArray(items).toReversed()
    )

  /** Appends. Done again after a failure that leaves open what was written, it first looks, and goes on from there. */
  const append = (
    id: ThreadId,
    items: ReadonlyArray<ResponseInputItem>
  ): Effect.Effect<ReadonlyArray<ConversationItem>, RequestError | PartlyWritten> => {
    let written = 0
    let unsure = false
    return Effect.gen(function*() {
      if (unsure) {
        const part = items.slice(written, written + appendSize)
        const found = yield* tail(id, part.length)
        const isThere = found.length === part.length && !found.some((item) => item.id === last.get(id)) &&
          found.every((item, index) => essence(item) === essence(part[index]!))
        unsure = false
        if (isThere) written += part.length
      }
      const rest = items.slice(written)
      // Whoever does this again decides when, and looks first.
      const created = yield* Effect.provideService(conversations.createItems(id, rest), RetryPolicy, none)
      const all = rest.length === items.length ? created : yield* tail(id, items.length)
      remember(id, all)
      written = 0
      return all
    }).pipe(Effect.mapError((error) => {
      unsure ||= isAmbiguous(error)
      const cause = error._tag === "PartlyWritten" ? error.cause : error
      if (error._tag === "PartlyWritten") written += error.written
      return written === 0 ? cause : new PartlyWritten({ threadId: id, written, total: items.length, cause })
    }))
  }

  /** What of a response and of its input the conversation lacks. The server takes all of it in, or nothing. */
  const missing = (
    id: ThreadId,
    input: ReadonlyArray<ResponseInputItem>,
    response: Response
  ): Effect.Effect<ReadonlyArray<ResponseInputItem>, RequestError> =>
    Effect.map(tail(id, response.output.length + input.length), (items) => {
      const there = new Set(items.map((item) => item.id))
      return response.output.some((item) => there.has(item.id)) ? [] : [...input, ...response.output.flatMap(toInput)]
    })

  /** Answers calls that nobody else ever would, and removes reasoning whose message did not come. */
  const close = (
    id: ThreadId,
    calls: ReadonlyArray<{ readonly call_id: string }>,
    last: { readonly type: string; readonly id?: string | null } | undefined
  ): Effect.Effect<void, RequestError | PartlyWritten> =>
    Effect.gen(function*() {
      if (last?.type === "reasoning" && last.id) yield* conversations.deleteItem(id, ItemId.make(last.id))
      if (calls.length === 0) return
      const output = ({ call_id }: { readonly call_id: string }) =>
        ({ type: "function_call_output", call_id, output: notCarriedOut }) as const
      yield* retry("safe")(append(id, calls.map(output)))
    })

  /** Makes the conversation whole again after a response that was cut off, if its items are there. */
  const closeResponse = (id: ThreadId, { output }: Response): Effect.Effect<void, RequestError | PartlyWritten> => {
    const calls = output.filter((item) => item.type === "function_call")
    const last = output.at(-1)
    if (calls.length === 0 && last?.type !== "reasoning") return Effect.void
    return Effect.flatMap(tail(id, output.length), (items) => {
      const there = new Set(items.map((item) => item.id))
      return close(id, calls.filter((call) => there.has(call.id)), there.has(last?.id) ? last : undefined)
    })
  }

  /** The same after a response of which nothing is known. `answers` are what is about to be written. */
  const closeTail = (
    id: ThreadId,
    answers: ReadonlyArray<ResponseInputItem>
  ): Effect.Effect<void, RequestError | PartlyWritten> =>
    Effect.flatMap(tail(id, looksBack), (items) => {
      const answered = new Set(
        [...items, ...answers].flatMap((item) => item.type === "function_call_output" ? [item.call_id] : [])
      )
      const open = items.filter((item) => item.type === "function_call").filter(({ call_id }) => !answered.has(call_id))
      return close(id, open, items.at(-1))
    })

  return { append, closeResponse, closeTail, missing }
}
