/** What every store of threads does. Runs on the test clock. */
import { describe, expect, it } from "@effect/vitest"
import { Thread, ThreadError, ThreadStore } from "effect-openai-threads"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { collect } from "../support/observe.ts"

const user = (text: string): ThreadStore.WireItem => ({ type: "message", role: "user", content: text })
const users = (count: number) => Array.from({ length: count }, (_, index) => user(`message ${index}`))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `message ${index}`)
const texts = (items: ReadonlyArray<Thread.Item>) =>
  items.map((item) => item._tag === "Message" ? Thread.textOf(item) : item._tag)
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, "v"]))

const unknownId = Thread.ThreadId.make("conv_unknown")
const unknownItem = Thread.ItemId.make("msg_unknown")
const notFound = { _tag: "ThreadNotFound", threadId: unknownId }

const settle = Effect.repeatN(Effect.yieldNow(), 50)

export const suite = (layer: () => Layer.Layer<ThreadStore.ThreadStore>): void => {
  const test = <A, E>(
    name: string,
    f: (store: ThreadStore.Service) => Effect.Effect<A, E, Scope.Scope>
  ) => it.scoped(name, () => Effect.provide(Effect.flatMap(ThreadStore.ThreadStore, f), layer()))

  /** Holds the lock in another fiber. */
  const hold = (store: ThreadStore.Service, id: Thread.ThreadId) =>
    Effect.gen(function*() {
      const taken = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(Effect.scoped(Effect.gen(function*() {
        yield* (yield* store.open(id)).ready
        yield* Deferred.succeed(taken, undefined)
        yield* Deferred.await(release)
      })))
      yield* Deferred.await(taken)
      return Effect.zipRight(Deferred.succeed(release, undefined), Fiber.join(fiber))
    })

  describe("threads", () => {
    test("create gives a thread with its time and metadata, get gives it again", (store) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1_800_000_000_000)
        const thread = yield* store.create({ metadata: { topic: "tides" } })
        expect(thread.metadata).toEqual({ topic: "tides" })
        expect(DateTime.toEpochMillis(thread.createdAt)).toBe(1_800_000_000_000)
        expect(yield* store.get(thread.id)).toEqual(thread)
        expect((yield* store.create({})).id).not.toBe(thread.id)
      }))

    test("create writes more than 20 items in order", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(45) })
        expect(texts(yield* collect(store.items(id)))).toEqual(numbers(45))
      }))

    test("update sets the named keys, removes those that are null and keeps the others", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ metadata: { a: "1", b: "2", c: "3" } })
        const updated = yield* store.update(id, { metadata: { b: "two", c: null, d: "4", unknown: null } })
        expect(updated.metadata).toEqual({ a: "1", b: "two", d: "4" })
        expect((yield* store.get(id)).metadata).toEqual({ a: "1", b: "two", d: "4" })
        expect((yield* store.update(id, { metadata: {} })).metadata).toEqual({ a: "1", b: "two", d: "4" })
      }))

    test("metadata has limits, also when it is merged", (store) =>
      Effect.gen(function*() {
        const invalid = { _tag: "InvalidInput", field: expect.stringMatching(/^metadata/) }
        expect(yield* Effect.flip(store.create({ metadata: pairs(17) }))).toMatchObject(invalid)
        expect(yield* Effect.flip(store.create({ metadata: { ["k".repeat(65)]: "" } }))).toMatchObject(invalid)
        expect(yield* Effect.flip(store.create({ metadata: { k: "v".repeat(513) } }))).toMatchObject(invalid)
        const { id } = yield* store.create({ metadata: pairs(16) })
        expect(yield* Effect.flip(store.update(id, { metadata: { more: "" } }))).toMatchObject(invalid)
        expect((yield* store.get(id)).metadata).toEqual(pairs(16))
        expect((yield* store.update(id, { metadata: { key0: null, more: "" } })).metadata).toHaveProperty("more")
      }))

    test("a deleted thread is not found any more", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(3) })
        const other = yield* store.create({ items: users(1) })
        yield* store.delete(id)
        const gone = { _tag: "ThreadNotFound", threadId: id }
        expect(yield* Effect.flip(store.get(id))).toMatchObject(gone)
        expect(yield* Effect.flip(collect(store.items(id)))).toMatchObject(gone)
        expect(yield* Effect.flip(store.append(id, users(1)))).toMatchObject(gone)
        expect(yield* Effect.flip(store.delete(id))).toMatchObject(gone)
        expect(texts(yield* collect(store.items(other.id)))).toEqual(numbers(1))
      }))

    test("an unknown thread is ThreadNotFound, whatever is asked", (store) =>
      Effect.gen(function*() {
        const errors = [
          yield* Effect.flip(store.get(unknownId)),
          yield* Effect.flip(store.update(unknownId, { metadata: { a: "1" } })),
          yield* Effect.flip(store.delete(unknownId)),
          yield* Effect.flip(store.append(unknownId, users(1))),
          yield* Effect.flip(collect(store.items(unknownId))),
          yield* Effect.flip(store.deleteItem(unknownId, unknownItem))
        ]
        for (const error of errors) {
          expect(error).toMatchObject(notFound)
          expect(ThreadError.is(error)).toBe(true)
        }
      }))

    test("law 12: appending nothing does nothing", (store) =>
      Effect.gen(function*() {
        expect(yield* store.append(unknownId, [])).toEqual([])
      }))
  })

  describe("items", () => {
    test("append writes more than 20 items in order, and gives them back as they are read", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: [user("first")] })
        const added = yield* store.append(id, users(45))
        expect(texts(added)).toEqual(numbers(45))
        const all = yield* collect(store.items(id))
        expect(texts(all)).toEqual(["first", ...numbers(45)])
        expect(all.slice(1)).toEqual(added)
        expect(new Set(all.map((item) => item.id)).size).toBe(46)
      }))

    test("items come in the order asked for, after an item, and more than a page of them", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(230) })
        const all = yield* collect(store.items(id))
        expect(texts(all)).toEqual(numbers(230))
        expect(texts(yield* collect(store.items(id, { order: "desc" })))).toEqual(numbers(230).toReversed())
        const after = all[119]!.id!
        expect(texts(yield* collect(store.items(id, { after })))).toEqual(numbers(230).slice(120))
        expect(texts(yield* collect(store.items(id, { after, order: "desc" })))).toEqual(numbers(119).toReversed())
        expect(yield* collect(store.items(id, { after: all[229]!.id! }))).toEqual([])
      }))

    test("items after one that is gone name the item, not the thread", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(1) })
        expect(yield* Effect.flip(collect(store.items(id, { after: unknownItem })))).toMatchObject({
          _tag: "ResourceNotFound",
          resource: "item",
          id: unknownItem
        })
      }))

    test("deleteItem removes one item; one that is unknown is ResourceNotFound", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(3) })
        const all = yield* collect(store.items(id))
        yield* store.deleteItem(id, all[1]!.id!)
        expect(texts(yield* collect(store.items(id)))).toEqual(["message 0", "message 2"])
        const missing = { _tag: "ResourceNotFound", resource: "item" }
        expect(yield* Effect.flip(store.deleteItem(id, all[1]!.id!))).toMatchObject({ ...missing, id: all[1]!.id })
        expect(yield* Effect.flip(store.deleteItem(id, unknownItem))).toMatchObject(missing)
      }))

    test("a new thread has no items", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        expect(yield* collect(store.items(id))).toEqual([])
      }))
  })

  describe("the lock", () => {
    test("law 5: writers come first in, first out", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const release = yield* hold(store, id)
        const fibers = yield* Effect.forEach(numbers(4), (text) =>
          Effect.zipLeft(Effect.fork(store.append(id, [user(text)])), settle))
        expect(yield* collect(store.items(id))).toEqual([])
        yield* release
        yield* Fiber.joinAll(fibers)
        expect(texts(yield* collect(store.items(id)))).toEqual(numbers(4))
      }))

    test("a ticket says how many are before it", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const release = yield* hold(store, id)
        expect((yield* store.open(id)).position).toBe(1)
        expect((yield* store.open(id)).position).toBe(2)
        expect((yield* store.open((yield* store.create({})).id)).position).toBe(0)
        yield* release
      }))

    test("law 5: every write takes it", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(2) })
        const [first] = yield* collect(store.items(id))
        const release = yield* hold(store, id)
        const writes = yield* Effect.forEach([
          Effect.asVoid(store.append(id, users(1))),
          Effect.asVoid(store.update(id, { metadata: { a: "1" } })),
          store.deleteItem(id, first!.id!),
          store.delete(id)
        ], (write) => Effect.zipLeft(Effect.fork(write), settle))
        expect(yield* store.get(id)).toMatchObject({ metadata: {} })
        expect(texts(yield* collect(store.items(id)))).toEqual(numbers(2))
        for (const write of writes) expect(yield* Fiber.poll(write)).toMatchObject({ _tag: "None" })
        yield* release
        yield* Fiber.joinAll(writes)
        expect(yield* Effect.flip(store.get(id))).toMatchObject({ _tag: "ThreadNotFound" })
      }))

    test("onBusy: reject fails at once and leaves no place behind", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const release = yield* hold(store, id)
        const busy = { _tag: "ThreadBusy", threadId: id, why: "running" }
        expect(yield* Effect.flip(store.append(id, users(1), { onBusy: "reject" }))).toMatchObject(busy)
        expect(yield* Effect.flip(store.open(id, { onBusy: "reject" }))).toMatchObject(busy)
        yield* release
        expect((yield* store.open(id, { onBusy: "reject" })).position).toBe(0)
        expect(yield* collect(store.items(id))).toEqual([])
      }))

    test("waiting has a deadline, and writes nothing after it", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const release = yield* hold(store, id)
        const late = yield* Effect.fork(Effect.flip(store.append(id, [user("late")], { busyTimeout: "10 seconds" })))
        const patient = yield* Effect.fork(Effect.flip(store.append(id, [user("patient")])))
        yield* settle
        yield* TestClock.adjust("9 seconds")
        expect(yield* Fiber.poll(late)).toMatchObject({ _tag: "None" })
        yield* TestClock.adjust("1 second")
        expect(yield* Fiber.join(late)).toMatchObject({ _tag: "ThreadBusy", threadId: id, why: "deadline" })
        yield* TestClock.adjust("288 seconds")
        expect(yield* Fiber.poll(patient)).toMatchObject({ _tag: "None" })
        yield* TestClock.adjust("2 seconds")
        expect(yield* Fiber.join(patient)).toMatchObject({ why: "deadline" })
        yield* release
        yield* settle
        expect(yield* collect(store.items(id))).toEqual([])
        expect((yield* store.open(id)).position).toBe(0)
      }))

    test("law 5: waiting is interruptible and leaves no place behind", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const release = yield* hold(store, id)
        const waiting = yield* Effect.fork(store.append(id, [user("never")]))
        const next = yield* Effect.fork(store.append(id, [user("next")]))
        yield* settle
        expect(Exit.isInterrupted(yield* Fiber.interrupt(waiting))).toBe(true)
        yield* release
        yield* Fiber.join(next)
        expect(texts(yield* collect(store.items(id)))).toEqual(["next"])
        expect((yield* store.open(id)).position).toBe(0)
      }))

    test("law 5: a write from inside its own hold fails at once", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({})
        const scope = yield* Scope.make()
        const { ready } = yield* Scope.extend(store.open(id), scope)
        yield* ready
        const own = { _tag: "ThreadBusy", threadId: id, why: "ownRun", isRetryable: false }
        expect(yield* Effect.flip(store.append(id, users(1)))).toMatchObject(own)
        expect(yield* Effect.flip(store.update(id, { metadata: {} }))).toMatchObject(own)
        expect(yield* Effect.flip(store.deleteItem(id, unknownItem))).toMatchObject(own)
        expect(yield* Effect.flip(store.delete(id))).toMatchObject(own)
        expect(yield* Effect.flip(Effect.flatMap(Effect.fork(store.append(id, users(1))), Fiber.join))).toMatchObject(
          own
        )
        yield* Scope.close(scope, Exit.void)
        expect(texts(yield* store.append(id, users(1)))).toEqual(numbers(1))
      }))

    test("the writer's items are in the thread, and its turn asks with them", (store) =>
      Effect.gen(function*() {
        const { id } = yield* store.create({ items: users(1) })
        yield* Effect.scoped(Effect.gen(function*() {
          const writer = yield* (yield* store.open(id)).ready
          expect(texts(yield* writer.append([user("mine")]))).toEqual(["mine"])
          const { params } = yield* writer.turn([])
          expect(params.conversation === id || JSON.stringify(params.input).includes("mine")).toBe(true)
          if (params.conversation === undefined) expect(params.store).toBe(false)
          expect((yield* writer.turn()).params).toEqual(params)
        }))
        expect(texts(yield* collect(store.items(id)))).toEqual(["message 0", "mine"])
      }))

    test("a failed write gives it back", (store) =>
      Effect.gen(function*() {
        yield* Effect.flip(store.append(unknownId, users(1)))
        expect((yield* store.open(unknownId)).position).toBe(0)
      }))
  })
}
