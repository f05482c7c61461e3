import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { bin } from "../support/installed.ts"
import { hasTmux, open, withTmux } from "../support/screen.ts"
import { served } from "../support/served.ts"

const onTerminal = (name: string, test: Parameters<typeof it.scopedLive>[1]) =>
  it.scopedLive.skipIf(!hasTmux)(withTmux(name), test, 120_000)

/** Long enough that the screen is seen before the first text. */
const late = Script.turn([Script.text("Hello.")], { latency: "600 millis" })

const ask = (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { env: there } = yield* served([late])
    return yield* open([process.execPath, bin, "ask", "Hi", ...args], { ...there, ...env })
  })

const dim = "\u001b[2m"

describe.concurrent("ask on a terminal", () => {
  onTerminal("a spinner that turns, and is gone at the first text", () =>
    Effect.gen(function*() {
      const screen = yield* ask({})
      const first = yield* screen.until((text) => /^. Asking test-model$/.test(text))
      yield* screen.until((text) => /^. Asking test-model$/.test(text) && text !== first)
      yield* screen.until((text) => text.startsWith("Hello."))
      const { code, screen: text } = yield* screen.ended
      expect(code).toBe(0)
      expect(text).toMatch(/^Hello\.\nThread conv_\w+\. Go on with: [^\n]*$/)
    }))

  onTerminal("a spinner that fits into the line, so that nothing of it is left", () =>
    Effect.gen(function*() {
      const screen = yield* ask({}, "-m", "x".repeat(500))
      yield* screen.until((text) => /^. Asking x+…$/.test(text))
      expect((yield* screen.ended).screen).toMatch(/^Hello\.\nThread [^\n]*$/)
    }))

  onTerminal("no spinner with -q, nor where the terminal is dumb", () =>
    Effect.gen(function*() {
      for (const screen of [yield* ask({}, "-q"), yield* ask({ TERM: "dumb" })]) {
        let seen = ""
        yield* screen.until((text) => {
          seen += text
          return text.includes("Hello.")
        })
        expect(seen).not.toContain("Asking")
        expect(yield* screen.painted).not.toContain(dim)
      }
    }))

  onTerminal("lines that end as on Windows, and nothing that a terminal would obey", () =>
    Effect.gen(function*() {
      const { env } = yield* served([
        Script.turn(["one\r", "\ntwo\r\nthr\ree", "\u001b[2J\r"].map((part) => Script.text(part)))
      ])
      const screen = yield* open([process.execPath, bin, "ask", "-q", "Hi"], env)
      expect((yield* screen.ended).screen).toBe("one\ntwo\nthr\u{fffd}ee\u{fffd}[2J")
    }))

  onTerminal("colour, unless NO_COLOR is set", () =>
    Effect.gen(function*() {
      const painted = (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const screen = yield* open([process.execPath, bin, ...args], env)
          yield* screen.ended
          return yield* screen.painted
        })
      const { env } = yield* served([Script.always(Script.text("Hello."))])
      expect(yield* painted(env, "ask", "Hi")).toContain(`${dim}Thread conv_`)
      expect(yield* painted({ ...env, NO_COLOR: "" }, "ask", "Hi")).toContain(dim)
      expect(yield* painted({ ...env, NO_COLOR: "1" }, "ask", "Hi")).not.toContain("\u001b[2m")
      // Of the command line itself, before any setting is read.
      expect(yield* painted({}, "ask", "--nope")).toContain("\u001b[31merror:")
      expect(yield* painted({ NO_COLOR: "1" }, "ask", "--nope")).not.toContain("\u001b[31m")
      expect(yield* painted({ TERM: "dumb" }, "ask", "--nope")).not.toContain("\u001b[31m")
    }))
})
