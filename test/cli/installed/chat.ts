import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Options, temporary } from "../support/cli.ts"
import { launch, run } from "../support/installed.ts"
import { served } from "../support/served.ts"

const timeout = 60_000

const chat = (args: ReadonlyArray<string>, options: Options) => run(["chat", ...args], options)

describe.concurrent("chat of a pipe", () => {
  it.scopedLive(
    "each line is a message of one thread; the answers alone go to standard output",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served(["One.", "Two."])
        const result = yield* chat([], { env, stdin: "Hi\n\n/thread\nMore" })
        const [thread, ...others] = yield* simulator.threads
        expect(others).toEqual([])
        expect(result).toMatchObject({
          code: 0,
          stdout: "One.\nTwo.\n",
          stderr: `${thread?.id}\nThread ${thread?.id}. Go on with: openai-threads chat --thread ${thread?.id}\n`
        })
        expect(thread?.items.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])
      }),
    timeout
  )

  it.scopedLive(
    "its arguments are the first message, also where they look like a command",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served(["One.", "Two.", "Three."])
        const result = yield* chat(["-q", "Let us", "play"], { env, stdin: "More\n" })
        expect(result).toMatchObject({ code: 0, stdout: "One.\nTwo.\n", stderr: "" })
        expect(yield* chat(["-q", "/quit"], { env })).toMatchObject({ code: 0, stdout: "Three.\n", stderr: "" })
        const asked = (yield* simulator.threads).flatMap(({ items }) => items).filter(({ role }) => role === "user")
        expect(asked.map(({ content }) => content)).toMatchObject([
          [{ text: "Let us play" }],
          [{ text: "More" }],
          [{ text: "/quit" }]
        ])
      }),
    timeout
  )

  it.scopedLive("goes on with a thread, quietly", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served(["One.", "Two."])
      yield* chat([], { env, stdin: "Hi\n" })
      const [thread] = yield* simulator.threads
      const result = yield* chat(["-q", "--thread", thread?.id ?? ""], { env, stdin: "And?\n/quit\nNever sent\n" })
      expect(result).toMatchObject({ code: 0, stdout: "Two.\n", stderr: "" })
      expect((yield* simulator.threads)[0]?.items).toHaveLength(4)
    }), timeout)

  it.scopedLive("--tools tells of calls on standard error", () =>
    Effect.gen(function*() {
      const search = Script.turn([Script.hostedTool("web_search", { query: "x" }), Script.text("Found.")])
      const { env } = yield* served([search, search])
      const { code, stderr, stdout } = yield* chat(["--tools"], { env, stdin: "Hi\n" })
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Found.\n" })
      expect(stderr).toMatch(/^→ web_search\n✓ web_search x \(\d\.\d s\)\nThread [^\n]*\n$/)
      expect(yield* chat(["--tools", "-q"], { env, stdin: "Hi\n" })).toMatchObject({ stdout: "Found.\n", stderr: "" })
    }), timeout)

  it.scopedLive(
    "takes what ask takes: files, model, instructions, server, usage, colour",
    () =>
      Effect.gen(function*() {
        const { env: { OPENAI_BASE_URL: url = "", ...env }, simulator } = yield* served(["One.", "Two."])
        const note = join(temporary(), "note.txt")
        writeFileSync(note, "remember the milk")
        const args = ["-a", note, "-m", "other", "--instructions", "Be short.", "--base-url", url]
        const { code, stderr, stdout } = yield* chat([...args, "--usage", "--color", "always"], {
          env,
          stdin: "Hi\nMore\n"
        })
        expect({ code, stdout }).toEqual({ code: 0, stdout: "One.\nTwo.\n" })
        expect(stderr.match(/^tokens: /gm)).toHaveLength(2)
        expect(stderr).toContain("\u001b[2mThread conv_")
        expect((yield* simulator.requests).filter(({ path }) => path === "/responses")).toMatchObject([
          { body: { model: "other", instructions: "Be short." } },
          { body: { model: "other", instructions: "Be short." } }
        ])
        const [thread] = yield* simulator.threads
        const asked = thread?.items.filter(({ role }) => role === "user").map(({ content }) => content)
        expect(asked).toEqual([
          [
            { type: "input_text", text: "Hi" },
            { type: "input_text", text: "<file name=\"note.txt\">\nremember the milk\n</file>" }
          ],
          [{ type: "input_text", text: "More" }]
        ])
      }),
    timeout
  )

  it.scopedLive("--debug shows the stack of an error, which is not shown without it", () =>
    Effect.gen(function*() {
      const refused = Script.httpError({ status: 401, code: "invalid_api_key" })
      const { env } = yield* served([refused, refused])
      expect((yield* chat(["--debug"], { env, stdin: "Hi\n" })).stderr).toMatch(/\n\s+at /)
      expect((yield* chat([], { env, stdin: "Hi\n" })).stderr).not.toMatch(/\n\s+at /)
    }), timeout)

  it.scopedLive("the first failure ends it, with its exit code", () =>
    Effect.gen(function*() {
      const limited = Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "400" } })
      const { env, simulator } = yield* served(["One.", limited])
      const result = yield* chat(["-q"], { env, stdin: "a\nb\nc\n" })
      expect(result).toMatchObject({
        code: 5,
        stdout: "One.\n",
        stderr: expect.stringMatching(/^error: OpenAI's rate/)
      })
      expect((yield* simulator.threads)[0]?.items.filter(({ role }) => role === "user")).toHaveLength(2)
      expect(yield* chat(["-q"], { env, stdin: "/nope\n" })).toMatchObject({ code: 2, stdout: "" })
    }), timeout)

  it.scopedLive("nothing is asked where nothing is piped in", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([])
      expect(yield* chat([], { env })).toMatchObject({ code: 0, stdout: "", stderr: "" })
      expect(yield* simulator.requests).toEqual([])
    }), timeout)

  it.effect("says what is missing before anything is asked", () =>
    Effect.gen(function*() {
      expect(yield* chat([], { stdin: "Hi\n" })).toMatchObject({
        code: 3,
        stderr: expect.stringContaining("there is no API key")
      })
      expect(yield* chat(["--simulate", "--thread", "conv_1"], { stdin: "Hi\n" })).toMatchObject({
        code: 2,
        stdout: ""
      })
      expect(yield* chat(["--simulate", "-q"], { stdin: "Hi\n" })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("You asked: Hi"),
        stderr: "warning: this is a simulated model; nothing is sent to OpenAI\n"
      })
    }), timeout)

  it.scopedLive("a signal cancels the answer and ends it", () =>
    Effect.gen(function*() {
      const story = Script.text("Once upon a time there was a server.", { chunks: 8 })
      const { env, simulator } = yield* served([Script.turn([story], { fault: Script.stall({ afterEvents: 6 }) })])
      const child = launch(["chat"], { env, stdin: "Hi\nNext\n" })
      yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("upon")))
      child.kill("SIGINT")
      const { code, stderr } = yield* Effect.promise(() => child.ended)
      const [thread] = yield* simulator.threads
      expect({ code, stderr }).toEqual({
        code: 130,
        stderr: `Thread ${thread?.id}. Go on with: openai-threads chat --thread ${thread?.id}\n`
      })
    }), timeout)
})
