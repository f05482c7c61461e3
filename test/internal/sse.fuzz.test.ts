import { expect, it } from "@effect/vitest"
import { PCGRandom } from "effect/Utils"
import { type SseEvent, SseParser } from "../../src/internal/sse.ts"

const groups = 10
/** Of each group: bodies, each in five chunkings, 50,000 in all. */
const bodies = 1_000

/** The standard's algorithm, word by word, on a whole body. Source: HTML Living Standard, 9.2.6. */
const reference = (bytes: Uint8Array): ReadonlyArray<SseEvent> => {
  const events: Array<SseEvent> = []
  let event = ""
  let data: Array<string> = []
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/)
  // What comes after the last line end is no line.
  for (const line of lines.slice(0, -1)) {
    if (line === "") {
      if (data.length > 0) events.push({ event, data: data.join("\n") })
      event = ""
      data = []
      continue
    }
    const colon = line.indexOf(":")
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "data") data.push(value)
    else if (field === "event") event = value
  }
  return events
}

const encoder = new TextEncoder()
const pieces = [
  ["data: ", "data:", "data", "event: ", "event:", "eventful", ": ping", "id: 1", "retry: 5", "dat", ":", " ", "x"],
  ["{\"type\":\"a\"}", "grüße", "世界", "🙂", "\u2028", "\u0085", "\uFEFF", "a\0b"],
  ["\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "\r\r", "\n\r"]
].flat().map((text) => encoder.encode(text))
// A character that is cut off, a byte that never is one, an overlong one.
const broken = [[0xf0, 0x9f], [0xff], [0xc0, 0xaf], [0x80], [0xef, 0xbb]].map((bytes) => Uint8Array.from(bytes))

const body = (random: PCGRandom): Uint8Array => {
  const parts: Array<number> = []
  const count = random.integer(160)
  for (let i = 0; i < count; i++) {
    const from = random.integer(10) === 0 ? broken : pieces
    parts.push(...from[random.integer(from.length)]!)
  }
  return Uint8Array.from(parts)
}

const parse = (random: PCGRandom, bytes: Uint8Array): ReadonlyArray<SseEvent> => {
  const events: Array<SseEvent> = []
  const parser = new SseParser((event) => void events.push(event))
  const largest = 1 + random.integer(40)
  for (let at = 0; at < bytes.length;) {
    const end = at + random.integer(largest + 1)
    parser.push(bytes.subarray(at, end))
    at = end
  }
  return events
}

for (let group = 0; group < groups; group++) {
  it(`the parser gives what the standard's algorithm gives, bodies from ${group * bodies}`, () => {
    let events = 0
    for (let seed = group * bodies; seed < (group + 1) * bodies; seed++) {
      const random = new PCGRandom(seed)
      const bytes = body(random)
      const expected = reference(bytes)
      events += expected.length
      for (let i = 0; i < 5; i++) {
        const actual = parse(random, bytes)
        if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, `seed ${seed}`).toEqual(expected)
      }
    }
    // The bodies are not all noise.
    expect(events).toBeGreaterThan(1_000)
  })
}

it("arbitrary bytes never throw", () => {
  const random = new PCGRandom(1)
  const parser = new SseParser(() => {})
  for (let i = 0; i < 2_000; i++) {
    parser.push(Uint8Array.from({ length: random.integer(500) }, () => random.integer(256)))
  }
})
