import { describe, expect, it } from "@effect/vitest"
import { Script, type Script as ScriptOf } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Options, temporary } from "../support/cli.ts"
import { bash, run } from "../support/installed.ts"
import { key, served } from "../support/served.ts"

const files = temporary()

const file = (name: string, content: string | Uint8Array) => {
  const path = join(files, name)
  writeFileSync(path, content)
  return path
}

const ask = (args: ReadonlyArray<string>, options: Options = {}) => run(["ask", ...args], options)

/** What the model was sent in the message of the last question. */
const content = (requests: ReadonlyArray<{ readonly path: string; readonly body: unknown }>) => {
  const bodies = requests.map(({ body }) => body as { readonly items?: ReadonlyArray<{ readonly content: unknown }> })
  return bodies.flatMap((body) => body?.items ?? []).at(-1)?.content
}

const timeout = 60_000

describe.concurrent("ask: what is printed", () => {
  it.scopedLive(
    "the answer on standard output and nothing else, the thread on standard error",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.text("Hello,\nworld.")])
        const result = yield* ask(["Hi"], { env })
        const [thread] = yield* simulator.threads
        expect(result).toEqual({
          code: 0,
          signal: null,
          stdout: "Hello,\nworld.\n",
          stderr: `Thread ${thread?.id}. Go on with: openai-threads ask --thread ${thread?.id} "…"\n`
        })
        // One request for the thread with its message, one for the answer.
        expect((yield* simulator.requests).map(({ method, path }) => `${method} ${path}`)).toEqual([
          "POST /conversations",
          "POST /responses"
        ])
      }),
    timeout
  )

  it.scopedLive(
    "-q: nothing on standard error; one line break at the end, however many there are",
    () =>
      Effect.gen(function*() {
        const { env } = yield* served([Script.text("Two\n\nparts\n\n\n"), Script.text("None"), Script.text("\n")])
        expect(yield* ask(["Hi", "-q"], { env })).toMatchObject({ code: 0, stdout: "Two\n\nparts\n", stderr: "" })
        expect(yield* ask(["Hi", "-q"], { env })).toMatchObject({ code: 0, stdout: "None\n", stderr: "" })
        expect(yield* ask(["Hi", "-q"], { env })).toMatchObject({ code: 0, stdout: "", stderr: "" })
      }),
    timeout
  )

  it.scopedLive("--json: one object", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("Yes.")])
      const { code, stderr, stdout } = yield* ask(["Hi", "--json", "-q"], { env })
      const [thread] = yield* simulator.threads
      expect({ code, stderr, lines: stdout.match(/\n/g)?.length }).toEqual({ code: 0, stderr: "", lines: 1 })
      expect(JSON.parse(stdout)).toMatchObject({
        v: 1,
        threadId: thread?.id,
        runId: expect.stringMatching(/^run_/),
        status: "completed",
        text: "Yes.",
        messages: [{ role: "assistant", content: [{ text: "Yes." }] }],
        usage: { input: expect.any(Number) },
        pending: []
      })
    }), timeout)

  it.scopedLive("--events: versioned lines, numbered without a gap", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.text("one two three")])
      const { code, stdout } = yield* ask(["Hi", "--events", "-q"], { env })
      const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      expect(code).toBe(0)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index))
      expect(events.every(({ v }) => v === 1)).toBe(true)
      expect(events[0].type).toBe("RunStarted")
      expect(events.at(-1)).toMatchObject({ type: "RunCompleted", status: "completed", text: "one two three" })
      expect(events.filter(({ type }) => type === "TextDelta").map(({ delta }) => delta).join("")).toBe("one two three")
    }), timeout)

  it.scopedLive("-o: into a file, and a file that cannot be written costs no request", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("Kept.")])
      const path = file("answer.txt", "what was there before, which is longer")
      expect(yield* ask(["Hi", "-q", "-o", path], { env })).toMatchObject({ code: 0, stdout: "", stderr: "" })
      expect(readFileSync(path, "utf8")).toBe("Kept.\n")
      const before = (yield* simulator.requests).length
      const missing = yield* ask(["Hi", "-o", join(files, "no/such/file")], { env })
      expect(missing).toMatchObject({ code: 2, stdout: "" })
      expect(missing.stderr).toContain("cannot be written")
      expect(yield* ask(["Hi", "-o", files], { env })).toMatchObject({ code: 2, stdout: "" })
      expect((yield* simulator.requests).length).toBe(before)
    }), timeout)

  it.scopedLive("-o: a run that fails before its first text leaves the file as it is", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.failure("server_error")])
      const path = file("kept.txt", "before")
      expect(yield* ask(["Hi", "-o", path], { env })).toMatchObject({ code: 4, stdout: "" })
      expect(readFileSync(path, "utf8")).toBe("before")
    }), timeout)

  it.scopedLive("-o: an answer without a text empties the file", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.text("\n")])
      const path = file("emptied.txt", "before")
      expect(yield* ask(["Hi", "-q", "-o", path], { env })).toMatchObject({ code: 0, stdout: "", stderr: "" })
      expect(readFileSync(path, "utf8")).toBe("")
    }), timeout)

  it.scopedLive(
    "-o: into a pipe, into what another program reads, and to standard output",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.always(Script.text("Piped."))])
        const piped = (script: string) => bash(script, { env, cwd: temporary() })
        const result = { code: 0, stdout: "Piped.\n", stderr: "" }
        expect(yield* piped(`mkfifo p; cat p & "$0" "$1" ask -q -o p Hi; wait`)).toMatchObject(result)
        expect(yield* piped(`"$0" "$1" ask -q -o >(cat > there) Hi; until [ -s there ]; do sleep 0.1; done; cat there`))
          .toMatchObject(result)
        for (const path of ["-", "/dev/stdout", "/dev/fd/1"]) {
          expect(yield* ask(["-q", "-o", path, "Hi"], { env })).toMatchObject(result)
        }
        const id = (yield* simulator.threads)[0]?.id ?? ""
        const exported = yield* piped(`mkfifo p; cat p & "$0" "$1" threads export -o p ${id}; wait`)
        expect(exported.stdout.split("\n")).toHaveLength(4)
        expect(yield* piped(`"$0" "$1" threads export -o - ${id}`)).toEqual(exported)
        const saved = `mkfifo p; cat p & printf '/save p\n' | "$0" "$1" chat -q --thread ${id}; wait`
        expect((yield* piped(saved)).stdout).toBe(exported.stdout)
      }),
    timeout
  )

  it.live("-o, --json: a file that cannot take the end of it", () =>
    Effect.gen(function*() {
      const result = yield* ask(["--simulate", "-q", "--json", "-o", "/dev/full", "Hi"])
      expect(result).toMatchObject({ code: 2, stdout: "" })
      expect(result.stderr).toContain(`error: "/dev/full" cannot be written`)
    }), timeout)

  it.scopedLive("--usage: the tokens, on standard error", () =>
    Effect.gen(function*() {
      const usage = { inputTokens: 12, cachedTokens: 4, outputTokens: 34, reasoningTokens: 5 }
      const { env } = yield* served([Script.turn("Hi.", { usage })])
      expect(yield* ask(["Hi", "-q", "--usage"], { env })).toMatchObject({
        code: 0,
        stdout: "Hi.\n",
        stderr: "tokens: 12 input (4 cached), 34 output (5 reasoning), 46 in total\n"
      })
    }), timeout)

  it.scopedLive(
    "--color and NO_COLOR: colour on standard error only, and never by itself in a pipe",
    () =>
      Effect.gen(function*() {
        const { env } = yield* served([Script.always(Script.text("\u001b[31mred"))])
        expect((yield* ask(["Hi"], { env })).stderr).not.toContain("\u001b")
        const colored = yield* ask(["Hi", "--color", "always"], { env: { ...env, NO_COLOR: "1" } })
        expect(colored.stderr).toContain("\u001b[2m")
        expect(colored.stdout).toBe("\u001b[31mred\n")
        expect((yield* ask(["--color=always", "--nope"], { env })).stderr).toContain("\u001b[31merror:\u001b[0m")
      }),
    timeout
  )

  it.scopedLive("retries are told on standard error", () =>
    Effect.gen(function*() {
      const { env } = yield* served([
        Script.httpError({ status: 429, code: "rate_limit_exceeded" }),
        Script.text("Late.")
      ])
      const { code, stderr, stdout } = yield* ask(["Hi"], { env })
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Late.\n" })
      expect(stderr).toMatch(/^OpenAI's rate limit was reached: asking again in \d+\.\d s \(attempt 2\)\.\nThread /)
    }), timeout)

  it.scopedLive("so are those of a thread that is being made, once each", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("Late.")])
      yield* simulator.inject(Script.httpError({ status: 429, code: "rate_limit_exceeded" }))
      yield* simulator.inject(Script.httpError({ status: 503, code: "server_is_overloaded" }))
      const { code, stderr, stdout } = yield* ask(["Hi"], { env })
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Late.\n" })
      expect(stderr.replaceAll(/[\d.]+ s/g, "1 s").split("\n").slice(0, 2)).toEqual([
        "OpenAI's rate limit was reached: asking again in 1 s (attempt 2).",
        "OpenAI could not answer: asking again in 1 s (attempt 3)."
      ])
      expect(stderr.split("\n")[2]).toMatch(/^Thread /)
    }), timeout)

  it.scopedLive("-q: not even retries", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("Late.")])
      yield* simulator.inject(Script.httpError({ status: 429, code: "rate_limit_exceeded" }))
      expect(yield* ask(["Hi", "-q"], { env })).toMatchObject({ code: 0, stdout: "Late.\n", stderr: "" })
    }), timeout)
})

