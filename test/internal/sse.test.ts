import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { EventTooLarge, maxEventLength, type SseEvent, SseParser } from "../../src/internal/sse.ts"

const encode = (text: string) => new TextEncoder().encode(text)

const parse = (pieces: Iterable<Uint8Array>): ReadonlyArray<SseEvent> => {
  const events: Array<SseEvent> = []
  const parser = new SseParser((event) => void events.push(event))
  for (const piece of pieces) parser.push(piece)
  return events
}

const whole = (text: string) => parse([encode(text)])
const data = (...values: ReadonlyArray<string>) => values.map((data) => ({ event: "", data }))

/** Cuts at these places. */
const cut = (bytes: Uint8Array, places: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.subarray(at[index]!, end))
}

describe("SseParser", () => {
  for (const [name, end] of [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]] as const) {
    it(`${name} ends lines`, () => {
      const text = ["event: a", "data: 1", "", "data: 2", "data: 3", "", ""].join(end)
      // A CR at the very end may be half a CRLF, which changes nothing about the event before it.
      expect(whole(text)).toEqual([{ event: "a", data: "1" }, { event: "", data: "2\n3" }])
    })
  }

  it("line ends may be mixed", () => {
    expect(whole("data: 1\r\ndata: 2\rdata: 3\n\r\ndata: 4\n\n")).toEqual(data("1\n2\n3", "4"))
  })

  it("an event is given as soon as it is whole, and not before", () => {
    const events: Array<SseEvent> = []
    const parser = new SseParser((event) => void events.push(event))
    parser.push(encode("data: 1\n"))
    expect(events).toEqual([])
    parser.push(encode("\n"))
    expect(events).toEqual(data("1"))
    parser.push(encode("data: 2\r\n\r"))
    expect(events).toEqual(data("1", "2"))
    parser.push(encode("\ndata: 3\n\n"))
    expect(events).toEqual(data("1", "2", "3"))
  })

  it("an event that has no end is not given", () => {
    expect(whole("data: 1\n\ndata: 2\n")).toEqual(data("1"))
    expect(whole("data: 1\n\ndata: 2")).toEqual(data("1"))
  })

  it("several data lines are joined by line feeds, empty ones too", () => {
    expect(whole("data: a\ndata:\ndata\ndata: b\n\n")).toEqual(data("a\n\n\nb"))
    expect(whole("data\n\n")).toEqual(data(""))
    expect(whole("data:\n\n")).toEqual(data(""))
  })

  it("one space after the colon is no part of the value", () => {
    expect(whole("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: \n\n")).toEqual(data("a", "a", " a", "\ta", ""))
  })

  it("comments, ids, retries and unknown fields are skipped", () => {
    expect(whole(": ping\n\nid: 1\nretry: 5\nfoo: bar\ndatax: no\n data: no\ndata: yes\n: data: no\n\n:\n\n")).toEqual(
      data("yes")
    )
  })

  it("an event without data is none, and its name is forgotten", () => {
    expect(whole("event: a\n\ndata: 1\n\n")).toEqual(data("1"))
  })

  it("a byte order mark at the beginning is skipped, also when it is cut", () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...encode("data: 1\n\n")])
    for (let at = 0; at <= bytes.length; at++) expect(parse(cut(bytes, [at]))).toEqual(data("1"))
  })

  it("empty reads change nothing", () => {
    const none = new Uint8Array(0)
    expect(parse([none, encode("data: 1\r"), none, encode("\n\r"), none, encode("\n"), none])).toEqual(data("1"))
  })

  it("two cuts anywhere, in characters and in CRLF, change nothing", () => {
    const bytes = encode(": é\r\nevent: grüße\r\ndata: 世界\r\ndata: 🙂🙂\r\n\r\ndata: x\r\rdata: ü\n\n")
    const expected = [{ event: "grüße", data: "世界\n🙂🙂" }, { event: "", data: "x" }, { event: "", data: "ü" }]
    for (let a = 0; a <= bytes.length; a++) {
      for (let b = a; b <= bytes.length; b++) expect(parse(cut(bytes, [a, b]))).toEqual(expected)
    }
    expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
  })

  it("any chunking of any bytes gives what one read gives", () => {
    const line = FastCheck.oneof(
      FastCheck.constantFrom("data: ", "data:", "data", "event: ", "event:", ":", "id: 1", "", "\uFEFF", "dat"),
      FastCheck.string({ unit: "binary" })
    )
    const end = FastCheck.constantFrom("\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r", "")
    const text = FastCheck.array(FastCheck.tuple(line, line, end)).map((lines) => lines.flat().join(""))
    FastCheck.assert(
      FastCheck.property(text, FastCheck.array(FastCheck.nat(10_000)), (text, places) => {
        expect(parse(cut(encode(text), places))).toEqual(whole(text))
      }),
      { numRuns: 1000 }
    )
  })

  it("what was encoded is read back, however it is cut", () => {
    const value = FastCheck.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n\uFEFF]/g, ""))
    const event = FastCheck.record({ event: value, data: FastCheck.array(value, { minLength: 1 }) })
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(event),
        FastCheck.constantFrom("\n", "\r\n", "\r"),
        FastCheck.array(FastCheck.nat(10_000)),
        (events, end, places) => {
          const text = events
            .map(({ data, event }) => [`event: ${event}`, ...data.map((line) => `data: ${line}`), "", ""].join(end))
            .join("")
          expect(parse(cut(encode(text), places))).toEqual(
            events.map(({ data, event }) => ({ event, data: data.join("\n") }))
          )
        }
      )
    )
  })

  it("an event of 8 MiB in reads of 64 KiB is whole, and its length costs no second look", () => {
    const size = 8 * 1024 * 1024
    const bytes = encode(`data: ${"x".repeat(size)}\n\n`)
    const pieces: Array<Uint8Array> = []
    for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536))
    const started = performance.now()
    const events = parse(pieces)
    const elapsed = performance.now() - started
    expect(events).toHaveLength(1)
    expect(events[0]!.data.length).toBe(size)
    expect(elapsed).toBeLessThan(2000)
  })

  const mebibyte = new Uint8Array(1024 * 1024).fill(120)
  const grow = (first: string, piece: Uint8Array) => () => {
    const parser = new SseParser(() => {})
    parser.push(encode(first))
    for (let length = 0; length <= maxEventLength; length += piece.length) parser.push(piece)
  }

  it("a line that never ends is EventTooLarge, data or not", () => {
    expect(grow("data: ", mebibyte)).toThrow(EventTooLarge)
    expect(grow(": ", mebibyte)).toThrow(EventTooLarge)
  })

  it("an event whose lines never end is EventTooLarge", () => {
    const lines = encode(`data: ${"x".repeat(4 * 1024 * 1024)}\n`)
    expect(grow("", lines)).toThrow(EventTooLarge)
  })

  it("many small events are never too large", () => {
    const parser = new SseParser(() => {})
    const events = encode(`data: ${"x".repeat(8 * 1024 * 1024)}\n\n`)
    for (let count = 0; count < 9; count++) parser.push(events)
  })
})
