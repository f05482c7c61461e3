/**
 * What a run is worth on a bad network: any script, any chunking, any fault. `CHAOS_CASES=20000` tries more of it, and
 * `CHAOS_SEED=123 CHAOS_CASES=1` one case again.
 */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Supervisor } from "effect"
import { Assistants, OpenAI, type RunError, type Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { PCGRandom } from "effect/Utils"
import { analyst, threads } from "../support/layers.ts"
import { badEnd, observe, type Seen } from "../support/observe.ts"
import { inOwnTime, pass, passing } from "../support/time.ts"

const cases = Number(process.env["CHAOS_CASES"] ?? 1_000)
const firstSeed = Number(process.env["CHAOS_SEED"] ?? 1)

const words = ["Grüße", "世界", "🙂", "and", "then", "\n", "a\tb", "“quoted”", "x".repeat(200), "é"]

const pick = <A>(random: PCGRandom, values: ReadonlyArray<A>): A => values[random.integer(values.length)]!

const sentence = (random: PCGRandom) =>
  Array.from({ length: 1 + random.integer(12) }, () => pick(random, words)).join(" ")

/** A random answer, with its text and how many of its events nobody knows. */
const answer = (random: PCGRandom) => {
  const parts: Array<Script.Part> = []
  let text = ""
  let unknown = 0
  const count = 1 + random.integer(4)
  for (let i = 0; i < count; i++) {
    const said = sentence(random)
    switch (random.integer(9)) {
      case 0:
        parts.push(Script.reasoning(said))
        break
      case 1:
        parts.push(Script.functionCall("lookup", { key: said }))
        break
      case 2:
        parts.push(Script.keepalive)
        break
      case 3:
        parts.push(Script.unknownEvent("response.something.new", { said }))
        unknown++
        break
      case 4:
        parts.push(Script.hostedTool("web_search", { query: said }))
        break
      case 5:
        parts.push(Script.refusal(said))
        break
      default:
        parts.push(Script.text(said, { chunks: 1 + random.integer(8) }))
        text += said
    }
  }
  const end = random.integer(10)
  // A model that reasons says something then, unless it is cut off.
  if (end > 1 && parts.findLast((part) => part._tag !== "UnknownEvent")?._tag === "Reasoning") {
    parts.push(Script.text("So."))
    text += "So."
  }
  if (end === 0) parts.push(Script.incomplete("max_output_tokens"))
  if (end === 1) parts.push(Script.failure(pick(random, ["server_error", "rate_limit_exceeded"])))
  return { parts, text, unknown, isWhole: end > 1 }
}

const allowed = new Set<RunError.RunError["_tag"]>([
  "ConnectionLost",
  "TimedOut",
  "UnexpectedResponse",
  "RunFailed",
  "RunIncomplete",
  "RateLimited",
  "ServerError"
])

const faultsBefore = [
  Script.refuse,
  Script.reset(),
  Script.httpError({ status: 502, body: "<html>", handled: true }),
  Script.httpError({ status: 500 }),
  Script.httpError({ status: 429, code: "rate_limit_exceeded" }),
  Script.httpError({ status: 400, code: "conversation_locked" })
]

/** Reads until it ends, and lets time pass if it does not. */
const settled = <A, E, R>(effect: Effect.Effect<A, E, R>) => passing(effect, 120_000)

/** The thread takes another turn, and nothing is left open. */
const usable = (id: Thread.ThreadId, seen: Seen<RunError.RunError> | undefined) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    // A server that said the last word and does not end the body has a second to do it.
    const lost = seen === undefined || seen.error?._tag === "ConnectionLost" || seen.error?._tag === "TimedOut"
    if (!lost && (yield* simulator.openStreams) > 0) yield* pass(1_000)
    expect(yield* simulator.openStreams).toBe(0)
    const end = seen?.events.at(-1)
    const pending = end?._tag === "RunCompleted"
      ? end.pending.flatMap((pending) => pending._tag === "PendingCall" ? [pending.call] : [])
      : []
    const next = pending.length === 0
      ? service.run(id, { message: "Next" })
      : service.submit(id, pending.map(({ callId }) => ({ callId, output: "found" })))
    const after = yield* settled(observe(next))
    expect(after.error?._tag).toBeUndefined()
    expect(after.events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Fine." })
    expect((yield* simulator.threads).every(({ locked }) => !locked)).toBe(true)
    expect(yield* simulator.openStreams).toBe(0)
  })

const oneCase = (seed: number) => {
  const random = new PCGRandom(seed)
  const { isWhole, parts, text, unknown } = answer(random)
  const fault = Script.chaos(seed, { within: 500 + random.integer(8_000) })
  const turn = Script.turn(parts, {
    fault,
    afterDisconnect: pick(random, ["cancelled", "completed", "unappended"] as const),
    latency: pick(random, [0, 0, 0, 50])
  })
  return Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    if (random.integer(5) === 0) {
      yield* simulator.inject(pick(random, faultsBefore), ({ path }) => path.endsWith("/items"))
    }
    const seen = yield* settled(observe(service.run(id, { message: "Hi", idleTimeout: 20_000, timeout: 60_000 })))
    expect(badEnd(seen)).toBeUndefined()
    if (seen.error !== undefined && !allowed.has(seen.error._tag)) throw new Error(seen.error._tag)
    const end = seen.events.at(-1)
    if (end?._tag === "RunCompleted") {
      expect(isWhole).toBe(true)
      expect(end.text).toBe(text)
      const kinds = JSON.stringify(fault)
      if (!/Swap/.test(kinds)) {
        const deltas = seen.events.map((event) => event._tag === "TextDelta" ? event.delta : "").join("")
        expect(deltas).toBe(text)
      }
      // What nobody hears to the end is told from the response, which knows of no such event; nor is one heard that comes
      // after the last.
      const heard = seen.tags.filter((tag) => tag === "Unknown").length
      if (/Swap/.test(kinds)) expect(heard).toBeLessThanOrEqual(unknown)
      else if (!/Cut|Reset|Stall|Truncate/.test(kinds)) expect(heard).toBe(unknown)
    }
    const items = (yield* simulator.threads)[0]!.items
    expect(items.filter((item) => item["role"] === "user")).toHaveLength(1)
    yield* usable(id, seen)
    return { completed: end?._tag === "RunCompleted" }
  }).pipe(Effect.provide(threads([turn, Script.always("Fine.")])))
}

