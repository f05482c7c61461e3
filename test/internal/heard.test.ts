import { expect, it } from "vitest"
import { Heard } from "../../src/internal/heard.ts"
import type { WireEvent } from "../../src/internal/wireEvents.ts"

const at = (content_index: number) => ({ item_id: "msg_1", output_index: 0, content_index })
const delta = (index: number, delta: string) =>
  ({ type: "response.output_text.delta", ...at(index), delta }) as WireEvent
const done = (index: number, text: unknown) => ({ type: "response.output_text.done", ...at(index), text }) as WireEvent

it("keeps what was heard of all parts, in the words of those that are done", () => {
  const heard = new Heard(true)
  const texts: Array<string> = []
  for (
    const event of [
      delta(0, "One, "),
      done(0, "One. "),
      delta(1, "Two"),
      delta(2, "Thr"),
      done(1, "Two. "),
      done(2, 5),
      delta(2, "ee.")
    ]
  ) {
    heard.note(event)
    texts.push(heard.partial)
  }
  expect(texts).toEqual([
    "One, ",
    "One. ",
    "One. Two",
    "One. TwoThr",
    "One. TwoThr",
    "One. TwoThr",
    "One. TwoThree."
  ])
})

it("tells a part that grows again once", () => {
  const heard = new Heard(true)
  for (const event of [delta(0, "A1 "), delta(1, "B1 "), delta(0, "A2 "), done(0, "A1 A2 ")]) heard.note(event)
  expect(heard.partial).toBe("A1 B1 A2 ")
})

it("keeps nothing where nothing is to be kept", () => {
  const heard = new Heard(false)
  for (const event of [delta(0, "One"), done(0, "One.")]) heard.note(event)
  expect(heard.partial).toBe("")
})
