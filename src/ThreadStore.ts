/**
 * Where threads live, and who may write to them: the seam that lets one run loop serve threads that OpenAI keeps and
 * threads that the program keeps.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Conversation } from "openai/resources/conversations/conversations"
import type { Response, ResponseCreateParams, ResponseInputItem } from "openai/resources/responses/responses"
import { makeId } from "./internal/ids.ts"
import { toItem } from "./internal/items.ts"
import * as KeyedLock from "./internal/keyedLock.ts"
import { type Broken, broken } from "./internal/mend.ts"
import { answeredBy, keyOf } from "./internal/pending.ts"
import { retry } from "./internal/retry.ts"
import * as Settle from "./internal/settle.ts"
import { toThreadError } from "./internal/threadErrors.ts"
import * as Validate from "./internal/validate.ts"
import { type Including, OpenAI } from "./OpenAI.ts"
import { ResourceNotFound } from "./OpenAIError.ts"
import type { Pending } from "./RunEvent.ts"
import { type CallId, type Item, ItemId, type Metadata, type Thread, ThreadId } from "./Thread.ts"
import { ThreadBusy, type ThreadError, ThreadNotFound } from "./ThreadError.ts"

/**
 * An item as it is written: in the wire's own shape, since that is what every store has to keep or send.
 *
 * @since 0.1.0
 * @category models
 */
export type WireItem = ResponseInputItem

/**
 * What one request to the model needs of the store.
 *
 * @since 0.1.0
 * @category models
 */
export interface Turn {
  readonly params: Pick<ResponseCreateParams, "conversation" | "input" | "store" | "include">
  /** Takes the output of the response into the thread, where the server does not do so. */
  readonly commit: (response: Response) => Effect.Effect<void, ThreadError>
  /**
   * The same for a response that is complete but whose end was not heard: looks whether the server has taken its output
   * into the thread, and appends it if not. Missing where a response cannot be asked for after its stream broke.
   */
  readonly settle?: ((response: Response) => Effect.Effect<void, ThreadError>) | undefined
  /** Is told that the request was refused, so that nothing comes of it. Missing where nothing depends on it. */
  readonly refused?: Effect.Effect<void> | undefined
}

/**
 * What was done to a thread that was left in the middle of something: calls that were answered with what they are known to
 * have given, or the note that it is not known whether they were carried out; requests for approval that were denied; and
 * items that were removed because they mean nothing without their pair.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reconciled {
  readonly closed: ReadonlyArray<CallId | ItemId>
  readonly removed: ReadonlyArray<ItemId>
}

/**
 * What a call is known to have given, if it is. Otherwise its model is told that this is not known.
 *
 * @since 0.1.0
 * @category models
 */
export type OutputOf = (callId: CallId) => Effect.Effect<string | undefined>

/**
 * The one who may write to a thread, as long as its scope is open.
 *
 * @since 0.1.0
 * @category models
 */
export interface Writer {
  /**
   * Writes items at the end. The same effect, done again after a failure that leaves open whether they were written,
   * first looks whether they are there.
   */
  readonly append: (items: ReadonlyArray<WireItem>) => Effect.Effect<ReadonlyArray<Item>, ThreadError>
  /** Writes those of the outputs whose calls have none yet, as far as the last answer was heard. */
  readonly answer: (outputs: ReadonlyArray<WireItem>) => Effect.Effect<void, ThreadError>
  /**
   * The same for outputs that went with an answer in the background which goes on unheard: it takes them into the thread, and
   * where it did not, they are written before anything else is. Missing where nothing goes on unheard.
   */
  readonly owe?: ((outputs: ReadonlyArray<WireItem>) => Effect.Effect<void>) | undefined
  /** What at the end of the thread nobody has answered. */
  readonly pending: Effect.Effect<ReadonlyArray<Pending>, ThreadError>
  /** Makes the end of the thread one that OpenAI accepts. */
  readonly reconcile: (outputOf?: OutputOf) => Effect.Effect<Reconciled, ThreadError>
  /**
   * Prepares a request to the model. `newItems` are outputs that go with it. Without them the model was asked before, and
   * its answer is only heard on: what it leaves open is not closed. Nor is it while `isTheirs` says, which is asked before
   * something else is written, that another process is at the calls of the thread.
   */
  readonly turn: (
    newItems?: ReadonlyArray<WireItem>,
    isTheirs?: Effect.Effect<boolean>
  ) => Effect.Effect<Turn, ThreadError>
}

