import { describe, expect, it } from "@effect/vitest"
import { Effect, Random, TestClock } from "effect"
import { Run, Threads } from "effect-openai-threads"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { threads } from "../support/layers.ts"
import { observe } from "../support/observe.ts"

const source = fileURLToPath(new URL("../../src/", import.meta.url))
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.startsWith("cli")
)

describe("law 11: time is Clock, chance is Random", () => {
  it("law 11: no module of the library asks the machine for either", () => {
    expect(files.length).toBeGreaterThan(30)
    const asks = /\b(Date\.now|setTimeout|setInterval|Math\.random|randomUUID|performance\.now|new Date\(\))/
    expect(files.filter((file) => asks.test(readFileSync(`${source}${file}`, "utf8")))).toEqual([])
  })

  const seeded = (store: "conversations" | "memory") =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const service = yield* Threads.Threads
      const thread = yield* service.create()
      const seen = yield* observe(service.run(thread.id, { message: "Hi" }))
      return { thread, events: seen.events, again: yield* Run.result(service.run(thread.id)) }
    }).pipe(Effect.provide(threads(["Hello", "Again"], { store })), Effect.withRandom(Random.make("seed")))

  for (const store of ["conversations", "memory"] as const) {
    it.effect(`law 11: the same seed and clock give the same ids, times and events (${store})`, () =>
      Effect.gen(function*() {
        const first = yield* seeded(store)
        yield* TestClock.setTime(0)
        expect(yield* seeded(store)).toEqual(first)
      }))
  }
})