describe.concurrent("ask --tools", () => {
  const search = Script.turn([
    Script.text("Let me look."),
    Script.hostedTool("web_search", { query: "weather\nin\u001b[2J Lima" }),
    Script.text(" It rains.")
  ])
  const stdout = "Let me look. It rains.\n"

  it.scopedLive("a line on standard error when a tool begins and when it is done", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([search, search, search])
      const result = yield* ask(["--tools", "Hi"], { env })
      const [thread] = yield* simulator.threads
      expect({ ...result, stderr: result.stderr.replace(/\(\d+\.\d s\)/, "(1.0 s)") }).toEqual({
        code: 0,
        signal: null,
        stdout,
        stderr: [
          "→ web_search",
          "✓ web_search weather\\nin\\u001b[2J Lima (1.0 s)",
          `Thread ${thread?.id}. Go on with: openai-threads ask --thread ${thread?.id} "…"\n`
        ].join("\n")
      })
      // Nothing of it without the option, nor with -q.
      expect(yield* ask(["Hi", "--tools", "-q"], { env })).toMatchObject({ code: 0, stdout, stderr: "" })
      const without = yield* ask(["Hi"], { env })
      expect(without).toMatchObject({ code: 0, stdout, stderr: expect.stringMatching(/^Thread [^\n]*\n$/) })
    }), timeout)
})

