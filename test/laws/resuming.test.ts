import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type RunEvent, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { PCGRandom } from "effect/Utils"
import { badEnd, observe } from "../support/observe.ts"
import { passing } from "../support/time.ts"
import { counting, over, quick, told, toolkit } from "./backgroundRun.ts"

/** As many cases as are asked for. A change is tried on these twice, with other seeds each time: a thousand together. */
const cases = Number(process.env["RESUME_CASES"] ?? 500)
const first = Number(process.env["CHAOS_SEED"] ?? 1)
const parts = 5

/** More than the first event has: before its response is known, a run cannot be heard on. */
const head = 2_500
/** Less than any answer has. */
const body = 8_000

const answers = {
  begun: ({ path }: Simulator.InjectionTarget) => path === "/responses",
  "heard on": ({ method, path }: Simulator.InjectionTarget) => method === "GET" && path.startsWith("/responses/")
}

const run = (seed: number, cuts: number) =>
  Effect.gen(function*() {
    const random = new PCGRandom(seed)
    const { handlers, made } = counting("0 millis")
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    for (let cut = 0; cut < cuts; cut++) {
      // The first one is met for certain, the others by chance.
      const which = cut === 0 || random.integer(2) === 0 ? "begun" : "heard on"
      const afterBytes = random.integer(body) + (which === "begun" ? head : 0)
      const end = random.integer(2) === 0 ? Script.cut({ afterBytes }) : Script.reset({ afterBytes })
      const chaos = Script.chaos(seed * 5 + cut, { only: ["none"] })
      yield* simulator.inject(
        Script.all([chaos, end]),
        (target) => answers[which](target) && (cut === 0 || random.integer(3) > 0)
      )
    }
    const { id } = yield* service.create()
    const seen = yield* passing(
      observe(service.run(id, { message: "Go", toolkit, background: true })).pipe(Effect.provide(handlers)),
      600_000
    )
    return { seen, made: made.sort() }
  }).pipe(over(quick))

/** What each call gave, as often as that was told. */
const calls = (events: ReadonlyArray<RunEvent.RunEvent>) =>
  events.flatMap((event) =>
    event._tag === "ToolCallCompleted" ? [`${event.arguments} ${event.output} ${event.isFailure}`] : []
  ).sort()

describe("law 2: a run in the background, cut at any byte up to five times", () => {
  for (let part = 0; part < parts; part++) {
    const mine = Array.from({ length: cases / parts }, (_, index) => first + part + index * parts)
    it.effect(
      `law 2: is the undisturbed one (${mine.length} seeds from ${first + part})`,
      () =>
        Effect.gen(function*() {
          const undisturbed = yield* run(0, 0)
          expect(calls(undisturbed.seen.events)).toHaveLength(4)
          for (const seed of mine) {
            const { made, seen } = yield* run(seed, 1 + seed % 5)
            expect(badEnd(seen), `seed ${seed}`).toBeUndefined()
            expect(seen.error, `seed ${seed}`).toBeUndefined()
            expect(told(seen.events), `seed ${seed}`).toEqual(told(undisturbed.seen.events))
            expect(calls(seen.events), `seed ${seed}`).toEqual(calls(undisturbed.seen.events))
            expect(made, `seed ${seed}`).toEqual(undisturbed.made)
            expect(seen.tags, `seed ${seed}`).toContain("Reconnected")
          }
        }),
      60_000
    )
  }
})