/** Runs it under a supervisor: when it is over, with all its layers, no fiber of it may be left. */
const withoutLeak = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const supervisor = yield* Supervisor.track
    const result = yield* Effect.supervised(effect, supervisor)
    const left = Array.from(yield* supervisor.value).filter((fiber) => Exit.isExit(fiber.unsafePoll()) === false)
    expect(left.map((fiber) => fiber.id().toString())).toEqual([])
    return result
  })

const named = (seed: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.sandbox(effect).pipe(Effect.catchAll((cause) =>
    Effect.sync(() => {
      throw new Error(`CHAOS_SEED=${seed} CHAOS_CASES=1`, { cause })
    })
  ))

const seeds = (count: number, offset = 0) => Array.from({ length: count }, (_, index) => firstSeed + offset + index)

describe("law 1, law 3, law 4, law 9: chaos", () => {
  const parts = 10
  for (let part = 0; part < Math.min(parts, cases); part++) {
    const size = Math.ceil(cases / parts)
    it.effect(`law 1: any script, any chunking, any fault (${part + 1} of ${parts})`, () =>
      Effect.gen(function*() {
        let completed = 0
        const mine = seeds(size, part * size)
        const results = yield* Effect.forEach(mine, (seed) => inOwnTime(seed)(named(seed)(withoutLeak(oneCase(seed)))))
        for (const result of results) if (result.completed) completed++
        // Some end well, some do not: otherwise this would show little.
        if (mine.length >= 100) {
          expect(completed).toBeGreaterThan(mine.length / 10)
          expect(completed).toBeLessThan(mine.length)
        }
      }), 300_000)
  }
})

describe("law 7: interruption at random moments", () => {
  const interruptions = cases / 2
  const parts = 4
  for (let part = 0; part < parts; part++) {
    it.effect(
      `law 7: they leave nothing open (${part + 1} of ${parts})`,
      () =>
        Effect.forEach(seeds(Math.ceil(interruptions / parts), part * interruptions), (seed) => {
          const random = new PCGRandom(seed)
          const turn = Script.turn(Script.text(sentence(random), { chunks: 5 }), {
            latency: 1_000,
            fault: pick(random, [undefined, Script.stall({ afterEvents: 4 }), Script.stall({ headers: true })])
          })
          return Effect.gen(function*() {
            const service = yield* Threads.Threads
            const { id } = yield* service.create()
            const fiber = yield* Effect.fork(observe(service.run(id, { message: "Hi" })))
            yield* pass(random.integer(11) * 1_000 + random.integer(2) * 500)
            yield* Fiber.interrupt(fiber)
            yield* usable(id, undefined)
          }).pipe(Effect.provide(threads([turn, Script.always("Fine.")])), withoutLeak, named(seed), inOwnTime(seed))
        }, { discard: true }),
      300_000
    )
  }
})

describe("chaos on a real port", () => {
  it.live("law 1: any script, any chunking, any fault", () =>
    Effect.forEach(seeds(100), (seed) => {
      const random = new PCGRandom(seed)
      const { isWhole, parts, text } = answer(random)
      const fault = Script.chaos(seed, {
        within: 500 + random.integer(8_000),
        only: ["none", "cut", "reset", "truncate", "duplicate", "swap", "gzip"]
      })
      const afterDisconnect = pick(random, ["cancelled", "completed", "unappended"] as const)
      return Effect.gen(function*() {
        const simulator = yield* Simulator.make([
          Script.turn(parts, { fault, afterDisconnect }),
          Script.always("Fine.")
        ])
        const { url } = yield* simulator.serve()
        yield* Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { id } = yield* service.create()
          const seen = yield* observe(service.run(id, { message: "Hi" }))
          expect(badEnd(seen)).toBeUndefined()
          if (seen.error !== undefined && !allowed.has(seen.error._tag)) throw new Error(seen.error._tag)
          const end = seen.events.at(-1)
          if (end?._tag === "RunCompleted") {
            expect(isWhole).toBe(true)
            expect(end.text).toBe(text)
          }
          const pending = end?._tag === "RunCompleted" ? end.pending : []
          const calls = pending.flatMap((one) => one._tag === "PendingCall" ? [one.call] : [])
          const next = calls.length === 0
            ? service.run(id, { message: "Next" })
            : service.submit(id, calls.map(({ callId }) => ({ callId, output: "found" })))
          expect((yield* observe(next)).events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Fine." })
        }).pipe(Effect.provide(
          Threads.layer.pipe(
            Layer.provide([ThreadStore.layerConversations, Assistants.layer([analyst])]),
            Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl: url }))
          )
        ))
      }).pipe(Effect.scoped, named(seed))
    }, { discard: true }), 120_000)
})