describe.concurrent("ask: what is sent", () => {
  it.scopedLive("arguments are the instruction, standard input the context", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.always(Script.text("Ok."))])
      const sent = (args: ReadonlyArray<string>, options: Options = {}) =>
        Effect.gen(function*() {
          expect(yield* ask(["-q", ...args], { env, ...options })).toMatchObject({ code: 0, stderr: "" })
          return content(yield* simulator.requests)
        })
      const text = (text: string) => [{ type: "input_text", text }]
      expect(yield* sent(["one", "two"])).toEqual(text("one two"))
      expect(yield* sent(["Sum up:"], { stdin: "a\nb\n" })).toEqual(text("Sum up:\n\na\nb"))
      expect(yield* sent([], { stdin: "only this" })).toEqual(text("only this"))
      expect(yield* sent(["-"], { stdin: "\u{feff}explicit ✓" })).toEqual(text("explicit ✓"))
      expect(yield* sent(["Sum up:", "-", "--usage", "-q"].slice(0, 2), { stdin: "x" })).toEqual(text("Sum up:\n\nx"))
      expect(yield* sent(["Hi"], { stdin: "" })).toEqual(text("Hi"))
      expect(yield* sent(["--", "--help"])).toEqual(text("--help"))
    }), timeout)

  it.scopedLive("assistant, instructions and model", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.always(Script.text("Ok."))])
      const assistants = file(
        "assistants.json",
        JSON.stringify([{ id: "poet", model: "poet-model", instructions: "Rhyme." }, { id: "clerk" }])
      )
      const team = ["--assistants", assistants]
      const sent = (args: ReadonlyArray<string>, more: Record<string, string> = {}) =>
        Effect.gen(function*() {
          expect(yield* ask(["Hi", "-q", ...args], { env: { ...env, ...more } })).toMatchObject({ code: 0, stderr: "" })
          const body = (yield* simulator.requests).at(-1)?.body as Record<string, string> | undefined
          return { instructions: body?.["instructions"], model: body?.["model"] }
        })
      expect(yield* sent(["-m", "other"])).toEqual({ instructions: undefined, model: "other" })
      expect(yield* sent([...team, "-A", "poet"])).toEqual({ instructions: "Rhyme.", model: "poet-model" })
      const at = `@${file("instructions.txt", "From a file.")}`
      // A byte order mark is no part of them.
      const marked = `@${file("marked.txt", "\u{feff}Marked.")}`
      expect(yield* sent(["--instructions", marked])).toEqual({ instructions: "Marked.", model: "test-model" })
      expect(yield* sent([...team, "--instructions", at], { OPENAI_ASSISTANT_ID: "clerk" })).toEqual({
        instructions: "From a file.",
        model: "test-model"
      })
      const unknown = yield* ask(["Hi", ...team, "-A", "nobody"], { env })
      expect(unknown).toMatchObject({ code: 2, stdout: "" })
      expect(unknown.stderr).toContain(`There is no assistant "nobody" (known: poet, clerk)`)
    }), timeout)

  it.scopedLive("--thread goes on with a thread", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("First."), Script.text("Second.")])
      yield* ask(["One"], { env })
      const [thread] = yield* simulator.threads
      const second = yield* ask(["Two", "--thread", thread?.id ?? "", "-q"], { env })
      expect(second).toMatchObject({ code: 0, stdout: "Second.\n" })
      expect((yield* simulator.threads)[0]?.items).toHaveLength(4)
      const missing = yield* ask(["Two", "--thread", "conv_missing"], { env })
      expect(missing.code).toBe(4)
      expect(missing.stderr).toMatch(/^error: There is no thread "conv_missing".*\n$/)
    }), timeout)

  it.scopedLive("-a sends text, images and PDF", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.always(Script.text("Seen."))])
      const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")
      const csv = file("data.csv", "a,b\n1,2")
      const args = ["-a", csv, "-a", file("plot.dat", png), "--attach", file("paper.pdf", "%PDF-1.7 …")]
      expect(yield* ask(["Look", "-q", ...args], { env })).toMatchObject({ code: 0, stderr: "" })
      expect(content(yield* simulator.requests)).toEqual([
        { type: "input_text", text: "Look" },
        { type: "input_text", text: "<file name=\"data.csv\">\na,b\n1,2\n</file>" },
        { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${png.toString("base64")}` },
        expect.objectContaining({ type: "input_file", filename: "paper.pdf" })
      ])
      expect(yield* ask(["Look", "-q", "-a", "-"], { env, stdin: png })).toMatchObject({ code: 0, stderr: "" })
      expect(content(yield* simulator.requests)).toMatchObject([{ text: "Look" }, { type: "input_image" }])
    }), timeout)
})

describe.concurrent("ask: what cannot be sent costs no request", () => {
  const refused = (what: string, args: () => ReadonlyArray<string>, expected: string, options: Options = {}) =>
    it.scopedLive(what, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([])
        const result = yield* ask(args(), { ...options, env })
        expect(result).toMatchObject({ code: 2, stdout: "" })
        expect(result.stderr).toContain(expected)
        expect(result.stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2)
        expect(yield* simulator.requests).toEqual([])
      }), timeout)

  refused("nothing", () => [], "there is nothing to ask")
  refused("an empty pipe", () => [], "there is nothing to ask", { stdin: " \n" })
  refused("a pipe that is no UTF-8", () => ["Hi"], "standard input is not text in UTF-8", {
    stdin: Uint8Array.of(0x61, 0xff, 0xfe, 0x62)
  })
  refused("a file that is not there", () => ["Hi", "-a", join(files, "none")], "does not exist")
  refused("a file of 50 MB", () => {
    const path = file("big.png", Buffer.from("89504e47", "hex"))
    truncateSync(path, 50_000_000)
    return ["Hi", "-a", path]
  }, `big.png" is larger than 47 MiB`)
  refused("standard input twice", () => ["Hi", "-", "-a", "-"], "can be used once only", { stdin: "x" })
  refused("--json with --events", () => ["Hi", "--json", "--events"], "exclude each other")
  refused("an unknown option", () => ["Hi", "--frobnicate"], `there is no option "--frobnicate"`)
  refused("a key", () => ["Hi", "--api-key", "sk-live-secret"], "a key is never given")
  refused("instructions that are not there", () => ["Hi", "--instructions", "@/no/such/file"], "does not exist")
  refused("instructions that are no text", () => {
    const path = file("instructions.bin", Uint8Array.of(0x61, 0xff, 0xfe))
    return ["Hi", "--instructions", `@${path}`]
  }, `--instructions: "${join(files, "instructions.bin")}" is not text in UTF-8`)
  refused("instructions without an end", () => ["Hi", "--instructions", "@/dev/zero"], "is larger than 10 MiB")
  refused("--retry without a thread", () => ["--retry"], "--retry asks again on a thread")
  refused("--retry with a text", () => ["--retry", "-c", "Hi"], "takes no text and no file")
  refused("--continue with --thread", () => ["-c", "--thread", "conv_1", "Hi"], "exclude each other")
  refused("--simulate with a thread", () => ["Hi", "--simulate", "--thread", "conv_1"], "keeps no threads")

  it.scopedLive("a closed standard input is none", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.text("Ok.")])
      const result = yield* bash(`exec "$0" "$1" ask -q Hi <&-`, { env })
      expect(result).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
    }), timeout)
})

