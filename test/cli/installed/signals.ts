import { describe, expect, it } from "@effect/vitest"
import { Script, type Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { buildSync } from "esbuild"
import { execFileSync } from "node:child_process"
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Running, start, temporary } from "../support/cli.ts"
import { bash, launch } from "../support/installed.ts"
import { served } from "../support/served.ts"

const timeout = 60_000

const words = Array.from({ length: 200 }, (_, index) => `word${index}`).join(" ")
const story = Script.turn([Script.text(words, { chunks: 200 })], { latency: "10 millis" })
const slow = Script.always(story)

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), condition), { until: (true_) => true_ })

/** A pipe that takes nothing until it is emptied. */
const fullPipe = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = join(temporary(), "pipe")
      execFileSync("sh", ["-c", "mkfifo \"$0\"", path])
      return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    }),
    (fd) => Effect.sync(() => closeSync(fd))
  ),
  (fd) => {
    const page = Buffer.alloc(4096)
    let size = 0
    try {
      for (;;) size += writeSync(fd, page)
    } catch (error) {
      expect(error).toMatchObject({ code: "EAGAIN" })
    }
    return { fd, empty: () => readSync(fd, Buffer.alloc(size)) }
  }
)

const requests = (simulator: Simulator.Service, count: number) =>
  until(Effect.map(simulator.requests, ({ length }) => length >= count))

const text = (child: Running, word: string) => Effect.promise(() => child.when(({ stdout }) => stdout().includes(word)))

/** Interrupts a question at some moment: nothing stays open, and nothing odd is said. */
const interrupted = (moment: (child: Running, simulator: Simulator.Service) => Effect.Effect<unknown>) =>
  Effect.scoped(Effect.gen(function*() {
    const { env, simulator } = yield* served([slow])
    const child = launch(["ask", "Hi"], { env })
    yield* moment(child, simulator)
    child.kill("SIGINT")
    const { code, signal, stderr, stdout } = yield* Effect.promise(() => child.ended)
    // Before its handlers are there, Node ends it by the signal itself.
    expect(signal === "SIGINT" || code === 130).toBe(true)
    expect(words.startsWith(stdout.trimEnd())).toBe(true)
    if (code === 130) {
      expect(stderr).toMatch(
        /^Cancelled\.( Go on with: openai-threads ask --thread conv_\w+ --retry)?\n$/
      )
    }
    yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
  }))

