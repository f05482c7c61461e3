import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Options, temporary } from "../support/cli.ts"
import { bin, launch, run } from "../support/installed.ts"
import { hasTmux, open, withTmux } from "../support/screen.ts"
import { served } from "../support/served.ts"

const timeout = 60_000
const files = temporary()

const file = (name: string, content: string) => {
  const path = join(files, name)
  writeFileSync(path, content)
  return path
}

const weather = file(
  "weather.json",
  JSON.stringify({
    type: "object",
    properties: { city: { type: "string" }, celsius: { type: "number" }, remark: { type: "string" } },
    required: ["city", "celsius"]
  })
)

const ask = (args: ReadonlyArray<string>, options: Options = {}) => run(["ask", "-q", ...args], options)

const lima = JSON.stringify({ city: "Lima", celsius: 19.5, remark: null })

describe.concurrent("ask --schema", () => {
  it.scopedLive("one line of checked JSON, and nothing else; it is asked for strictly", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.text(`\n${lima}`)])
      expect(yield* ask(["--schema", weather, "Hi"], { env })).toMatchObject({
        code: 0,
        stdout: "{\"city\":\"Lima\",\"celsius\":19.5}\n",
        stderr: ""
      })
      const body = (yield* simulator.requests).at(-1)?.body
      expect(body).toMatchObject({ text: { format: { type: "json_schema", strict: true } } })
    }), timeout)

  it.scopedLive("--json has it as `output`, --events in its last event", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.text(lima), Script.text(lima)])
      const output = { city: "Lima", celsius: 19.5 }
      const json = yield* ask(["--json", "--schema", weather, "Hi"], { env })
      expect(JSON.parse(json.stdout)).toMatchObject({ status: "completed", text: lima, output })
      const events = yield* ask(["--events", "--schema", weather, "Hi"], { env })
      expect(JSON.parse(events.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
        type: "RunCompleted",
        output
      })
    }), timeout)

  it.scopedLive("4: what does not fit, and where; the answer is on standard error", () =>
    Effect.gen(function*() {
      const answer = "{\"city\":\"Lima\",\"celsius\":\"19\"}"
      const { env } = yield* served([Script.text(answer), Script.text("It is \u001b[2J warm."), Script.text(answer)])
      expect(yield* ask(["--schema", weather, "Hi"], { env })).toMatchObject({
        code: 4,
        stdout: "",
        stderr:
          `error: The answer does not fit the output schema\n  celsius: must be number\nThe answer was:\n${answer}\n`
      })
      expect(yield* ask(["--schema", weather, "Hi"], { env })).toMatchObject({
        code: 4,
        stdout: "",
        stderr: "error: The answer does not fit the output schema\n  it is not valid JSON\n" +
          "The answer was:\nIt is \u{fffd}[2J warm.\n"
      })
      const json = yield* ask(["--json", "--schema", weather, "Hi"], { env })
      expect(json.code).toBe(4)
      expect(JSON.parse(json.stdout)).toMatchObject({
        status: "failed",
        text: answer,
        error: { tag: "OutputInvalid", reason: "celsius: must be number", exitCode: 4 }
      })
    }), timeout)

  it.scopedLive("6: a refusal, and an answer that is cut off", () =>
    Effect.gen(function*() {
      const { env } = yield* served([
        Script.refusal("Not that."),
        Script.turn([Script.text("{\"city\":"), Script.incomplete("max_output_tokens")])
      ])
      expect(yield* ask(["--schema", weather, "Hi"], { env })).toMatchObject({
        code: 6,
        stdout: "",
        stderr: "error: the model refused: Not that.\n"
      })
      expect(yield* ask(["--schema", weather, "Hi"], { env })).toMatchObject({ code: 6, stdout: "" })
    }), timeout)

  const refused = (what: string, path: string, message: string) =>
    it.scopedLive(`2: ${what}, before any request`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([])
        const result = yield* ask(["--schema", path, "Hi"], { env })
        expect(result).toMatchObject({ code: 2, stdout: "" })
        expect(result.stderr.split("\n")[0]).toBe(`error: --schema: ${path} ${message}`)
        expect(yield* simulator.requests).toEqual([])
      }), timeout)

  refused("no file", join(files, "none.json"), "does not exist")
  refused("no JSON", file("text.json", "type: object"), "is not valid JSON")
  refused("no schema of an object", file("list.json", "{\"type\":\"array\"}"), "is no schema of an object")

  it.scopedLive("--simulate and simulate answer with JSON that fits", () =>
    Effect.gen(function*() {
      const stdout = "{\"city\":\"simulated\",\"celsius\":0,\"remark\":\"simulated\"}\n"
      expect(yield* ask(["--simulate", "--schema", weather, "Hi"])).toMatchObject({
        code: 0,
        stdout,
        stderr: "warning: this is a simulated model; nothing is sent to OpenAI\n"
      })
      const server = launch(["simulate"])
      yield* Effect.promise(() => server.when(({ stdout }) => stdout().includes("\n")))
      const env = { OPENAI_BASE_URL: server.stdout().trim() }
      expect(yield* ask(["-m", "any", "--schema", weather, "Hi"], { env })).toMatchObject({
        code: 0,
        stdout,
        stderr: ""
      })
      server.kill("SIGTERM")
      yield* Effect.promise(() => server.ended)
    }), timeout)

  it.scopedLive.skipIf(!hasTmux)(withTmux("on a terminal it is indented"), () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.text(lima)])
      const screen = yield* open([process.execPath, bin, "ask", "-q", "--schema", weather, "Hi"], env)
      const { code, screen: text } = yield* screen.ended
      expect({ code, text }).toEqual({ code: 0, text: "{\n  \"city\": \"Lima\",\n  \"celsius\": 19.5\n}" })
    }), timeout)
})