describe.concurrent("ask: exit codes", () => {
  const fails = (
    code: number,
    what: string,
    script: ScriptOf.Script,
    expected: { readonly stdout?: string; readonly stderr: string | RegExp },
    more: Record<string, string> = {}
  ) =>
    it.scopedLive(`${code}: ${what}`, () =>
      Effect.gen(function*() {
        const { env } = yield* served(script)
        const result = yield* ask(["Hi", "-q"], { env: { ...env, ...more } })
        expect(result).toMatchObject({ code, stdout: expected.stdout ?? "" })
        expect(result.stderr).toMatch(expected.stderr)
        expect(result.stderr).toMatch(/^error: [^\n]+\n(  [^\n]+\n)?$/)
        expect(result.stdout + result.stderr).not.toContain(key)
      }), timeout)

  const http = (status: number, code: string) => Script.httpError({ status, code, headers: { "retry-after": "400" } })

  it.live("3: no key, and three ways on", () =>
    Effect.gen(function*() {
      const result = yield* ask(["Hi", "-m", "some-model"])
      expect(result).toMatchObject({ code: 3, stdout: "" })
      expect(result.stderr).toMatch(/^error: there is no API key\n.*OPENAI_API_KEY.*OPENAI_BASE_URL.*--simulate/)
    }), timeout)

  it.live("3: no model, before any request", () =>
    Effect.gen(function*() {
      const result = yield* ask(["Hi"], { env: { OPENAI_API_KEY: key } })
      expect(result).toMatchObject({ code: 3, stdout: "" })
      expect(result.stderr).toContain("there is no model")
    }), timeout)

  it.live("3: a base URL that is none", () =>
    Effect.gen(function*() {
      for (const url of ["nonsense", "localhost:4010", "me:hunter2@127.0.0.1/v1"]) {
        const env = { OPENAI_API_KEY: key, OPENAI_MODEL: "m", OPENAI_BASE_URL: url }
        const { code, stderr, stdout } = yield* ask(["Hi"], { env })
        expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
        expect(stderr).toBe(
          "error: the base URL is no URL (from OPENAI_BASE_URL)\n  It begins with http:// or https://, and mostly ends with /v1.\n"
        )
      }
    }), timeout)

  it.live(
    "3: a base URL with a password, an id with a line break, a key with a space: each by its name",
    () =>
      Effect.gen(function*() {
        const refused = (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            const all = { OPENAI_API_KEY: key, OPENAI_MODEL: "m", OPENAI_BASE_URL: "http://127.0.0.1:2/v1", ...env }
            const { code, stderr, stdout } = yield* ask(["Hi", ...args], { env: all })
            expect({ code, stdout }).toEqual({ code: 3, stdout: "" })
            expect(stderr).not.toMatch(/hunter2|sk-|asking again/)
            return stderr.split("\n")[0]
          })
        const withPassword = "http://me:hunter2@127.0.0.1:2/v1"
        const password = "error: the base URL has a user or a password in it"
        expect(yield* refused({ OPENAI_BASE_URL: withPassword })).toBe(`${password} (from OPENAI_BASE_URL)`)
        expect(yield* refused({}, "--base-url", withPassword)).toBe(`${password} (from --base-url)`)
        const id = "has a character that an id cannot have"
        expect(yield* refused({ OPENAI_ORG_ID: "org-1\n" })).toBe(`error: OPENAI_ORG_ID ${id} (from OPENAI_ORG_ID)`)
        expect(yield* refused({ OPENAI_PROJECT_ID: "a\nb" })).toBe(
          `error: OPENAI_PROJECT_ID ${id} (from OPENAI_PROJECT_ID)`
        )
        expect(yield* refused({ OPENAI_API_KEY: "sk-one sk-two" })).toBe(
          "error: OPENAI_API_KEY has characters that a key cannot have"
        )
      }),
    timeout
  )

  it.scopedLive("4: a base URL without its /v1", () =>
    Effect.gen(function*() {
      const { env, url } = yield* served([])
      const result = yield* ask(["Hi"], { env: { ...env, OPENAI_BASE_URL: new URL("/", url).href } })
      expect(result).toMatchObject({ code: 4, stdout: "" })
      expect(result.stderr).toMatch(/^error: .*no such endpoint.*\n {2}A base URL mostly ends with \/v1\.\n$/)
    }), timeout)

  for (const status of [400, 404]) {
    it.scopedLive(`4: a model that is not there, told with ${status}`, () =>
      Effect.gen(function*() {
        const { env } = yield* served([Script.httpError({ status, code: "model_not_found" })])
        const result = yield* ask(["Hi", "-q", "-m", "gpt-nope"], { env })
        expect(result).toMatchObject({ code: 4, stdout: "" })
        expect(result.stderr.replace(/req_\w+/, "req_1")).toBe(
          "error: There is no model \"gpt-nope\", or this key cannot see it (request req_1)\n" +
            "  Name another one with -m or in OPENAI_MODEL.\n"
        )
      }), timeout)
  }

  it.live("4: nobody listens", () =>
    Effect.gen(function*() {
      const env = { OPENAI_API_KEY: key, OPENAI_MODEL: "m", OPENAI_BASE_URL: "http://127.0.0.1:2/v1" }
      const { code, stderr, stdout } = yield* ask(["Hi"], { env })
      expect({ code, stdout }).toEqual({ code: 4, stdout: "" })
      expect(stderr.trimEnd().split("\n").map((line) => line.replace(/[\d.]+ s/, "1 s"))).toEqual([
        "OpenAI could not be reached: asking again in 1 s (attempt 2).",
        "OpenAI could not be reached: asking again in 1 s (attempt 3).",
        "OpenAI could not be reached: asking again in 1 s (attempt 4).",
        expect.stringMatching(/^error: OpenAI could not be reached .*: check the network and OPENAI_BASE_URL$/)
      ])
    }), timeout)

  fails(3, "the key is not accepted", [http(401, "invalid_api_key")], { stderr: /API key.*req_/ })
  fails(4, "the server fails", [http(500, "server_error")], { stderr: /server_error.*req_/ })
  fails(4, "the run fails", [Script.failure("server_error")], { stderr: /server_error/ })
  fails(4, "the stream ends too early", [Script.turn("one two three", { fault: Script.cut({ afterEvents: 6 }) })], {
    stdout: "one two\n",
    stderr: /before the answer was complete/
  })
  fails(5, "the rate limit", [http(429, "rate_limit_exceeded")], { stderr: /rate limit.*req_/ })
  fails(5, "the quota", [http(429, "insufficient_quota")], { stderr: /quota.*req_/ })
  fails(6, "cut off", [Script.turn(["Half a", Script.incomplete("max_output_tokens")])], {
    stdout: "Half a\n",
    stderr: /incomplete/
  })
  fails(6, "refused", [Script.refusal("I will not.")], { stderr: "the model refused: I will not." })
  fails(6, "refused with what a terminal would obey", [Script.refusal("No.\n\n\u001b[2J\u009b2JNo!")], {
    stderr: "the model refused: No. \u{fffd}[2J\u{fffd}2JNo!\n"
  })
  fails(7, "another process uses the thread", [Script.always(http(400, "conversation_locked"))], { stderr: /busy/ })

  it.scopedLive("6, --json and --events: what there was, and the error", () =>
    Effect.gen(function*() {
      const half = Script.turn(["Half a", Script.incomplete("max_output_tokens")])
      const { env } = yield* served([half, half])
      const json = yield* ask(["Hi", "-q", "--json"], { env })
      expect(json.code).toBe(6)
      expect(JSON.parse(json.stdout)).toMatchObject({
        v: 1,
        status: "incomplete",
        text: "Half a",
        error: { tag: "RunIncomplete", exitCode: 6 }
      })
      const events = yield* ask(["Hi", "-q", "--events"], { env })
      const lines = events.stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      expect(lines.at(-1)).toMatchObject({
        v: 1,
        type: "Error",
        seq: lines.length - 1,
        error: { tag: "RunIncomplete" }
      })
    }), timeout)

  it.scopedLive("--json and --events: also an error before there is a run", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([])
      const errorOf = (stdout: string) => {
        const { error, type, v } = JSON.parse(stdout)
        return { v, type, tag: error.tag, exitCode: error.exitCode }
      }
      yield* simulator.inject(Script.httpError({ status: 401, code: "invalid_api_key" }))
      const noThread = yield* ask(["Hi", "--json"], { env })
      expect(noThread.code).toBe(3)
      expect(errorOf(noThread.stdout)).toEqual({ v: 1, tag: "AuthenticationError", exitCode: 3 })
      expect(JSON.parse(noThread.stdout)).toMatchObject({ status: "failed", text: "" })
      const noKey = yield* ask(["Hi", "-m", "m", "--events"])
      expect(noKey).toMatchObject({ code: 3, stderr: expect.stringContaining("there is no API key") })
      expect(errorOf(noKey.stdout)).toEqual({ v: 1, type: "Error", tag: "CliError", exitCode: 3 })
      const noCursor = yield* run(["runs", "watch", "conv_1", "--json"], { env })
      expect(errorOf(noCursor.stdout)).toEqual({ v: 1, tag: "CliError", exitCode: 2 })
      expect((yield* ask(["Hi", "-m", "m"])).stdout).toBe("")
    }), timeout)

  it.live("1: a full disk", () =>
    Effect.gen(function*() {
      const result = yield* bash(`"$0" "$1" ask -q --simulate Hi > /dev/full`)
      expect(result).toMatchObject({ code: 1, stdout: "" })
      expect(result.stderr).toContain("ENOSPC")
    }), timeout)

  it.scopedLive(
    "what the server said about a rejected request is shown with --debug, and not without",
    () =>
      Effect.gen(function*() {
        const message = `Your organization must be verified to\n stream.\u001b[2J ${key}`
        const { env } = yield* served([
          Script.always(Script.httpError({ status: 400, code: "unsupported_value", param: "stream", message }))
        ])
        const rejected = /^error: OpenAI rejected the request: unsupported_value at "stream" \(request req_\w+\)\n/
        const { stderr } = yield* ask(["Hi", "-q"], { env })
        expect(stderr).toMatch(rejected)
        expect(stderr.split("\n").slice(1)).toEqual(["  --debug shows what the server said about it.", ""])
        const { stderr: debugged } = yield* ask(["Hi", "-q", "--debug"], { env })
        expect(debugged).toMatch(rejected)
        expect(debugged.split("\n")[1]).toBe(
          "  The server said: Your organization must be verified to stream.\u{fffd}[2J ***"
        )
        // Nor is it in what a program reads.
        const json = yield* ask(["Hi", "-q", "--json", "--debug"], { env })
        expect(json.stdout).not.toContain("verified")
      }),
    timeout
  )

  it.scopedLive("no key and no stack, but with --debug a stack", () =>
    Effect.gen(function*() {
      const { env } = yield* served([http(401, "invalid_api_key")])
      const result = yield* ask(["Hi", "--debug"], { env })
      expect(result.stderr).toMatch(/\n\s+at /)
      expect(result.stderr).not.toContain(key)
    }), timeout)
})

