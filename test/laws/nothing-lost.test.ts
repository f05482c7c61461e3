import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type RunEvent, Threads } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { badEnd, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const letters = "abcdefgh"
const citation = (index: number) => ({ type: "file_citation", file_id: `file_${index}`, filename: "a.txt", index })
const parts = [
  Script.reasoning("Hm."),
  Script.text(letters, { chunks: letters.length, annotations: [citation(1), citation(2), citation(3)] }),
  Script.text("And more.", { chunks: 3 })
]

/** Runs on a new thread, whose server completes the answer whatever becomes of its connection. */
const run = (fault?: Script.Fault) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const seen = yield* advancing(observe(service.run(id, { message: "Hi" })), "15 seconds")
    expect(badEnd(seen)).toBeUndefined()
    expect(seen.error).toBeUndefined()
    return seen.events
  }).pipe(Effect.provide(threads([Script.turn(parts, { fault, afterDisconnect: "completed" })])))

type Events = ReadonlyArray<RunEvent.RunEvent>

/** The deltas of each text, in the order in which they came. */
const deltas = (events: Events): ReadonlyArray<string> => {
  const texts = new Map<string, string>()
  for (const event of events) {
    if (event._tag === "TextDelta") texts.set(event.itemId, (texts.get(event.itemId) ?? "") + event.delta)
  }
  return [...texts.values()]
}

const annotations = (events: Events) =>
  events.flatMap((event) => event._tag === "AnnotationAdded" ? [event.annotation.fileId] : [])

/** Everything but the cutting into deltas, and whose ids and numbers they are. */
const told = (events: Events) => events.flatMap((event) => event._tag.endsWith("Delta") ? [] : [event._tag])

/** The events of the whole answer: created, in_progress, and so on to completed. */
const length = 33

describe("law 2: an answer whose rest is asked for", () => {
  it.effect("law 2: is the undisturbed one, wherever the stream is cut", () =>
    Effect.gen(function*() {
      const whole = yield* run()
      expect(deltas(whole)).toEqual([letters, "And more."])
      expect(annotations(whole)).toEqual(["file_1", "file_2", "file_3"])
      let resumed = 0
      for (let afterEvents = 1; afterEvents < length; afterEvents++) {
        const events = yield* run(Script.cut({ afterEvents }))
        expect(deltas(events), `cut after ${afterEvents}`).toEqual(deltas(whole))
        expect(annotations(events), `cut after ${afterEvents}`).toEqual(annotations(whole))
        expect(told(events), `cut after ${afterEvents}`).toEqual(told(whole))
        if (events.length < whole.length) resumed++
      }
      // Most of them had deltas to catch up on, which then come in one.
      expect(resumed).toBeGreaterThan(5)
    }), 60_000)

  it.effect("law 2: has no delta twice where two events changed places", () =>
    Effect.gen(function*() {
      const whole = yield* run()
      // Not the last two: the stream is over with `response.completed`, whatever is behind it.
      for (let event = 2; event < length - 2; event++) {
        const events = yield* run(Script.all([Script.swap({ event }), Script.cut({ afterEvents: event + 2 })]))
        const where = `swap ${event}`
        const sorted = (texts: ReadonlyArray<string>) => texts.map((text) => [...text].sort().join(""))
        expect(sorted(deltas(events)), where).toEqual(sorted(deltas(whole)))
        expect([...annotations(events)].sort(), where).toEqual(annotations(whole))
        expect([...told(events)].sort(), where).toEqual([...told(whole)].sort())
      }
    }), 60_000)

  it.effect(
    "law 2: has no delta twice, and none that is made up, where an event did not come",
    () =>
      Effect.gen(function*() {
        const whole = yield* run()
        const texts = (events: Events) => events.flatMap((event) => event._tag === "TextCompleted" ? [event.text] : [])
        let without = 0
        for (let event = 2; event < length - 1; event++) {
          const events = yield* run(Script.all([Script.swap({ event }), Script.cut({ afterEvents: event + 1 })]))
          const where = `without ${event}`
          const [first = ""] = deltas(events)
          expect(new Set(first).size, where).toBe(first.length)
          expect([...first].every((letter) => letters.includes(letter)), where).toBe(true)
          if (first.length < letters.length) without++
          expect(new Set(annotations(events)).size, where).toBe(annotations(events).length)
          // The texts themselves are whole.
          expect(texts(events), where).toEqual(texts(whole))
          expect(events.at(-1), where).toMatchObject({ _tag: "RunCompleted", text: `${letters}And more.` })
        }
        expect(without).toBeGreaterThan(letters.length)
      }),
    60_000
  )
})
