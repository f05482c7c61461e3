import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as KeyedLock from "../../src/internal/keyedLock.ts"

const waiting = { wait: true, deadline: "5 minutes" } as const

/** Runs `f` as the holder. */
const withLock = <A, E>(
  lock: KeyedLock.KeyedLock,
  key: string,
  f: Effect.Effect<A, E>,
  options: Parameters<KeyedLock.KeyedLock["request"]>[1] = waiting
): Effect.Effect<A, E | KeyedLock.Refusal> =>
  Effect.scoped(Effect.zipRight(Effect.flatMap(lock.request(key, options), (ticket) => ticket.ready), f))

/** Takes the lock in a fiber of its own, which no other fiber descends from. */
const hold = (lock: KeyedLock.KeyedLock, key: string) =>
  Effect.gen(function*() {
    const taken = yield* Deferred.make<void>()
    const release = yield* Deferred.make<void>()
    const body = Effect.zipRight(Deferred.succeed(taken, undefined), Deferred.await(release))
    const fiber = yield* Effect.fork(withLock(lock, key, body))
    yield* Deferred.await(taken)
    return { release: Effect.zipRight(Deferred.succeed(release, undefined), Fiber.join(fiber)), fiber }
  })

const settle = Effect.repeatN(Effect.yieldNow(), 20)

