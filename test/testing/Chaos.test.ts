import { describe, expect, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { SseParser } from "../../src/internal/sse.ts"
import * as Script from "../../src/testing/Script.ts"
import { ask, type Connect, inProcess, onLoopback, open, see } from "./wire.ts"

const parts = [Script.reasoning("Hm — ja."), Script.text("Grüße, 世界! 🙂 Wie geht es dir heute?", { chunks: 12 })]

const seeWith = (
  connect: Connect,
  fault: Script.Fault | undefined,
  options: { readonly stream?: boolean; readonly bytes?: number; readonly patience?: Duration.DurationInput } = {}
) =>
  Effect.flatMap(
    open(connect, [Script.turn(parts, { fault })]),
    (client) => see(client, (init) => ask(client, { stream: options.stream ?? true }, init), options)
  ).pipe(Effect.scoped)

/** What a client sees of the same answer over each transport; how it is cut into reads is up to the network. */
const seeBoth = (fault: Script.Fault, stream: boolean) =>
  Effect.gen(function*() {
    const { reads: _, ...near } = yield* seeWith(inProcess, fault, { stream })
    const { reads: __, ...far } = yield* seeWith(onLoopback, fault, { stream, bytes: near.body.length })
    return { near, far }
  })

/** The events that a client makes of a body, without the time at which they were made. */
const eventsOf = (body: string) => {
  const events: Array<string> = []
  const parser = new SseParser(({ data, event }) =>
    events.push(`${event} ${data.replaceAll(/"(created|completed)_at":\d+/g, "")}`)
  )
  parser.push(Buffer.from(body, "latin1"))
  return events
}

/** The faults that a chaos is made of. */
const faultsOf = (seed: number, options?: Script.ChaosOptions): ReadonlyArray<Script.Fault> => {
  const fault = Script.chaos(seed, options)
  return fault._tag === "All" ? fault.faults : [fault]
}

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed)

const harmless = ["none", "gzip", "drip"] as const
const ends = ["cut", "reset", "stall"] as const
const spoilt = ["truncate", "duplicate", "swap"] as const

