import { describe, expect, it } from "@effect/vitest"
import { type Thread, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { suite } from "./contract/ThreadStore.ts"
import { noRetries } from "./support/layers.ts"
import { collect } from "./support/observe.ts"

const conversations = () => Layer.provideMerge(ThreadStore.layerConversations, OpenAITest.layer([]))

describe("ThreadStore.layerConversations", () => suite(conversations))

describe("ThreadStore.layerMemory", () => suite(() => ThreadStore.layerMemory))

const users = (count: number): ReadonlyArray<ThreadStore.WireItem> =>
  Array.from({ length: count }, (_, index) => ({ type: "message", role: "user", content: `message ${index}` }))

describe("conversations", () => {
  const services = Effect.all({ store: ThreadStore.ThreadStore, simulator: Simulator.Simulator })
  const paths = (simulator: Simulator.Service) =>
    Effect.map(simulator.requests, (requests) => requests.map(({ method, path }) => `${method} ${path}`))

  const deletion = (count: number, options?: Parameters<ThreadStore.Service["delete"]>[1]) =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({ items: users(count) })
      const items = (yield* simulator.threads)[0]!.items
      const before = (yield* simulator.requests).length
      yield* store.delete(id, options)
      return { id, items, made: (yield* paths(simulator)).slice(before) }
    })

  it.effect("delete removes the items first and the conversation last", () =>
    Effect.gen(function*() {
      const { id, items, made } = yield* deletion(120)
      expect(made.slice(0, 2)).toEqual([`GET /conversations/${id}/items`, `GET /conversations/${id}/items`])
      expect(made.slice(2, -1).sort()).toEqual(
        items.map((item) => `DELETE /conversations/${id}/items/${item.id}`).sort()
      )
      expect(made.at(-1)).toBe(`DELETE /conversations/${id}`)
    }).pipe(Effect.provide(conversations())))

  it.effect("delete with keepItems is one request", () =>
    Effect.gen(function*() {
      const { id, made } = yield* deletion(30, { keepItems: true })
      expect(made).toEqual([`DELETE /conversations/${id}`])
    }).pipe(Effect.provide(conversations())))

  it.effect("an item that is gone already does not stop delete", () =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({ items: users(3) })
      const [, second] = (yield* simulator.threads)[0]!.items
      yield* simulator.inject(
        Script.httpError({
          status: 404,
          message: `Item with id '${second!.id}' not found in conversation with id '${id}'.`
        }),
        ({ method, path }) => method === "DELETE" && path.endsWith(second!.id)
      )
      yield* store.delete(id)
      expect(yield* simulator.threads).toEqual([])
    }).pipe(Effect.provide(conversations())))

  it.effect("any other failure on an item stops delete before the conversation is gone, and it can be done again", () =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({ items: users(3) })
      yield* simulator.inject(Script.httpError({ status: 500 }), ({ method }) => method === "DELETE")
      expect(yield* Effect.flip(store.delete(id))).toMatchObject({ _tag: "ServerError", status: 500 })
      expect(yield* simulator.threads).toMatchObject([{ id }])
      yield* store.delete(id)
      expect(yield* simulator.threads).toEqual([])
    }).pipe(Effect.provide(conversations())))

  it.effect("append says how much was written when a later call fails", () =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({})
      yield* simulator.inject(
        Script.httpError({ status: 500 }),
        ({ body }) => JSON.stringify(body ?? "").includes("message 20")
      )
      expect(yield* Effect.flip(store.append(id, users(45)))).toMatchObject({
        _tag: "PartlyWritten",
        written: 20,
        total: 45
      })
      expect(yield* collect(store.items(id))).toHaveLength(20)
    }).pipe(noRetries, Effect.provide(conversations())))

  it.effect("a conversation that another process uses is ThreadBusy", () =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({})
      yield* simulator.inject(Script.httpError({ status: 400, code: "conversation_locked", param: "conversation" }))
      expect(yield* Effect.flip(store.append(id, users(1)))).toMatchObject({
        _tag: "ThreadBusy",
        threadId: id,
        why: "locked",
        isRetryable: true
      })
    }).pipe(noRetries, Effect.provide(conversations())))

  it.effect("update is a read and a write, get is one read, append of a message one write", () =>
    Effect.gen(function*() {
      const { simulator, store } = yield* services
      const { id } = yield* store.create({})
      yield* store.get(id)
      yield* store.update(id, { metadata: { a: "1" } })
      yield* store.append(id, users(1))
      expect(yield* paths(simulator)).toEqual([
        "POST /conversations",
        `GET /conversations/${id}`,
        `GET /conversations/${id}`,
        `POST /conversations/${id}`,
        `POST /conversations/${id}/items`
      ])
    }).pipe(Effect.provide(conversations())))
})

describe("memory", () => {
  const open = (id: Thread.ThreadId) =>
    Effect.flatMap(ThreadStore.ThreadStore, (store) => Effect.flatMap(store.open(id), (ticket) => ticket.ready))

  it.scoped("a turn replays the thread without ids, and reasoning only where it is encrypted", () =>
    Effect.gen(function*() {
      const store = yield* ThreadStore.ThreadStore
      const { id } = yield* store.create({
        items: [
          ...users(1),
          { type: "reasoning", id: "rs_1", summary: [] },
          { type: "reasoning", id: "rs_2", summary: [], encrypted_content: "gAAA" },
          { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "{}" }
        ]
      })
      const writer = yield* open(id)
      const { params } = yield* writer.turn([{ type: "function_call_output", call_id: "call_1", output: "done" }])
      expect(params).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] })
      expect(params.input).toEqual([
        { type: "message", role: "user", content: "message 0" },
        { type: "reasoning", summary: [], encrypted_content: "gAAA" },
        { type: "function_call", call_id: "call_1", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "call_1", output: "done" }
      ])
    }).pipe(Effect.provide(ThreadStore.layerMemory)))

  it.scoped("two layers share neither threads nor locks", () =>
    Effect.gen(function*() {
      const build = Effect.provide(ThreadStore.ThreadStore, Layer.fresh(ThreadStore.layerMemory))
      const [first, second] = yield* Effect.all([build, build])
      const { id } = yield* first.create({})
      expect(yield* Effect.flip(second.get(id))).toMatchObject({ _tag: "ThreadNotFound", threadId: id })
    }))
})
