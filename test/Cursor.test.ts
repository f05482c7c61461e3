import { describe, expect, it } from "@effect/vitest"
import { Cursor, type RunEvent, Thread } from "effect-openai-threads"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as FastCheck from "effect/FastCheck"
import * as ParseResult from "effect/ParseResult"

const cursor: Cursor.Cursor = {
  v: 1,
  threadId: Thread.ThreadId.make("conv_1"),
  runId: Thread.RunId.make("run_1"),
  step: 2,
  responseId: Thread.ResponseId.make("resp_1"),
  wire: 17,
  sequence: 42
}
const { responseId: _responseId, ...withoutResponse } = cursor
const encoded = (value: unknown) => Encoding.encodeBase64Url(JSON.stringify(value))

describe("Cursor", () => {
  it.effect("comes back from its string as it was", () =>
    Effect.gen(function*() {
      for (const one of [cursor, withoutResponse, { ...cursor, step: -1, wire: -1, sequence: 0 }]) {
        expect(yield* Cursor.decode(Cursor.encode(one))).toEqual(one)
      }
    }))

  it("any cursor survives, as characters that are safe in a URL", () => {
    const id = FastCheck.string({ unit: "grapheme", minLength: 1 })
    FastCheck.assert(
      FastCheck.property(id, id, FastCheck.integer(), FastCheck.integer(), (threadId, runId, wire, sequence) => {
        const one = {
          ...cursor,
          threadId: Thread.ThreadId.make(threadId),
          runId: Thread.RunId.make(runId),
          wire,
          sequence
        }
        const text = Cursor.encode(one)
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(Effect.runSync(Cursor.decode(text))).toEqual(one)
      })
    )
  })

  it.effect("garbage fails with a ParseError", () =>
    Effect.gen(function*() {
      const garbage = [
        "",
        " ",
        "not a cursor",
        "%%%",
        "🙂",
        "AAAA",
        Encoding.encodeBase64Url("{"),
        encoded(null),
        encoded([]),
        encoded({}),
        encoded({ ...cursor, v: 2 }),
        encoded({ ...cursor, threadId: "" }),
        encoded({ ...cursor, sequence: 1.5 }),
        encoded({ ...cursor, wire: "17" }),
        Cursor.encode(cursor).slice(0, -5),
        JSON.stringify(cursor)
      ]
      for (const text of garbage) {
        expect(yield* Effect.flip(Cursor.decode(text)), text).toBeInstanceOf(ParseResult.ParseError)
      }
    }))

  it.effect("stands behind its event", () =>
    Effect.gen(function*() {
      const { v: _, ...position } = cursor
      const event: RunEvent.RunEvent = { _tag: "StepStarted", ...position }
      expect(Cursor.fromEvent(event)).toEqual(cursor)
      const { responseId: _1, ...early } = position
      const before: RunEvent.RunEvent = { _tag: "RunQueued", place: 1, ...early }
      expect(Cursor.fromEvent(before)).toEqual(withoutResponse)
      expect(yield* Cursor.decode(Cursor.encode(Cursor.fromEvent(before)))).toEqual(withoutResponse)
    }))
})
