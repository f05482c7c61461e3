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

/** Of how many threads the last item is remembered. */
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
  /** The last item that each thread is known to have; undefined for a thread that was made empty. */
  const known = new Map<ThreadId, string | undefined>()
  const remember = (id: ThreadId, itemId: string | undefined) => {
    known.delete(id)
    known.set(id, itemId)
    if (known.size > remembered) known.delete(known.keys().next().value!)
  }
  const forget = (id: ThreadId) => void known.delete(id)

  const tail = (id: ThreadId, length: number) =>
    Effect.map(
      Stream.runCollect(Stream.take(conversations.listItems(id, { order: "desc" }), length)),
      (items) => Chunk.toReadonlyArray(items).toReversed()
    )
  /** What of the tail came after the last item that is known. */
  const since = (id: ThreadId, items: ReadonlyArray<ConversationItem>) =>
    items.slice(items.findIndex((item) => item.id === known.get(id)) + 1)

  /**
   * Appends. Done again after a failure that leaves open what was written, it first looks, and goes on from there. Where
   * it is not known what was there before, an equal message at the end says nothing, and the failure stands.
   */
  const append = (
    id: ThreadId,
    items: ReadonlyArray<ResponseInputItem>
  ): Effect.Effect<ReadonlyArray<ConversationItem>, RequestError | PartlyWritten> => {
    const created: Array<ConversationItem> = []
    let unsure: RequestError | undefined
    const written = (part: ReadonlyArray<ConversationItem>) => {
      created.push(...part)
      if (part.length > 0) remember(id, part.at(-1)?.id ?? undefined)
    }
    /** Whether the part whose answer got lost is there. */
    const look = (part: ReadonlyArray<ResponseInputItem>, failure: RequestError) =>
      Effect.flatMap(tail(id, part.length), (items) => {
        const found = since(id, items)
        const isThere = found.length === part.length &&
          found.every((item, index) => essence(item) === essence(part[index]!))
        if (isThere && !known.has(id)) return Effect.fail(failure)
        if (isThere) written(found)
        return Effect.void
      })
    return Effect.gen(function*() {
      if (unsure !== undefined) {
        yield* look(items.slice(created.length, created.length + appendSize), unsure)
        unsure = undefined
      }
      while (created.length < items.length) {
        const part = items.slice(created.length, created.length + appendSize)
        // Whoever does this again decides when, and looks first.
        written(yield* Effect.provideService(conversations.createItems(id, part), RetryPolicy, none))
      }
      return created.splice(0)
    }).pipe(Effect.mapError((error) => {
      const cause = error._tag === "PartlyWritten" ? error.cause : error
      if (isAmbiguous(cause)) unsure = cause
      return created.length === 0
        ? cause
        : new PartlyWritten({ threadId: id, written: created.length, total: items.length, cause })
    }))
  }

  /** What of a response and of its input the conversation lacks. The server takes all of it in, or nothing. */
  const missing = (
    id: ThreadId,
    input: ReadonlyArray<ResponseInputItem>,
    { output }: Response
  ): Effect.Effect<ReadonlyArray<ResponseInputItem>, RequestError> =>
    Effect.map(tail(id, output.length + input.length), (items) => {
      const there = new Set(items.map((item) => item.id))
      if (output.some((item) => there.has(item.id))) return []
      const written = new Set(items.map(essence))
      return [...input.filter((item) => !written.has(essence(item))), ...output.flatMap(toInput)]
    })

  /**
   * Makes the conversation whole after a response that was cut off, or of which nothing is known: answers the calls that
   * came since the last item that is known, as nobody else ever would, and removes reasoning whose message did not come.
   * Calls from before may still be answered by whoever was asked to. `answers` are what is about to be written.
   */
  const close = (
    id: ThreadId,
    answers: ReadonlyArray<ResponseInputItem>
  ): Effect.Effect<void, RequestError | PartlyWritten> =>
    Effect.gen(function*() {
      if (!known.has(id)) return
      const items = since(id, yield* tail(id, looksBack))
      const answered = new Set(
        [...items, ...answers].flatMap((item) => item.type === "function_call_output" ? [item.call_id] : [])
      )
      const outputs = items.flatMap((item): ReadonlyArray<ResponseInputItem> =>
        item.type === "function_call" && !("async" in item && item.async === true) && !answered.has(item.call_id)
          ? [{ type: "function_call_output", call_id: item.call_id, output: notCarriedOut }]
          : []
      )
      const unpaired = items.slice(items.findLastIndex((item) => item.type !== "reasoning") + 1)
      for (const { id: itemId } of unpaired.toReversed()) {
        if (itemId) yield* conversations.deleteItem(id, ItemId.make(itemId))
      }
      if (outputs.length > 0) yield* retry("safe")(append(id, outputs))
    })

  return { append, close, forget, missing, remember }
}
