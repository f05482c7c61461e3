import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { buildSync } from "esbuild"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { install, start, temporary } from "./support/cli.ts"
import { served } from "./support/served.ts"

const bin = install()
const timeout = 60_000

const words = Array.from({ length: 200 }, (_, index) => `word${index}`).join(" ")
const slow = Script.always(Script.turn([Script.text(words, { chunks: 200 })], { latency: "10 millis" }))

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), condition), { until: (true_) => true_ })

describe("signals", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.scopedLive(`${signal} cancels, closes the connection and says how to go on`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([slow])
        const child = start(process.execPath, [bin, "ask", "Hi"], { env })
        yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("word3")))
        child.kill(signal)
        const { code, stderr, stdout } = yield* Effect.promise(() => child.ended)
        const [thread] = yield* simulator.threads
        expect({ code, stderr }).toEqual({
          code: 130,
          stderr: `Cancelled. Go on with: openai-threads ask --thread ${thread?.id}\n`
        })
        expect(stdout.endsWith("\n")).toBe(true)
        expect(words.startsWith(stdout.trimEnd())).toBe(true)
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
        expect((yield* simulator.requests).at(-1)).toMatchObject({ path: "/responses", aborted: true })
        // The question is in the thread, which can be gone on with.
        expect(thread?.items.map(({ role }) => role)).toEqual(["user"])
      }), timeout)
  }

  it.scopedLive("SIGINT while the server is silent, and before the thread is there", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([])
      yield* simulator.inject(Script.stall({ headers: true }))
      const child = start(process.execPath, [bin, "ask", "Hi"], { env })
      yield* until(Effect.map(simulator.requests, (requests) => requests.length === 1))
      child.kill("SIGINT")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130, stdout: "", stderr: "Cancelled.\n" })
    }), timeout)

  it.scopedLive("--json says that it was cancelled", () =>
    Effect.gen(function*() {
      const { env } = yield* served([slow])
      const child = start(process.execPath, [bin, "ask", "Hi", "--events", "-q"], { env })
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("TextDelta")))
      child.kill("SIGINT")
      const { code, stdout } = yield* Effect.promise(() => child.ended)
      const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      expect(code).toBe(130)
      expect(lines.at(-1)).toMatchObject({
        type: "Error",
        seq: lines.length - 1,
        error: { tag: "Cancelled", exitCode: 130 }
      })
    }), timeout)

  for (let round = 0; round < 8; round++) {
    // Spread over the whole life of the process; before its handlers are there, Node ends it by the signal itself.
    const delay = 20 + round * 150
    it.scopedLive(`SIGINT after ${delay} ms leaves nothing open and nothing odd`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([slow])
        const child = start(process.execPath, [bin, "ask", "Hi"], { env })
        yield* Effect.sleep(delay)
        child.kill("SIGINT")
        const { code, signal, stderr, stdout } = yield* Effect.promise(() => child.ended)
        expect(signal === "SIGINT" || code === 130).toBe(true)
        expect(words.startsWith(stdout.trimEnd())).toBe(true)
        if (code === 130) expect(stderr).toMatch(/^Cancelled\.( Go on with: openai-threads ask --thread conv_\w+)?\n$/)
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
      }), timeout)
  }

  it.live("a second signal ends it at once, though the first is not done", () =>
    Effect.gen(function*() {
      const outfile = join(temporary(), "stuck.mjs")
      const entry = fileURLToPath(new URL("./support/stuck.ts", import.meta.url))
      buildSync({ entryPoints: [entry], bundle: true, platform: "node", format: "esm", outfile })
      const child = start(process.execPath, [outfile])
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("ready")))
      child.kill("SIGINT")
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("cancelling")))
      child.kill("SIGINT")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130 })
    }), timeout)
})
