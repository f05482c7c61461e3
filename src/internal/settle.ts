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
import { PartlyWritten, type RequestError, UnexpectedResponse } from "../OpenAIError.ts"
import { none, RetryPolicy } from "../RetryPolicy.ts"
import type { Pending } from "../RunEvent.ts"
import { type CallId, ItemId, type ThreadId } from "../Thread.ts"
import { lastOf } from "./lastItems.ts"
import { beforeLastAnswer, type Broken, broken } from "./mend.ts"
import { answeredBy, closing, keyOf, pendingOf } from "./pending.ts"
import { Recent } from "./recent.ts"
import { isAmbiguous, retry } from "./retry.ts"

/** How many items one request writes. */
const appendSize = 20

/** How far back the calls of an answer that was cut off are looked for: one page. */
const looksBack = 100

/** Of at least how many threads something is remembered: the last item, and whether an answer is open. */
const remembered = 1_000

/** What the model is told of a call whose answer was cut off. */
const notCarriedOut = "The answer was cut off, so this call was not carried out."

/** What it is told of one that waited for somebody. */
export const neverAnswered = "The call was not carried out: nobody has answered it."

/** What it is told of one that is found in a thread that somebody has left. */
export const unknownOutcome = "This was interrupted: it is not known whether the call was carried out."

/**
 * Not the URL and the bytes of an image or a file: the server tells them only where it is asked to, and may tell them in
 * another form. To take what was written for something else would be to write it twice.
 */
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
      if (content === "") return []
      // "preserve and resend phase on all assistant messages". Source: doc comment of `phase` in openai 7.57.
      return [{ type: "message", role: "assistant", content, ...(item.phase ? { phase: item.phase } : {}) }]
    }
    case "function_call": {
      const { arguments: args, call_id, name } = item
      return [{ type: "function_call", call_id, name, arguments: args }]
    }
    case "custom_tool_call": {
      const { call_id, input, name } = item
      return [{ type: "custom_tool_call", call_id, name, input }]
    }
    case "mcp_approval_request":
    case "local_shell_call":
    case "shell_call":
    case "apply_patch_call":
    case "computer_call":
      // These are answered by their id, or may not be without one.
      return [item as ResponseInputItem]
    default:
      return []
  }
}

/** Whether an item of a conversation is one of a response. Its calls may have been written without their ids. */
const isOf = (output: Response["output"]) => {
  const ids = new Set<unknown>(output.map((item) => item.id))
  const calls = new Set(
    output.flatMap((item) => "call_id" in item && item.call_id ? [essence(item as ConversationItem)] : [])
  )
  return (item: ConversationItem): boolean => ids.has(item.id) || calls.has(essence(item))
}

/** What is answered by these items. */
const answered = (items: ReadonlyArray<unknown>): ReadonlySet<string> =>
  new Set(items.flatMap((item) => answeredBy(item) ?? []))

/** What a call is known to have given, if it is. */
type OutputOf = (callId: CallId) => Effect.Effect<string | undefined>

/** What closes what nobody has answered. */
export const closings = (
  open: ReadonlyArray<Pending>,
  outputOf?: OutputOf
): Effect.Effect<ReadonlyArray<ResponseInputItem>> =>
  Effect.forEach(open, (one) =>
    one._tag === "PendingApproval"
      ? Effect.succeed(closing(one, neverAnswered))
      : Effect.map(
        one._tag === "PendingCall" && outputOf !== undefined
          ? outputOf(one.call.callId)
          : Effect.succeed(undefined),
        (known) => closing(one, known ?? unknownOutcome)
      ))

/** Of an answer of which it is not known how it ended. */
interface Unsettled {
  /** What it takes into the thread, unless it fails. */
  readonly outputs: ReadonlyArray<ResponseInputItem>
  /** Whether somebody else goes on with it, or is at the calls of the thread: they answer or close what is open. */
  readonly isTheirs: Effect.Effect<boolean>
}

const notTheirs: Unsettled["isTheirs"] = Effect.succeed(false)

