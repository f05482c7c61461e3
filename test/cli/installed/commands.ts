import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "../support/cli.ts"
import { bash, bin, launch, run } from "../support/installed.ts"
import { hasTmux, open, withTmux } from "../support/screen.ts"
import { key, served } from "../support/served.ts"

const timeout = 60_000

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))

describe.concurrent("--help and --version", () => {
  it.live("on standard output", () =>
    Effect.gen(function*() {
      expect(yield* run(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" })
      const help = yield* run(["--help"])
      expect(help).toMatchObject({ code: 0, stderr: "" })
      expect(help.stdout).toMatch(/^Assistants, threads and runs/)
      expect(yield* run([])).toEqual(help)
      expect((yield* run(["ask", "Hi", "--help"])).stdout).toContain("--attach")
    }), timeout)

  it.live("as npm links it: a file that is started by its name", () =>
    Effect.gen(function*() {
      const linked = yield* bash(`ln -s "$1" openai-threads; PATH=$PWD:$PATH openai-threads --version`, {
        cwd: temporary()
      })
      expect(linked).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" })
    }), timeout)
})

describe.concurrent("the README", () => {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8")
  const shown = [...readme.matchAll(/^```text\n\$ (openai-threads .*)\n([^`]*)```/gm)]

  it("shows a command", () => expect(shown.length).toBeGreaterThan(0))

  for (const [, command = "", output] of shown) {
    it.live(`shows what is printed by ${command}`, () =>
      Effect.gen(function*() {
        const { code, stdout } = yield* bash(
          `node="$0"; bin="$1"; openai-threads() { "$node" "$bin" "$@"; }; ${command} 2>&1`
        )
        expect({ code, stdout }).toEqual({ code: 0, stdout: output })
      }), timeout)
  }
})

describe.concurrent("threads", () => {
  const script = [Script.text("An *answer*.\n"), Script.text("More.")]

  it.scopedLive("show: the messages, to read and as JSON", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served(script)
      yield* run(["ask", "-q", "A question"], { env })
      const id = (yield* simulator.threads)[0]?.id ?? ""
      yield* run(["ask", "-q", "--thread", id, "And?"], { env })
      expect(yield* run(["threads", "show", id], { env })).toMatchObject({
        code: 0,
        stdout: "user:\nA question\n\nassistant:\nAn *answer*.\n\nuser:\nAnd?\n\nassistant:\nMore.\n",
        stderr: ""
      })
      const json = yield* run(["threads", "show", id, "--json"], { env })
      expect(JSON.parse(json.stdout)).toMatchObject({
        v: 1,
        thread: { id, metadata: {} },
        messages: [{ role: "user" }, { role: "assistant" }, { role: "user" }, { role: "assistant" }]
      })
    }), timeout)

  it.scopedLive(
    "export: a line for the thread and a line for each item, to standard output or a file",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.turn([Script.reasoning("Thinking"), Script.text("Done.")])])
        yield* run(["ask", "-q", "Go"], { env })
        const id = (yield* simulator.threads)[0]?.id ?? ""
        const { code, stderr, stdout } = yield* run(["threads", "export", id], { env })
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
        const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
        expect(lines[0]).toMatchObject({ v: 1, type: "thread", id, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) })
        expect(lines.slice(1).map(({ type }) => type)).toEqual(["Message", "Reasoning", "Message"])
        const path = join(temporary(), "thread.jsonl")
        expect(yield* run(["threads", "export", id, "-o", path], { env })).toMatchObject({
          code: 0,
          stdout: "",
          stderr: ""
        })
        expect(readFileSync(path, "utf8")).toBe(stdout)
      }),
    timeout
  )

  it.scopedLive("delete: the thread and its items", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text("Bye.")])
      yield* run(["ask", "-q", "Go"], { env })
      const id = (yield* simulator.threads)[0]?.id ?? ""
      const deleted = { code: 0, stdout: "", stderr: `Thread ${id} is deleted.\n` }
      expect(yield* run(["threads", "delete", id], { env })).toMatchObject(deleted)
      expect(yield* simulator.threads).toEqual([])
      const gone = yield* run(["threads", "show", id], { env })
      expect(gone).toMatchObject({ code: 4, stdout: "" })
      expect(gone.stderr).toContain(`There is no thread "${id}"`)
    }), timeout)
})

describe.concurrent("threads delete on a terminal", () => {
  const deleting = (
    name: string,
    args: ReadonlyArray<string>,
    keys: ReadonlyArray<string>,
    code: number,
    left: number
  ) =>
    it.scopedLive.skipIf(!hasTmux)(withTmux(name), () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.text("Bye.")])
        yield* run(["ask", "-q", "Go"], { env })
        const id = (yield* simulator.threads)[0]?.id ?? ""
        const screen = yield* open([process.execPath, bin, "threads", "delete", id, ...args], env)
        if (keys.length > 0) {
          yield* screen.until((text) => text === `Delete thread ${id} for good? [y/N]`)
          yield* screen.press(...keys)
        }
        const ended = yield* screen.ended
        expect(ended.code).toBe(code)
        expect(yield* simulator.threads).toHaveLength(left)
        if (code === 0) expect(ended.screen).toContain(left === 0 ? `Thread ${id} is deleted.` : "Nothing is deleted.")
      }), timeout)

  deleting("asks, and takes yes", [], ["y", "Enter"], 0, 0)
  deleting("asks, and takes anything else for no", [], ["Enter"], 0, 1)
  deleting("Ctrl-C is no, too", [], ["C-c"], 130, 1)
  deleting("--yes: does not ask", ["--yes"], [], 0, 0)
})

describe.concurrent("assistants", () => {
  const cwd = temporary()
  const team = [{ id: "poet", name: "The poet", model: "m1", instructions: "Rhyme.\n" }, { id: "clerk" }]
  writeFileSync(join(cwd, "team.json"), JSON.stringify(team))
  writeFileSync(join(cwd, "broken.json"), JSON.stringify([{ id: "x", temperature: 9 }]))

  it.live("list and show, without a key", () =>
    Effect.gen(function*() {
      const given = ["--assistants", "team.json"]
      expect(yield* run(["assistants", "list", ...given], { cwd })).toMatchObject({
        code: 0,
        stdout: "poet\tm1\tThe poet\nclerk\t-\n",
        stderr: ""
      })
      expect(yield* run(["assistants", "show", "poet", ...given], { cwd })).toMatchObject({
        code: 0,
        stdout: "id: poet\nname: The poet\nmodel: m1\n\nRhyme.\n",
        stderr: ""
      })
      const list = yield* run(["assistants", "list", "--json", ...given], { cwd })
      expect(JSON.parse(list.stdout)).toMatchObject({ v: 1, assistants: team })
      const one = yield* run(["assistants", "show", "clerk", "--json", ...given], { cwd })
      expect(JSON.parse(one.stdout)).toEqual({ v: 1, assistant: { id: "clerk" } })
    }), timeout)

  it.live("what is wrong with them", () =>
    Effect.gen(function*() {
      expect(yield* run(["assistants", "list"], { cwd })).toMatchObject({ code: 3, stdout: "" })
      expect(yield* run(["assistants", "show", "nobody", "--assistants", "team.json"], { cwd })).toMatchObject({
        code: 2
      })
      const broken = yield* run(["assistants", "list", "--assistants", "broken.json"], { cwd })
      expect(broken.code).toBe(3)
      expect(broken.stderr).toContain(`broken.json, assistant "x", field "temperature"`)
    }), timeout)
})

describe.concurrent("config", () => {
  /** A user and a project with these files. */
  const configured = (user: object, project: object | string) => {
    const home = temporary()
    const cwd = temporary()
    const userFile = join(home, "openai-threads", "config.json")
    mkdirSync(join(home, "openai-threads"))
    writeFileSync(userFile, JSON.stringify(user))
    writeFileSync(
      join(cwd, "openai-threads.json"),
      typeof project === "string" ? project : JSON.stringify(project)
    )
    return { cwd, env: { XDG_CONFIG_HOME: home }, userFile }
  }

  it.live("flags before environment before project before user; each with its place", () =>
    Effect.gen(function*() {
      const { cwd, env, userFile } = configured(
        { model: "user-model", organization: "org-user", instructions: "Be kind." },
        { model: "project-model", baseUrl: "http://localhost:1/v1", assistants: "team.json" }
      )
      const show = (args: ReadonlyArray<string> = [], more: Record<string, string> = {}) =>
        Effect.map(
          run(["config", "show", "--json", ...args], { cwd, env: { ...env, ...more } }),
          ({ stdout }) => JSON.parse(stdout).settings as ReadonlyArray<object>
        )
      expect(yield* show()).toEqual([
        { name: "baseUrl", value: "http://localhost:1/v1", from: "openai-threads.json" },
        { name: "organization", value: "org-user", from: userFile },
        { name: "model", value: "project-model", from: "openai-threads.json" },
        { name: "assistants", value: join(cwd, "team.json"), from: "openai-threads.json" },
        { name: "instructions", value: "Be kind.", from: userFile }
      ])
      const model = (value: string, from: string) => expect.arrayContaining([{ name: "model", value, from }])
      expect(yield* show([], { OPENAI_MODEL: "env-model" })).toEqual(model("env-model", "OPENAI_MODEL"))
      expect(yield* show(["-m", "flag-model"], { OPENAI_MODEL: "env-model" })).toEqual(model("flag-model", "flag"))
    }), timeout)

  it.live("NO_COLOR wins over both files, and --color over it", () =>
    Effect.gen(function*() {
      const { cwd, env } = configured({ color: "always" }, { color: "always" })
      const color = (args: ReadonlyArray<string>, more: Record<string, string>) =>
        Effect.map(
          run(["config", "show", "--json", ...args], { cwd, env: { ...env, ...more } }),
          ({ stdout }) => JSON.parse(stdout).settings
        )
      expect(yield* color([], {})).toMatchObject([{ value: "always", from: "openai-threads.json" }])
      expect(yield* color([], { NO_COLOR: "1" })).toMatchObject([{ value: "never", from: "NO_COLOR" }])
      expect(yield* color(["--color", "auto"], { NO_COLOR: "1" })).toMatchObject([{ value: "auto", from: "flag" }])
    }), timeout)

  it.live("hides keys and passwords", () =>
    Effect.gen(function*() {
      const { cwd, env, userFile } = configured({}, {})
      const secret = { ...env, OPENAI_API_KEY: key, OPENAI_BASE_URL: "https://me:hunter2@gateway.test/v1" }
      const { stderr, stdout } = yield* run(["config", "show"], { cwd, env: secret })
      expect(stderr).toBe("")
      expect(stdout).toContain(`apiKey = "***"  (OPENAI_API_KEY)`)
      expect(stdout).not.toMatch(/sk-test|hunter2/)
      expect((yield* run(["config", "path"], { cwd, env })).stdout).toBe(`${userFile}\n`)
      const showing = (apiKeyCommand: string) =>
        Effect.map(run(["config", "show"], configured({ apiKeyCommand }, {})), ({ stdout }) => stdout.split("  ")[0])
      expect(yield* showing("echo sk-test-1234")).toBe(`apiKeyCommand = "echo …"`)
      expect(yield* showing("KEY=sk-test-1234 give-key")).toBe(`apiKeyCommand = "…"`)
      expect(yield* showing("give-key")).toBe(`apiKeyCommand = "give-key"`)
    }), timeout)

  it.live("says which keys there are when one is unknown, and what is wrong with a file", () =>
    Effect.gen(function*() {
      const show = (project: object | string) => run(["config", "show"], configured({}, project))
      const unknown = yield* show({ modle: "x" })
      expect(unknown).toMatchObject({ code: 3, stdout: "" })
      expect(unknown.stderr).toMatch(/unknown key "modle"\n {2}Known keys: baseUrl, .*apiKeyCommand\.\n/)
      expect((yield* show("{")).stderr).toContain("is not valid JSON")
      for (const project of ["[]", "null", "1"]) {
        expect((yield* show(project)).stderr).toMatch(
          /^error: openai-threads\.json is not a JSON object\n {2}Known keys: /
        )
      }
      expect((yield* show({ color: "pink" })).stderr).toContain(`key "color"`)
    }), timeout)

  it.scopedLive("a project's file neither runs commands nor sends the key elsewhere", () =>
    Effect.gen(function*() {
      const trace = join(temporary(), "ran")
      const apiKeyCommand = `touch ${trace}; echo sk-project-key`
      const asked = yield* run(["ask", "-m", "m", "Hi"], configured({}, { apiKeyCommand }))
      expect(asked).toMatchObject({ code: 3, stdout: "" })
      expect(asked.stderr).toContain("apiKeyCommand is ignored")
      expect(() => readFileSync(trace)).toThrow()
      const { cwd, env } = configured({}, { baseUrl: "https://elsewhere.test/v1" })
      const sent = yield* run(["ask", "-m", "m", "Hi"], { cwd, env: { ...env, OPENAI_API_KEY: key } })
      expect(sent).toMatchObject({ code: 3, stdout: "" })
      expect(sent.stderr).toContain("names another machine")
    }), timeout)

  it.scopedLive("the user's command gives the key, and so does standard input", () =>
    Effect.gen(function*() {
      const { simulator, url } = yield* served([Script.always(Script.text("Ok."))])
      const by = (user: object) => configured(user, { model: "m", baseUrl: url })
      expect(yield* run(["ask", "-q", "Hi"], by({ apiKeyCommand: "echo sk-from-command" }))).toMatchObject({
        code: 0,
        stdout: "Ok.\n",
        stderr: ""
      })
      const failed = yield* run(["ask", "-q", "Hi"], by({ apiKeyCommand: "echo nothing >&2; exit 7" }))
      expect(failed).toMatchObject({ code: 3, stdout: "" })
      expect(failed.stderr).toContain("apiKeyCommand failed (7)\n  It is: echo …\n")
      // The question is not for it, and it does not wait for one.
      const reading = { ...by({ apiKeyCommand: "cat; echo sk-after-input" }), stdin: "a question" }
      expect(yield* run(["ask", "-q"], reading)).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
      expect(JSON.stringify((yield* simulator.requests).at(-2)?.body)).toContain("a question")
      const piped = yield* run(["ask", "-q", "--key-stdin", "Hi"], { ...by({}), stdin: "sk-from-stdin\n" })
      expect(piped).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
      // It is the key, and not part of the question.
      const [first] = (yield* simulator.requests).slice(-2)
      expect(JSON.stringify(first?.body)).not.toContain("sk-from-stdin")
      expect(yield* run(["ask", "--key-stdin", "Hi"], { ...by({}), stdin: "" })).toMatchObject({ code: 3, stdout: "" })
      // The first line is enough, whether or not the pipe is closed behind it.
      const open = `mkfifo pipe; exec 3<> pipe; echo sk-from-stdin >&3; "$0" "$1" ask -q --key-stdin Hi < pipe`
      expect(yield* bash(open, by({}))).toMatchObject({ code: 0, stdout: "Ok.\n", stderr: "" })
    }), timeout)
})

describe.concurrent("simulate", () => {
  it.live(
    "serves a simulated OpenAI that the other commands talk to, until it is told to end",
    () =>
      Effect.gen(function*() {
        const server = launch(["simulate", "--port", "0"])
        yield* Effect.promise(() => server.when(({ stdout }) => stdout().includes("\n")))
        const url = server.stdout().trim()
        expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
        const env = { OPENAI_BASE_URL: url }
        const first = yield* run(["ask", "-m", "any", "Hello?"], { env })
        expect(first.code).toBe(0)
        expect(first.stdout).toContain("You asked: Hello?")
        const id = /conv_\w+/.exec(first.stderr)?.[0] ?? ""
        const again = yield* run(["ask", "-q", "-m", "any", "--thread", id, "Again"], { env })
        expect(again.stdout).toContain("The thread has 2 messages of yours.")
        const taken = yield* run(["simulate", "--port", new URL(url).port])
        expect(taken).toMatchObject({ code: 2, stdout: "" })
        expect(taken.stderr).toMatch(
          /^error: port \d+ cannot be used: it is in use\n {2}Without --port a free one is taken\.\n$/
        )
        expect(yield* run(["simulate", "--port", "70000"])).toMatchObject({ code: 2, stdout: "" })
        expect(yield* run(["simulate", "--port", "x"])).toMatchObject({ code: 2, stdout: "" })
        const flag = ["--base-url", url]
        expect(yield* run(["ask", "-q", "-m", "any", "Hi", ...flag])).toMatchObject({ code: 0, stderr: "" })
        server.kill("SIGTERM")
        expect(yield* Effect.promise(() => server.ended)).toMatchObject({ code: 130, stdout: `${url}\n` })
      }),
    timeout
  )

  it.live("--latency: each event of an answer takes so long", () =>
    Effect.gen(function*() {
      const took = (latency: string) =>
        Effect.gen(function*() {
          const server = launch(["simulate", "--latency", latency])
          yield* Effect.promise(() => server.when(({ stdout }) => stdout().includes("\n")))
          const child = launch(["ask", "-q", "-m", "any", "--events", "Hi"], {
            env: { OPENAI_BASE_URL: server.stdout().trim() }
          })
          yield* Effect.promise(() => child.when(({ stdout }) => stdout().includes("RunStarted")))
          const begun = performance.now()
          expect(yield* Effect.promise(() => child.ended)).toMatchObject({ code: 0 })
          server.kill("SIGTERM")
          yield* Effect.promise(() => server.ended)
          return performance.now() - begun
        })
      // Half a dozen events at least.
      expect(yield* took("150")).toBeGreaterThan(900)
      expect(yield* run(["simulate", "--latency", "-1"])).toMatchObject({ code: 2, stdout: "" })
    }), timeout)
})