/**
 * A place in the queue of those who want to write to a thread.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ticket {
  /** How many are before this one. */
  readonly position: number
  /** Waits for the turn; fails with `ThreadBusy{ why: "deadline" }` when that takes too long. */
  readonly ready: Effect.Effect<Writer, ThreadBusy>
}

/**
 * How to wait for a thread that somebody else is writing to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Waiting {
  /** Whether to queue up, in the order of arrival, or to fail with `ThreadBusy` at once. Default: `enqueue`. */
  readonly onBusy?: "enqueue" | "reject" | undefined
  /** How long to wait in the queue, and then for another process that a `RunLog` tells of. Default: 5 minutes. */
  readonly busyTimeout?: Duration.DurationInput | undefined
  /** How many may wait before; more fail with `ThreadBusy{ why: "full" }`. Default: 1,000. */
  readonly maxQueued?: number | undefined
}

/**
 * Which items of a thread are read, and what of them. A store that keeps what it was told needs no `include`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listing extends Including {
  /** Default: `asc`, oldest first. */
  readonly order?: "asc" | "desc" | undefined
  /** Only what comes after this item, in that order. */
  readonly after?: ItemId | undefined
}

/**
 * Where threads live. Every write takes the thread's lock, which belongs to the layer: all who share it share the lock.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly create: (options: {
    readonly metadata?: Metadata | undefined
    readonly items?: ReadonlyArray<WireItem> | undefined
  }) => Effect.Effect<Thread, ThreadError>
  readonly get: (id: ThreadId) => Effect.Effect<Thread, ThreadError>
  /** Sets the named keys of the metadata, removes those that are null and keeps the others. */
  readonly update: (
    id: ThreadId,
    options: { readonly metadata: Readonly<Record<string, string | null>> }
  ) => Effect.Effect<Thread, ThreadError>
  /** Deletes the thread and its items; `keepItems` leaves them where the store can. */
  readonly delete: (
    id: ThreadId,
    options?: { readonly keepItems?: boolean | undefined }
  ) => Effect.Effect<void, ThreadError>
  /** Writes items at the end; for none of them nothing is done. */
  readonly append: (
    id: ThreadId,
    items: ReadonlyArray<WireItem>,
    waiting?: Waiting
  ) => Effect.Effect<ReadonlyArray<Item>, ThreadError>
  /** The items after `after`, in the order asked for; pages of 100 are fetched as they are needed. */
  readonly items: (id: ThreadId, options?: Listing) => Stream.Stream<Item, ThreadError>
  readonly deleteItem: (id: ThreadId, itemId: ItemId) => Effect.Effect<void, ThreadError>
  /** What the store can have that not all can. */
  readonly capabilities: {
    /** Answers that go on at the server without a connection, and can be read again. */
    readonly background: boolean
    /** Files that are uploaded to OpenAI, for what is too large to go with a message. */
    readonly files: boolean
  }
  /** Makes the end of the thread, its last 100 items and its last answer, one that OpenAI accepts. */
  readonly reconcile: (
    id: ThreadId,
    options?: Waiting & { readonly outputOf?: OutputOf | undefined }
  ) => Effect.Effect<Reconciled, ThreadError>
  /** What at the end of the thread, its last 100 items and its last answer, nobody has answered. Read without the lock. */
  readonly pending: (id: ThreadId) => Effect.Effect<ReadonlyArray<Pending>, ThreadError>
  /** Queues up to write to a thread; the place, and then the lock, is given back with the scope. */
  readonly open: (id: ThreadId, waiting?: Waiting) => Effect.Effect<Ticket, ThreadBusy, Scope.Scope>
}

/**
 * Where threads live.
 *
 * @since 0.1.0
 * @category tags
 */
export class ThreadStore extends Context.Tag("effect-openai-threads/ThreadStore")<ThreadStore, Service>() {}

const reconciled = (found: Broken<{ readonly id?: unknown }>): Reconciled => ({
  closed: found.open.map(keyOf),
  removed: found.extra.flatMap(({ id }) => typeof id === "string" ? [ItemId.make(id)] : [])
})