describe.concurrent("ask: going on", () => {
  /** The command that is printed, without the program's name. */
  const printed = (stderr: string) => /openai-threads ask (.*)\n/.exec(stderr)?.[1]?.split(" ") ?? []

  it.scopedLive(
    "--retry asks again what is in the thread, as it is printed after a failure",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.failure("server_error"), Script.text("Now.")])
        const failed = yield* ask(["Hi"], { env })
        const [thread] = yield* simulator.threads
        expect(failed.code).toBe(4)
        expect(printed(failed.stderr)).toEqual(["--thread", thread?.id, "--retry"])
        // What is piped in is not for it.
        const again = yield* ask(printed(failed.stderr), { env, stdin: "not this" })
        expect(again).toMatchObject({ code: 0, stdout: "Now.\n" })
        expect(printed(again.stderr)).toEqual(["--thread", thread?.id, "\"…\""])
        expect((yield* simulator.threads)[0]?.items.map(({ role }) => role)).toEqual(["user", "assistant"])
      }),
    timeout
  )

  it.scopedLive("a question that did not reach its thread is asked again by the person", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("First.")])
      const first = yield* ask(["Hi"], { env })
      const id = (yield* simulator.threads)[0]?.id ?? ""
      expect(printed(first.stderr)).toEqual(["--thread", id, "\"…\""])
      yield* simulator.inject(Script.httpError({ status: 401, code: "invalid_api_key" }))
      const second = yield* ask(["More", "--thread", id], { env })
      expect(second.code).toBe(3)
      expect(printed(second.stderr)).toEqual(["--thread", id, "\"…\""])
      expect((yield* simulator.threads)[0]?.items).toHaveLength(2)
    }), timeout)

  it.scopedLive("-c goes on with the last thread of this machine, and so does chat", () =>
    Effect.gen(function*() {
      const { env: there, simulator } = yield* served([Script.always(Script.text("Ok."))])
      const state = join(temporary(), "new")
      const env = { ...there, XDG_STATE_HOME: state }
      const kept = join(state, "openai-threads/last-thread")
      const asked = (args: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          expect(yield* ask(["-q", ...args], { env })).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
          return (yield* simulator.threads).map(({ items }) => items.length)
        })
      expect(yield* ask(["-c", "Hi"], { env })).toMatchObject({
        code: 2,
        stderr: "error: there is no last thread on this machine\n  A question begins one; --thread names one.\n"
      })
      expect(yield* asked(["One"])).toEqual([2])
      expect(statSync(kept).mode & 0o777).toBe(0o600)
      expect(yield* asked(["-c", "Two"])).toEqual([4])
      expect(yield* asked(["Other"])).toEqual([4, 2])
      const [first, second] = yield* simulator.threads
      expect(readFileSync(kept, "utf8")).toBe(`${second?.id}\n`)
      // One that is used is the last one too; a simulated one and one that is not there are not.
      expect(yield* asked(["--thread", first?.id ?? "", "Three"])).toEqual([6, 2])
      yield* ask(["--simulate", "Hi"], { env })
      expect((yield* ask(["--thread", "conv_none", "Hi"], { env })).code).toBe(4)
      expect(yield* run(["chat", "-q", "-c"], { env, stdin: "Four\n" })).toMatchObject({ code: 0, stdout: "Ok.\n" })
      expect((yield* simulator.threads).map(({ items }) => items.length)).toEqual([8, 2])
      yield* run(["chat", "-q"], { env, stdin: "Five\n" })
      const third = (yield* simulator.threads)[2]
      expect(yield* asked(["--continue", "--retry"])).toEqual([8, 2, 3])
      expect(readFileSync(kept, "utf8")).toBe(`${third?.id}\n`)
      // Where it cannot be kept, nothing is said.
      const nowhere = { ...there, XDG_STATE_HOME: "/dev/null" }
      expect(yield* ask(["-q", "Hi"], { env: nowhere })).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
    }), timeout)
})