describe("chaos", () => {
  it("the same seed gives the same fault, another seed another", () => {
    const printed = seeds(200).map((seed) => JSON.stringify(Script.chaos(seed)))
    expect(seeds(200).map((seed) => JSON.stringify(Script.chaos(seed)))).toEqual(printed)
    expect(new Set(printed).size).toBe(200)
  })

  it("does each thing now and then", () => {
    const counts = new Map<string, number>()
    for (const seed of seeds(1_000)) {
      for (const { _tag } of faultsOf(seed)) counts.set(_tag, (counts.get(_tag) ?? 0) + 1)
    }
    for (const tag of ["Cut", "Reset", "Stall", "Truncate", "Duplicate", "Swap", "Gzip", "Drip"]) {
      expect(counts.get(tag)).toBeGreaterThan(70)
      expect(counts.get(tag)).toBeLessThan(160)
    }
    expect(counts.get("Comments")).toBeGreaterThan(200)
    expect(counts.get("LineEnds")).toBeGreaterThan(300)
    const without = seeds(1_000).filter((seed) =>
      faultsOf(seed).every(({ _tag }) => ["Split", "Comments", "LineEnds"].includes(_tag))
    )
    expect(without.length).toBeGreaterThan(70)
  })

  it("splits into reads of 1 byte to 64 KiB, mostly small ones", () => {
    const reads = seeds(1_000).flatMap((seed) =>
      faultsOf(seed).flatMap((fault) => fault._tag === "Split" ? fault.reads : [])
    )
    expect(Math.min(...reads)).toBe(1)
    expect(Math.max(...reads)).toBeLessThanOrEqual(65_536)
    expect(Math.max(...reads)).toBeGreaterThan(50_000)
    expect(reads.filter((size) => size <= 16).length / reads.length).toBeGreaterThan(0.5)
    expect(reads.every((size) => Number.isInteger(size))).toBe(true)
  })

  it("does only what it may, and only so far into the body", () => {
    for (const seed of seeds(200)) {
      for (const fault of faultsOf(seed, { only: ends, within: 100 })) {
        expect(["Comments", "LineEnds", "Split", "Cut", "Reset", "Stall"]).toContain(fault._tag)
        if ("afterBytes" in fault) expect(fault.afterBytes).toBeLessThan(100)
      }
    }
    const tags = seeds(50).flatMap((seed) => faultsOf(seed, { only: ["cut"] }).map(({ _tag }) => _tag))
    expect(tags.filter((tag) => tag === "Cut")).toHaveLength(50)
    expect(faultsOf(1, { only: [] }).at(-1)?._tag).toBe("Split")
  })

  it.scoped("what is printed and read back does the same again, read by read", () =>
    Effect.gen(function*() {
      for (const seed of seeds(20)) {
        const fault = Script.chaos(seed)
        const again: Script.Fault = JSON.parse(JSON.stringify(fault))
        expect(yield* seeWith(inProcess, again)).toEqual(yield* seeWith(inProcess, fault))
      }
    }), 30_000)

  it.scoped("a client sees the same over both transports", () =>
    Effect.gen(function*() {
      for (const seed of seeds(25)) {
        const fault = Script.chaos(seed)
        const { far, near } = yield* seeBoth(fault, true)
        expect(far, JSON.stringify(fault)).toEqual(near)
      }
    }), 30_000)

  it.scoped("so it does where the answer is no stream", () =>
    Effect.gen(function*() {
      for (const seed of seeds(20)) {
        const fault = Script.chaos(seed, { only: [...harmless, ...ends], within: 2_000 })
        const { far, near } = yield* seeBoth(fault, false)
        expect(far, JSON.stringify(fault)).toEqual(near)
      }
    }), 30_000)

  it.scoped(
    "without harm, every event arrives, whatever its line ends, comments and reads",
    () =>
      Effect.gen(function*() {
        const expected = eventsOf((yield* seeWith(inProcess, undefined)).body)
        expect(expected).toHaveLength(28)
        for (const seed of seeds(20)) {
          const fault = Script.chaos(seed, { only: harmless })
          const seen = yield* seeWith(inProcess, fault, { patience: "10 minutes" })
          expect(seen.end).toBe("done")
          expect(eventsOf(seen.body), JSON.stringify(fault)).toEqual(expected)
        }
      }),
    30_000
  )

  it.scoped("an early end is one, in the middle of a short answer more often than not", () =>
    Effect.gen(function*() {
      const expected = eventsOf((yield* seeWith(inProcess, undefined)).body)
      let early = 0
      const ways = new Set<string>()
      for (const seed of seeds(20)) {
        const seen = yield* seeWith(inProcess, Script.chaos(seed, { only: ends }))
        const events = eventsOf(seen.body)
        expect(expected.slice(0, events.length)).toEqual(events)
        if (events.length < expected.length) early++
        ways.add(seen.end)
      }
      expect(early).toBeGreaterThan(13)
      expect(ways).toEqual(new Set(["done", "silent", "TypeError: terminated UND_ERR_SOCKET"]))
    }), 30_000)

  it.scoped("a spoilt event is one of the events", () =>
    Effect.gen(function*() {
      const expected = eventsOf((yield* seeWith(inProcess, undefined)).body)
      for (const seed of seeds(20)) {
        const [fault] = faultsOf(seed, { only: spoilt })
        if (fault === undefined || !("event" in fault)) throw new Error("no event is spoilt")
        expect(fault.event).toBeLessThan(27)
        const events = eventsOf((yield* seeWith(inProcess, Script.chaos(seed, { only: spoilt }))).body)
        expect(events).toHaveLength(fault._tag === "Duplicate" ? 29 : 28)
        expect(events).not.toEqual(expected)
        const others = expected.filter((event) => !events.includes(event))
        expect(others).toHaveLength(fault._tag === "Truncate" ? 1 : 0)
      }
    }), 30_000)
})
