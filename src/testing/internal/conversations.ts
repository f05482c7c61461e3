/** `/v1/conversations`: threads as OpenAI keeps them. */
import * as Either from "effect/Either"
import type { Json, WireItem } from "../Script.ts"
import {
  type ApiRequest,
  type Checked,
  checkMetadata,
  invalidType,
  isJson,
  isList,
  list,
  missing,
  page,
  reject
} from "./http.ts"
import { normalize } from "./items.ts"
import type { Conversation, State } from "./state.ts"
import { includeOf, visible } from "./visible.ts"

export const findConversation = (state: State, id: string): Checked<Conversation> => {
  const conversation = state.conversations.get(id)
  return conversation === undefined
    ? reject(404, null, `Conversation with id '${id}' not found.`)
    : Either.right(conversation)
}

const render = (conversation: Conversation): Json => ({
  id: conversation.id,
  object: "conversation",
  created_at: conversation.createdAt,
  metadata: conversation.metadata
})

const bodyOf = (request: ApiRequest): Checked<Json> =>
  request.body === undefined
    ? Either.right({})
    : isJson(request.body)
    ? Either.right(request.body)
    : invalidType("body", "an object")

/**
 * The items to add, all or none. An id that another conversation has links that conversation's item: what was sent
 * under it is ignored.
 */
const newItems = (
  state: State,
  raw: unknown,
  existing: ReadonlyArray<WireItem>
): Checked<ReadonlyArray<WireItem>> => {
  if (!isList(raw)) return invalidType("items", "an array")
  if (raw.length > 20) {
    return reject(
      400,
      "array_above_max_length",
      `Invalid 'items': array too long. Expected maximum length 20, but got length ${raw.length} instead.`,
      { param: "items" }
    )
  }
  const ids = new Set(existing.map((item) => item.id))
  return Either.all(raw.map((item, index) =>
    Either.flatMap(normalize(state, item, `items[${index}]`), (normalized) => {
      if (ids.has(normalized.id)) {
        return reject(
          400,
          "item_already_in_conversation",
          `Item with id '${normalized.id}' is already in this conversation.`,
          { param: "items" }
        )
      }
      ids.add(normalized.id)
      return Either.right(state.items.get(normalized.id) ?? normalized)
    })
  ))
}

export const append = (state: State, conversation: Conversation, items: ReadonlyArray<WireItem>): void => {
  for (const item of items) {
    conversation.items.push(item)
    state.items.set(item.id, item)
  }
}

export const create = (state: State, request: ApiRequest): Checked<Json> =>
  Either.gen(function*() {
    const body = yield* bodyOf(request)
    const metadata = yield* checkMetadata(body.metadata)
    const items = yield* newItems(state, body.items ?? [], [])
    const conversation: Conversation = {
      id: state.id("conv"),
      createdAt: state.now(),
      metadata,
      items: [],
      activeResponse: undefined
    }
    state.conversations.set(conversation.id, conversation)
    append(state, conversation, items)
    return render(conversation)
  })

export const retrieve = (state: State, id: string): Checked<Json> => Either.map(findConversation(state, id), render)

/** The metadata is replaced as a whole. */
export const update = (state: State, id: string, request: ApiRequest): Checked<Json> =>
  Either.gen(function*() {
    const conversation = yield* findConversation(state, id)
    const body = yield* bodyOf(request)
    if (body.metadata === undefined) return yield* missing("metadata")
    conversation.metadata = yield* checkMetadata(body.metadata)
    return render(conversation)
  })

/** The items stay: they can still be linked and referred to. */
export const remove = (state: State, id: string): Checked<Json> =>
  Either.map(findConversation(state, id), () => {
    state.conversations.delete(id)
    return { id, object: "conversation.deleted", deleted: true }
  })

export const createItems = (state: State, id: string, request: ApiRequest): Checked<Json> =>
  Either.gen(function*() {
    const conversation = yield* findConversation(state, id)
    const body = yield* bodyOf(request)
    if (body.items === undefined) return yield* missing("items")
    const items = yield* newItems(state, body.items, conversation.items)
    append(state, conversation, items)
    return list(items)
  })

export const listItems = (state: State, id: string, request: ApiRequest): Checked<Json> =>
  Either.flatMap(
    findConversation(state, id),
    (conversation) => page(conversation.items.map(visible(includeOf(request.query))), request.query)
  )

const findItem = (conversation: Conversation, itemId: string): Checked<WireItem> => {
  const item = conversation.items.find((item) => item.id === itemId)
  return item === undefined
    ? reject(404, null, `Item with id '${itemId}' not found in conversation with id '${conversation.id}'.`)
    : Either.right(item)
}

export const retrieveItem = (state: State, id: string, itemId: string, request: ApiRequest): Checked<Json> =>
  findConversation(state, id).pipe(
    Either.flatMap((conversation) => findItem(conversation, itemId)),
    Either.map(visible(includeOf(request.query)))
  )

/** Answers with the conversation. */
export const removeItem = (state: State, id: string, itemId: string): Checked<Json> =>
  Either.gen(function*() {
    const conversation = yield* findConversation(state, id)
    const item = yield* findItem(conversation, itemId)
    conversation.items = conversation.items.filter((other) => other !== item)
    state.items.delete(itemId)
    return render(conversation)
  })