describe.concurrent("ask: pipes", () => {
  it.scopedLive("a reader that goes away ends it quietly", () =>
    Effect.gen(function*() {
      const text = Array.from({ length: 20_000 }, (_, line) => `line ${line}`).join("\n")
      const { env } = yield* served([Script.text(text)])
      const result = yield* bash(`"$0" "$1" ask -q Hi | head -1; echo "\${PIPESTATUS[0]}"`, { env })
      expect(result).toMatchObject({ code: 0, stdout: "line 0\n0\n", stderr: "" })
    }), timeout)

  it.scopedLive("nobody reads what is closed: the other stream is as it would be", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.always(Script.text("Ok."))])
      const noOutput = yield* bash(`"$0" "$1" ask Hi >&-`, { env })
      expect(noOutput).toMatchObject({ code: 0, stdout: "", stderr: expect.stringMatching(/^Thread [^\n]*\n$/) })
      expect(yield* bash(`"$0" "$1" ask Hi 2>&-`, { env })).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
      expect(yield* bash(`"$0" "$1" ask 2>&-`, { env })).toMatchObject({ code: 2, stdout: "", stderr: "" })
    }), timeout)

  it.scopedLive("a reader that is slow gets everything", () =>
    Effect.gen(function*() {
      const text = Array.from({ length: 20_000 }, (_, line) => `line ${line}`).join("\n")
      const { env } = yield* served([Script.text(text)])
      const result = yield* bash(`"$0" "$1" ask -q Hi | (sleep 1; cat)`, { env })
      expect(result.stdout).toBe(`${text}\n`)
    }), timeout)
})

describe.concurrent("ask --simulate", () => {
  it.live("says what it is, on both ends, and needs nothing", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* ask(["--simulate", "-q", "Hi"])
      expect(code).toBe(0)
      expect(stderr).toBe("warning: this is a simulated model; nothing is sent to OpenAI\n")
      expect(stdout).toMatch(/^This is a simulated answer.*\nYou asked: Hi\n/)
    }), timeout)
})