/** The part of a store that the lock is common to. */
const makeLock = (writer: (id: ThreadId) => Writer) => {
  const lock = KeyedLock.make()
  const open: Service["open"] = (
    threadId,
    { busyTimeout = KeyedLock.busyTimeoutByDefault, maxQueued = 1_000, onBusy = "enqueue" } = {}
  ) => {
    const busy = (why: KeyedLock.Refusal) => new ThreadBusy({ threadId, why })
    return lock.request(threadId, { wait: onBusy === "enqueue", deadline: busyTimeout, limit: maxQueued }).pipe(
      Effect.map(({ position, ready }) => ({
        position,
        ready: Effect.mapBoth(ready, { onFailure: busy, onSuccess: () => writer(threadId) })
      })),
      Effect.mapError(busy)
    )
  }
  /** Runs a write as the only writer. */
  const exclusive = <A, E>(
    id: ThreadId,
    f: (writer: Writer) => Effect.Effect<A, E>,
    waiting?: Waiting
  ): Effect.Effect<A, E | ThreadBusy> =>
    Effect.scoped(Effect.flatMap(Effect.flatMap(open(id, waiting), (ticket) => ticket.ready), f))
  const append: Service["append"] = (id, items, waiting) =>
    items.length === 0 ? Effect.succeed([]) : exclusive(id, (writer) => retry("safe")(writer.append(items)), waiting)
  const reconcile: Service["reconcile"] = (id, options) =>
    exclusive(id, (writer) => writer.reconcile(options?.outputOf), options)
  const pending: Service["pending"] = (id) => writer(id).pending
  return { append, exclusive, open, pending, reconcile }
}

const merge = (
  metadata: Metadata,
  changes: Readonly<Record<string, string | null>>
): Metadata =>
  Object.fromEntries(
    [...new Map([...Object.entries<string | null>(metadata), ...Object.entries(changes)])]
      .filter((entry): entry is [string, string] => entry[1] !== null)
  )

/**
 * Threads that OpenAI keeps as conversations. Items and answers are appended by the server.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConversations: Layer.Layer<ThreadStore, never, OpenAI> = Layer.effect(
  ThreadStore,
  Effect.map(OpenAI, ({ conversations }) => {
    const toThread = (conversation: Conversation): Thread => ({
      id: ThreadId.make(conversation.id),
      createdAt: DateTime.unsafeMake(conversation.created_at * 1000),
      metadata: Predicate.isRecord(conversation.metadata) ? conversation.metadata as Metadata : {}
    })
    const settled = Settle.make(conversations)
    const writer = (id: ThreadId): Writer => {
      const failed = toThreadError(id)
      const over = (last?: string | null) => Effect.sync(() => settled.over(id, last))
      const turn = (newItems: ReadonlyArray<WireItem>): Turn => ({
        params: { conversation: id, ...(newItems.length === 0 ? {} : { input: [...newItems] }) },
        // Done by the server, but for what an answer that was cut off leaves open.
        commit: (response) =>
          response.status === "incomplete"
            ? Effect.mapError(Effect.zipLeft(settled.close(id, newItems), over()), failed)
            : over(response.output.at(-1)?.id),
        settle: (response) =>
          settled.missing(id, newItems, response).pipe(
            Effect.flatMap((items) =>
              items.length === 0
                ? over(response.output.at(-1)?.id)
                : Effect.zipLeft(retry("safe")(settled.append(id, items)), over())
            ),
            Effect.mapError(failed)
          )
      })
      return {
        append: (items) =>
          Effect.mapBoth(Effect.zipRight(settled.whole(id, items), settled.append(id, items)), {
            onFailure: failed,
            onSuccess: (created) => created.map(toItem)
          }),
        answer: (outputs) => Effect.mapError(Effect.zipLeft(settled.answer(id, outputs), over()), failed),
        owe: (outputs) => Effect.sync(() => settled.owe(id, outputs)),
        pending: Effect.mapBoth(settled.inspect(id), { onFailure: failed, onSuccess: ({ open }) => open }),
        reconcile: (outputOf) =>
          Effect.mapBoth(Effect.zipLeft(settled.mend(id, outputOf), over()), {
            onFailure: failed,
            onSuccess: reconciled
          }),
        turn: (newItems, isTheirs) =>
          newItems === undefined
            ? Effect.succeed(turn([]))
            : Effect.mapBoth(settled.whole(id, newItems), {
              onFailure: failed,
              onSuccess: () => {
                const refused = Effect.sync(settled.asked(id, isTheirs))
                return { ...turn(newItems), refused }
              }
            })
      }
    }
    const { append, exclusive, open, pending, reconcile } = makeLock(writer)
    const deleteItem = (id: ThreadId, itemId: ItemId) =>
      Effect.catchIf(
        conversations.deleteItem(id, itemId),
        (error) => error._tag === "ResourceNotFound" && error.resource === "item",
        () => Effect.void
      )

    return {
      create: (options) =>
        Effect.map(conversations.create(options), (conversation) => {
          const thread = toThread(conversation)
          settled.remember(thread.id, options.items?.length ?? 0)
          return thread
        }),
      get: (id) => Effect.mapBoth(conversations.retrieve(id), { onFailure: toThreadError(id), onSuccess: toThread }),
      // Whether the server replaces or merges is not documented; this does not depend on it, but for removed keys.
      update: (id, { metadata }) =>
        exclusive(id, () =>
          conversations.retrieve(id).pipe(
            Effect.flatMap((before) =>
              conversations.update(id, { metadata: merge(toThread(before).metadata, metadata) })
            ),
            Effect.mapBoth({ onFailure: toThreadError(id), onSuccess: toThread })
          )),
      // Deleting a conversation leaves its items. Source: doc comment of `conversations.delete` in openai 7.57.
      delete: (id, { keepItems = false } = {}) =>
        exclusive(id, () =>
          Effect.gen(function*() {
            if (!keepItems) {
              const items = yield* Stream.runCollect(conversations.listItems(id))
              const ids = Chunk.toReadonlyArray(items).flatMap((item) => item.id ? [ItemId.make(item.id)] : [])
              yield* Effect.forEach(ids, (itemId) => deleteItem(id, itemId), { concurrency: 8, discard: true })
            }
            yield* conversations.delete(id)
            settled.forget(id)
          }).pipe(Effect.mapError(toThreadError(id)))),
      append,
      items: (id, options) =>
        conversations.listItems(id, options).pipe(Stream.map(toItem), Stream.mapError(toThreadError(id))),
      capabilities: { background: true, files: true },
      deleteItem: (id, itemId) => exclusive(id, () => Effect.mapError(settled.remove(id, itemId), toThreadError(id))),
      pending,
      reconcile,
      open
    }
  })
)

/** What a local thread keeps: items with an id of their own. */
type LocalItem = WireItem & { readonly id: string }