export const make = (conversations: OpenAI.Conversations) => {
  /** The last item that each thread is known to have, or how many it was made with, since their ids are not told. */
  const known = new Recent<ThreadId, string | number>(remembered)
  /** Threads with a response of which it is not known how it ended: it may have left a call without an output. */
  const unsettled = new Recent<ThreadId, Unsettled>(remembered)
  const remember = (id: ThreadId, last: string | number) => known.set(id, last)

  const tail = (id: ThreadId, length: number) =>
    Effect.map(
      Stream.runCollect(Stream.take(conversations.listItems(id, { order: "desc" }), length)),
      (items) => Chunk.toReadonlyArray(items).toReversed()
    )
  /** What came after all that is known, or the last of it. */
  const since = (id: ThreadId, length: number) => {
    const last = known.get(id)
    const before = typeof last === "number" ? last : 0
    return Effect.map(
      tail(id, before + length),
      (items) => items.slice(typeof last === "string" ? items.findIndex((item) => item.id === last) + 1 : before)
    )
  }

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
      const last = part.at(-1)?.id
      if (typeof last === "string") remember(id, last)
      else known.delete(id)
    }
    /** Whether the part whose answer got lost is there. */
    const look = (part: ReadonlyArray<ResponseInputItem>, failure: RequestError) =>
      Effect.flatMap(since(id, part.length), (found) => {
        const isThere = found.length === part.length &&
          found.every((item, index) => essence(item) === essence(part[index]!))
        if (isThere && !known.has(id)) return Effect.fail(failure)
        if (isThere) written(found)
        return Effect.succeed(isThere)
      })
    const write = (part: ReadonlyArray<ResponseInputItem>) =>
      // Whoever does this again decides when, and looks first.
      Effect.provideService(conversations.createItems(id, part), RetryPolicy, none).pipe(
        Effect.filterOrFail(
          (list) => list.length === part.length,
          (list) =>
            new UnexpectedResponse({ reason: `of ${part.length} items that were written ${list.length} came back` })
        ),
        Effect.map(written),
        // The server said yes, and then something that cannot be read.
        Effect.catchTag("UnexpectedResponse", (error) =>
          error.status !== undefined
            ? error
            : look(part, error).pipe(
              Effect.filterOrFail((isThere) => isThere, () => error),
              Effect.mapBoth({ onFailure: () => error, onSuccess: () => {} })
            ))
      )
    return Effect.gen(function*() {
      if (unsure !== undefined) {
        yield* look(items.slice(created.length, created.length + appendSize), unsure)
        unsure = undefined
      }
      while (created.length < items.length) {
        yield* write(items.slice(created.length, created.length + appendSize))
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

  /** Removes an item. If it is the last that is known, another one is then, and as long as that is not told, none. */
  const remove = (id: ThreadId, itemId: ItemId): Effect.Effect<void, RequestError> =>
    Effect.suspend(() => {
      const last = known.get(id)
      const removing = conversations.deleteItem(id, itemId)
      if (last === undefined || (typeof last === "string" && last !== itemId)) return removing
      known.delete(id)
      const learn = Effect.map(tail(id, 1), ([item]) => {
        if (item === undefined) remember(id, 0)
        else if (typeof item.id === "string") remember(id, item.id)
      })
      return Effect.zipRight(removing, Effect.ignore(learn))
    })

  /**
   * What of a response and of its input the conversation lacks. The server takes all of it in, or nothing. Others may have
   * written behind it.
   */
  const missing = (
    id: ThreadId,
    input: ReadonlyArray<ResponseInputItem>,
    { output }: Response
  ): Effect.Effect<ReadonlyArray<ResponseInputItem>, RequestError> =>
    Effect.map(lastOf(conversations.listItems(id, { order: "desc" }), () => isOf(output)), ({ items }) => {
      if (items.some(isOf(output))) return []
      const written = new Set(items.map(essence))
      // A call that OpenAI has answered itself stays out with its answer, as those of its other tools do.
      const paired = answered(output)
      const own = output.filter((item) => !("call_id" in item && paired.has(item.call_id ?? "")))
      return [...input.filter((item) => !written.has(essence(item))), ...own.flatMap(toInput)]
    })

  /**
   * Makes the conversation whole after a response that was cut off, or of which nothing is known: answers the calls that
   * came since the last item that is known, as nobody else ever would, and removes reasoning whose message did not come.
   * Calls from before may still be answered by whoever was asked to. `answers` are what is about to be written, and
   * `owed` what is written where it is not there yet.
   */
  const close = (
    id: ThreadId,
    answers: ReadonlyArray<ResponseInputItem>,
    owed: ReadonlyArray<ResponseInputItem> = []
  ): Effect.Effect<void, RequestError | PartlyWritten> =>
    Effect.gen(function*() {
      const isKnown = known.has(id)
      const items = isKnown || owed.length > 0 ? yield* since(id, looksBack) : []
      const given = new Set([...answered(items), ...answered(answers)])
      const settled = new Set([...given, ...answered(owed)])
      const outputs = [
        ...owed.filter((item) => !given.has(answeredBy(item) ?? "")),
        ...(isKnown ? items : []).flatMap((item) => {
          const pending = pendingOf(item)
          return pending === undefined || settled.has(keyOf(pending)) ? [] : [closing(pending, notCarriedOut)]
        })
      ]
      const unpaired = items.slice(items.findLastIndex((item) => item.type !== "reasoning") + 1)
      for (const { id: itemId } of unpaired.toReversed()) {
        if (itemId) yield* conversations.deleteItem(id, ItemId.make(itemId))
      }
      if (outputs.length > 0) yield* retry("safe")(append(id, outputs))
    })

  /** Writes outputs of a run's own calls. If something was asked since, the server may have taken them in already. */
  const answer = (
    id: ThreadId,
    outputs: ReadonlyArray<ResponseInputItem>
  ): Effect.Effect<void, RequestError | PartlyWritten> =>
    Effect.suspend(() => unsettled.has(id) ? close(id, [], outputs) : Effect.asVoid(retry("safe")(append(id, outputs))))

  /** The end of the thread with its last answer, and what is broken in it. */
  const inspect = (id: ThreadId) =>
    Effect.map(
      lastOf(conversations.listItems(id, { order: "desc" }), beforeLastAnswer),
      ({ isWhole, items }) => broken(items, isWhole)
    )

  /** Makes a thread that OpenAI does not accept one that it does. */
  const mend = (
    id: ThreadId,
    outputOf?: OutputOf
  ): Effect.Effect<Broken<ConversationItem>, RequestError | PartlyWritten> =>
    Effect.tap(inspect(id), ({ extra, open }) =>
      Effect.gen(function*() {
        const ids = extra.toReversed().flatMap((item) => item.id ? [ItemId.make(item.id)] : [])
        yield* Effect.forEach(ids, (itemId) => conversations.deleteItem(id, itemId), { discard: true })
        if (ids.length > 0) known.delete(id)
        const outputs = yield* closings(open, outputOf)
        if (outputs.length > 0) yield* retry("safe")(append(id, outputs))
      }))

  return {
    inspect,
    mend,
    answer,
    append,
    close,
    missing,
    remember,
    remove,
    /** The model is asked. */
    asked: (id: ThreadId, isTheirs = notTheirs) => {
      const before = unsettled.get(id)
      unsettled.set(id, { outputs: [], isTheirs })
      /** It was refused. */
      return () => {
        if (before === undefined) unsettled.delete(id)
        else unsettled.set(id, before)
      }
    },
    /** Its answer goes on unheard, with these outputs. */
    owe: (id: ThreadId, outputs: ReadonlyArray<ResponseInputItem>) =>
      unsettled.set(id, { isTheirs: notTheirs, ...unsettled.get(id), outputs }),
    /** The answer is known to be in the thread; its last item, if it has one. */
    over: (id: ThreadId, last?: string | null) => {
      unsettled.delete(id)
      if (typeof last === "string") remember(id, last)
    },
    /** Before anything is written: closes what an answer left of which it is not known how it ended. */
    whole: (id: ThreadId, answers: ReadonlyArray<ResponseInputItem>) =>
      Effect.suspend(() => {
        const owed = unsettled.get(id)
        if (owed === undefined) return Effect.void
        return Effect.flatMap(owed.isTheirs, (isTheirs) =>
          isTheirs
            ? Effect.void
            // The answer may still come, but what is owed is there.
            : Effect.zipLeft(
              close(id, answers, owed.outputs),
              Effect.sync(() => unsettled.set(id, { ...owed, outputs: [] }))
            ))
      }),
    /** The thread is gone. */
    forget: (id: ThreadId) => {
      known.delete(id)
      unsettled.delete(id)
    }
  }
}