/** The same numbers from 0 to 1 each time. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

describe.concurrent("signals", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.scopedLive(`${signal} cancels, closes the connection and says how to go on`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([slow])
        const child = launch(["ask", "Hi"], { env })
        yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("word3")))
        child.kill(signal)
        const { code, stderr, stdout } = yield* Effect.promise(() => child.ended)
        const [thread] = yield* simulator.threads
        expect({ code, stderr }).toEqual({
          code: 130,
          stderr: `Cancelled. Go on with: openai-threads ask --thread ${thread?.id} --retry\n`
        })
        expect(stdout.endsWith("\n")).toBe(true)
        expect(words.startsWith(stdout.trimEnd())).toBe(true)
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
        expect((yield* simulator.requests).at(-1)).toMatchObject({ path: "/responses", aborted: true })
        // The question is in the thread, which can be gone on with.
        expect(thread?.items.map(({ role }) => role)).toEqual(["user"])
      }), timeout)
  }

  it.scopedLive(
    "what is printed of a cancelled answer goes on with it, as it is printed",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([story, Script.text("Here it is.")])
        const child = launch(["ask", "Hi"], { env })
        yield* text(child, "word3")
        child.kill("SIGINT")
        const { stderr } = yield* Effect.promise(() => child.ended)
        const command = stderr.slice(stderr.indexOf("openai-threads"))
        const again = yield* bash(`node="$0"; bin="$1"; openai-threads() { "$node" "$bin" "$@"; }; ${command}`, { env })
        expect(again).toMatchObject({ code: 0, stdout: "Here it is.\n" })
        const [thread] = yield* simulator.threads
        expect(thread?.items.map(({ role }) => role)).toEqual(["user", "assistant"])
      }),
    timeout
  )

  it.scopedLive("SIGINT while the server is silent, and before the thread is there", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([])
      yield* simulator.inject(Script.stall({ headers: true }))
      const child = launch(["ask", "Hi"], { env })
      yield* until(Effect.map(simulator.requests, (requests) => requests.length === 1))
      child.kill("SIGINT")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130, stdout: "", stderr: "Cancelled.\n" })
    }), timeout)

  it.scopedLive("SIGTERM before the first text", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.turn("Late.", { latency: "1 minute" })])
      const child = launch(["ask", "Hi"], { env })
      yield* requests(simulator, 2)
      child.kill("SIGTERM")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({
        code: 130,
        stdout: "",
        stderr: expect.stringMatching(/^Cancelled\. Go on with: [^\n]*\n$/)
      })
      yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
    }), timeout)

  it.scopedLive("a second one ends it at once, with 130, though the first is not done", () =>
    Effect.gen(function*() {
      const long = Script.turn([
        Script.hostedTool("web_search", { query: "x" }),
        Script.text("word ".repeat(50_000), { chunks: 2 })
      ])
      const { env, simulator } = yield* served([long])
      // What it has written of the text stays where it is, and so does the end of it.
      const stdout = yield* fullPipe
      const child = launch(["ask", "--tools", "Hi"], { env, stdout: stdout.fd })
      yield* Effect.promise(() => child.when(({ stderr }) => stderr().includes("✓")))
      yield* Effect.sleep("300 millis")
      child.kill("SIGINT")
      yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
      yield* Effect.sleep("300 millis")
      expect(child.hasEnded()).toBe(false)
      child.kill("SIGINT")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130, signal: null })
    }), timeout)

  it.scopedLive(
    "--json and --events say that it was cancelled, also before there is a thread",
    () =>
      Effect.gen(function*() {
        for (const format of ["--json", "--events"]) {
          const { env, simulator } = yield* served([])
          yield* simulator.inject(Script.stall({ headers: true }))
          const child = launch(["ask", "Hi", format], { env })
          yield* requests(simulator, 1)
          child.kill("SIGINT")
          const { code, stderr, stdout } = yield* Effect.promise(() => child.ended)
          expect({ code, stderr }).toEqual({ code: 130, stderr: "Cancelled.\n" })
          expect(JSON.parse(stdout)).toMatchObject({ v: 1, error: { tag: "Cancelled", exitCode: 130 } })
        }
      }),
    timeout
  )

  it.scopedLive("--json says that it was cancelled", () =>
    Effect.gen(function*() {
      const { env } = yield* served([slow])
      const child = launch(["ask", "Hi", "--events", "-q"], { env })
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

  it.scopedLive(
    "the connection is closed before anything else is done, and not by the end of the process",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([slow])
        const stderr = yield* fullPipe
        const child = launch(["ask", "Hi"], { env, stderr: stderr.fd })
        yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("word3")))
        child.kill("SIGINT")
        // It cannot end as long as it cannot say that it was cancelled.
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
        expect((yield* simulator.requests).at(-1)).toMatchObject({ path: "/responses", aborted: true })
        expect(child.hasEnded()).toBe(false)
        stderr.empty()
        expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130 })
      }),
    timeout
  )

  /** Spread over the whole life of the process. */
  const moments: ReadonlyArray<
    readonly [name: string, until: (child: Running, simulator: Simulator.Service) => Effect.Effect<unknown>]
  > = [
    ["at its start", () => Effect.void],
    ["20 ms after its start", () => Effect.sleep("20 millis")],
    ["when it asks for a thread", (_, simulator) => requests(simulator, 1)],
    ["when it asks the model", (_, simulator) => requests(simulator, 2)],
    ["5 ms later", (_, simulator) => Effect.zipLeft(requests(simulator, 2), Effect.sleep("5 millis"))],
    ["at its first text", (child) => text(child, "word0")],
    ["in its text", (child) => text(child, "word50 ")],
    ["near its end", (child) => text(child, "word150 ")]
  ]

  for (const [name, moment] of moments) {
    it.live(`SIGINT ${name} leaves nothing open and nothing odd`, () => interrupted(moment), timeout)
  }

  it.live("SIGINT at moments that nobody chose does neither", () => {
    const next = random(20_261_124)
    const delays = Array.from({ length: 12 }, () => Math.round(next() * 1_500))
    return Effect.forEach(delays, (delay) => interrupted(() => Effect.sleep(delay)), { concurrency: 3 })
  }, timeout)

  it.live("a second signal ends it at once, though the first is not done", () =>
    Effect.gen(function*() {
      const outfile = join(temporary(), "stuck.mjs")
      const entry = fileURLToPath(new URL("../support/stuck.ts", import.meta.url))
      buildSync({ entryPoints: [entry], bundle: true, platform: "node", format: "esm", outfile })
      const child = start(process.execPath, [outfile])
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("ready")))
      child.kill("SIGINT")
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("cancelling")))
      child.kill("SIGINT")
      expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 130 })
    }), timeout)
})