describe("keyedLock", () => {
  it.effect("a free key is given at once, at position 0, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const position = yield* Effect.scoped(Effect.gen(function*() {
        const ticket = yield* lock.request("a", waiting)
        yield* ticket.ready
        expect(lock.size()).toBe(1)
        return ticket.position
      }))
      expect(position).toBe(0)
      expect(lock.size()).toBe(0)
    }))

  it.effect("law 5: waiters come first in, first out, and know their position", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      const order: Array<number> = []
      const positions: Array<number> = []
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        Effect.fork(Effect.scoped(Effect.gen(function*() {
          const ticket = yield* lock.request("a", waiting)
          positions.push(ticket.position)
          yield* ticket.ready
          order.push(n)
          yield* Effect.yieldNow()
        }))).pipe(Effect.zipLeft(settle)))
      expect(order).toEqual([])
      expect(positions).toEqual([1, 2, 3, 4])
      yield* holder.release
      yield* Fiber.joinAll(fibers)
      expect(order).toEqual([1, 2, 3, 4])
      expect(lock.size()).toBe(0)
    }))

  it.effect("keys do not wait for each other", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      expect(yield* withLock(lock, "b", Effect.succeed("mine"))).toBe("mine")
      expect(lock.size()).toBe(1)
      yield* holder.release
      expect(lock.size()).toBe(0)
    }))

  it.effect("who does not want to wait is told at once, and takes no place", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      const refused = yield* Effect.flip(withLock(lock, "a", Effect.void, { ...waiting, wait: false }))
      expect(refused).toBe("running")
      yield* holder.release
      expect(lock.size()).toBe(0)
      expect(yield* withLock(lock, "a", Effect.succeed(1), { ...waiting, wait: false })).toBe(1)
    }))

  it.effect("waiting ends at the deadline, and the place is given up", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      const late = yield* Effect.fork(
        Effect.flip(withLock(lock, "a", Effect.void, { wait: true, deadline: "10 seconds" }))
      )
      const patient = yield* Effect.fork(withLock(lock, "a", Effect.succeed("served")))
      yield* settle
      yield* TestClock.adjust("9 seconds")
      expect(yield* Fiber.poll(late)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(late)).toBe("deadline")
      yield* holder.release
      expect(yield* Fiber.join(patient)).toBe("served")
      expect(lock.size()).toBe(0)
    }))

  it.effect("the deadline is for waiting, not for holding", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const fiber = yield* Effect.fork(
        withLock(lock, "a", Effect.as(Effect.sleep("1 hour"), "held"), { wait: true, deadline: "1 second" })
      )
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(fiber)).toBe("held")
    }))

  it.effect("waiting is interruptible and leaves no place behind", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      const first = yield* Effect.fork(withLock(lock, "a", Effect.void))
      const second = yield* Effect.fork(withLock(lock, "a", Effect.succeed("second")))
      yield* settle
      expect(Exit.isInterrupted(yield* Fiber.interrupt(first))).toBe(true)
      yield* holder.release
      expect(yield* Fiber.join(second)).toBe("second")
      expect(lock.size()).toBe(0)
    }))

  it.effect("an interrupted or failed holder gives the lock back", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      const next = yield* Effect.fork(withLock(lock, "a", Effect.fail("mine")))
      yield* settle
      yield* Fiber.interrupt(holder.fiber)
      expect(yield* Effect.flip(Fiber.join(next))).toBe("mine")
      expect(yield* Effect.exit(withLock(lock, "a", Effect.die("bug")))).toEqual(Exit.die("bug"))
      expect(lock.size()).toBe(0)
    }))

  it.effect("law 5: a request from inside its own hold is ownRun at once, also from a forked fiber", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const again = Effect.flip(withLock(lock, "a", Effect.void))
      const seen = yield* withLock(
        lock,
        "a",
        Effect.all([again, Effect.flatMap(Effect.fork(again), Fiber.join), withLock(lock, "b", again)])
      )
      expect(seen).toEqual(["ownRun", "ownRun", "ownRun"])
      expect(lock.size()).toBe(0)
    }))

  it.effect("after its hold is over a fiber waits like any other, and so does what it forked", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const go = yield* Deferred.make<void>()
      const child = yield* withLock(
        lock,
        "a",
        Effect.fork(Effect.zipRight(Deferred.await(go), withLock(lock, "a", Effect.succeed("child"))))
      )
      expect(yield* withLock(lock, "a", Effect.succeed("again"))).toBe("again")
      const holder = yield* hold(lock, "a")
      yield* Deferred.succeed(go, undefined)
      const own = yield* Effect.fork(withLock(lock, "a", Effect.succeed("own")))
      yield* settle
      expect(yield* Fiber.poll(child)).toMatchObject({ _tag: "None" })
      yield* holder.release
      expect(yield* Fiber.join(child)).toBe("child")
      expect(yield* Fiber.join(own)).toBe("own")
      expect(lock.size()).toBe(0)
    }))

  it.effect("one who waits, but does not hold, does not stand in its own way", () =>
    Effect.gen(function*() {
      const lock = KeyedLock.make()
      const holder = yield* hold(lock, "a")
      yield* Effect.scoped(Effect.gen(function*() {
        const ticket = yield* lock.request("a", waiting)
        const second = yield* lock.request("a", waiting)
        expect([ticket.position, second.position]).toEqual([1, 2])
      }))
      yield* holder.release
      expect(lock.size()).toBe(0)
    }))

  it.effect("law 5: many fibers, some interrupted, hold one at a time, in order, and leave nothing", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(
            FastCheck.record({
              key: FastCheck.constantFrom("a", "b"),
              work: FastCheck.nat(4),
              interruptAfter: FastCheck.option(FastCheck.nat(30)),
              gap: FastCheck.nat(3)
            }),
            { minLength: 1, maxLength: 25 }
          ),
          (jobs) =>
            Effect.runPromise(Effect.gen(function*() {
              const lock = KeyedLock.make()
              const holders: Record<string, number> = { a: 0, b: 0 }
              const asked: Record<string, Array<number>> = { a: [], b: [] }
              const served: Record<string, Array<number>> = { a: [], b: [] }
              let tooMany = false
              const fibers = yield* Effect.forEach(jobs, ({ gap, interruptAfter, key, work }, index) =>
                Effect.gen(function*() {
                  const job = Effect.scoped(Effect.gen(function*() {
                    const ticket = yield* lock.request(key, waiting)
                    asked[key]!.push(index)
                    yield* ticket.ready
                    served[key]!.push(index)
                    yield* Effect.acquireUseRelease(
                      Effect.sync(() => {
                        holders[key] = holders[key]! + 1
                        if (holders[key] > 1) tooMany = true
                      }),
                      () =>
                        Effect.repeatN(Effect.yieldNow(), work),
                      () => Effect.sync(() => void (holders[key] = holders[key]! - 1))
                    )
                  }))
                  const fiber = yield* Effect.forkDaemon(job)
                  if (interruptAfter !== null) {
                    yield* Effect.forkDaemon(
                      Effect.zipRight(Effect.repeatN(Effect.yieldNow(), interruptAfter), Fiber.interrupt(fiber))
                    )
                  }
                  yield* Effect.repeatN(Effect.yieldNow(), gap)
                  return fiber
                }))
              yield* Fiber.awaitAll(fibers)
              yield* settle
              expect(tooMany).toBe(false)
              for (const key of ["a", "b"]) {
                expect(served[key]).toEqual(asked[key]!.filter((index) => served[key]!.includes(index)))
              }
              for (const [index, { interruptAfter, key }] of jobs.entries()) {
                if (interruptAfter === null) expect(served[key]).toContain(index)
              }
              expect(lock.size()).toBe(0)
            }))
        ),
        { numRuns: 150 }
      )
    ))
})