interface LocalThread {
  thread: Thread
  items: Array<LocalItem>
}

const idPrefix: Record<string, string> = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  function_call_output: "fco"
}

/** The items that may come without an id; a hosted tool's call and a request for approval may not. */
const sentWithoutId = new Set([
  "message",
  "reasoning",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "shell_call_output",
  "apply_patch_call_output",
  "computer_call_output",
  "mcp_approval_response"
])

/** The items that have a status, as far as a program writes them. */
const withStatus = new Set(["message", "function_call", "function_call_output"])

/** Gives an item what the server would give it. */
const toLocal = (item: WireItem): Effect.Effect<LocalItem> => {
  const type = item.type ?? "message"
  const wire = { ...(withStatus.has(type) ? { status: "completed" } : {}), ...item, type }
  return "id" in item && typeof item.id === "string"
    ? Effect.succeed(wire as LocalItem)
    : Effect.map(makeId(idPrefix[type] ?? "item"), (id) => ({ ...wire, id }) as LocalItem)
}

/**
 * An item as it is sent again. Its id means nothing to a server that stored nothing, and reasoning can be read back only
 * in its encrypted form. Source: 404 "Items are not persisted when `store` is set to false".
 */
const toReplay = (item: LocalItem): ReadonlyArray<WireItem> => {
  if (item.type === "reasoning" && !item.encrypted_content) return []
  if (!sentWithoutId.has(item.type ?? "message")) return [item]
  const { id: _id, status: _status, ...replay } = item as LocalItem & { readonly status?: unknown }
  return [replay as WireItem]
}

/** Items without the answers that these answers are given in place of. */
const withoutAnswers = (items: Array<LocalItem>, answers: ReadonlyArray<WireItem>): Array<LocalItem> => {
  const answered = new Set(answers.flatMap((answer) => answeredBy(answer) ?? []))
  return answered.size === 0 ? items : items.filter((item) => !answered.has(answeredBy(item) ?? ""))
}

/** What of an answer that was cut off may stay: a call that is not whole would never get its output. */
const isKept = (response: Response) => (item: { readonly type: string }) =>
  response.status === "completed" || item.type === "message"

/**
 * Threads that this process keeps, for servers that keep none and for accounts that must not store anything: each
 * request sends the whole thread with `store: false`. The threads are gone with the layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<ThreadStore> = Layer.sync(ThreadStore, () => {
  const threads = new Map<ThreadId, LocalThread>()
  const find = (id: ThreadId): Effect.Effect<LocalThread, ThreadNotFound> =>
    Effect.suspend(() => {
      const found = threads.get(id)
      return found === undefined ? Effect.fail(new ThreadNotFound({ threadId: id })) : Effect.succeed(found)
    })
  const place = (local: LocalThread, itemId: ItemId) => {
    const index = local.items.findIndex((item) => item.id === itemId)
    return index === -1 ? Effect.fail(new ResourceNotFound({ resource: "item", id: itemId })) : Effect.succeed(index)
  }
  const add = (id: ThreadId, items: ReadonlyArray<WireItem>) =>
    Effect.zipWith(find(id), Effect.forEach(items, toLocal), (local, added) => {
      for (const item of added) local.items.push(item)
      return added.map(toItem)
    })
  /** Outputs that are given once more, because the request with them failed, take the place of the first ones. */
  const replaceOutputs = (id: ThreadId, items: ReadonlyArray<WireItem>) =>
    Effect.flatMap(find(id), (local) => {
      local.items = withoutAnswers(local.items, items)
      return add(id, items)
    })
  const writer = (id: ThreadId): Writer => ({
    append: (items) => add(id, items),
    answer: (outputs) => Effect.asVoid(replaceOutputs(id, outputs)),
    pending: Effect.map(find(id), ({ items }) => broken(items, true).open),
    reconcile: (outputOf) =>
      Effect.gen(function*() {
        const local = yield* find(id)
        const found = broken(local.items, true)
        local.items = local.items.filter((item) => !found.extra.includes(item))
        yield* add(id, yield* Settle.closings(found.open, outputOf))
        return reconciled(found)
      }),
    // As at OpenAI, what goes with a request is in the thread once that has its answer.
    turn: (newItems = []) =>
      Effect.zipWith(find(id), Effect.forEach(newItems, toLocal), (local, added): Turn => ({
        params: {
          input: [...withoutAnswers(local.items, newItems), ...added].flatMap(toReplay),
          store: false,
          include: ["reasoning.encrypted_content"]
        },
        commit: (response) =>
          Effect.zipRight(
            replaceOutputs(id, newItems),
            Effect.asVoid(add(id, response.output.filter(isKept(response)) as ReadonlyArray<WireItem>))
          )
      }))
  })
  const { append, exclusive, open, pending, reconcile } = makeLock(writer)

  return {
    create: ({ items = [], metadata = {} }) =>
      Effect.gen(function*() {
        yield* Validate.metadata(metadata)
        const thread: Thread = { id: ThreadId.make(yield* makeId("thread")), createdAt: yield* DateTime.now, metadata }
        threads.set(thread.id, { thread, items: yield* Effect.forEach(items, toLocal) })
        return thread
      }),
    get: (id) => Effect.map(find(id), ({ thread }) => thread),
    update: (id, { metadata }) =>
      exclusive(id, () =>
        Effect.gen(function*() {
          const local = yield* find(id)
          const merged = merge(local.thread.metadata, metadata)
          yield* Validate.metadata(merged)
          return local.thread = { ...local.thread, metadata: merged }
        })),
    delete: (id) => exclusive(id, () => Effect.map(find(id), () => void threads.delete(id))),
    append,
    items: (id, { after, order = "asc" } = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const local = yield* find(id)
        const items = order === "asc" ? local.items.slice() : local.items.toReversed()
        if (after === undefined) return Stream.fromIterable(items.map(toItem))
        const index = yield* place(local, after)
        const start = order === "asc" ? index + 1 : local.items.length - index
        return Stream.fromIterable(items.slice(start).map(toItem))
      })),
    // Nothing of these threads is to be kept elsewhere.
    capabilities: { background: false, files: false },
    deleteItem: (id, itemId) =>
      exclusive(id, () =>
        Effect.gen(function*() {
          const local = yield* find(id)
          local.items.splice(yield* place(local, itemId), 1)
        })),
    pending,
    reconcile,
    open
  }
})
