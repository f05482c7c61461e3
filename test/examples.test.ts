import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Stream } from "effect"
import { Assistant, Assistants, Run, type RunEvent, type Thread, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, vi } from "vitest"
import * as Approval from "../examples/approval.ts"
import * as AssistantsExample from "../examples/assistants.ts"
import { answer } from "../examples/catch-errors.ts"
import { parse } from "../examples/csv-table.ts"
import * as CsvTools from "../examples/csv-tools.ts"
import * as Handlers from "../examples/events-as-handlers.ts"
import * as Streams from "../examples/events-as-stream.ts"
import { research } from "../examples/hosted-tools.ts"
import { local } from "../examples/local-threads.ts"
import * as Limits from "../examples/rate-limits.ts"
import * as Resuming from "../examples/resume.ts"
import { analyst } from "../examples/scripted-analyst.ts"
import * as Structured from "../examples/structured-output.ts"
import { ask } from "../examples/submit.ts"
import * as AskWeather from "../examples/tools.ts"
import { noRetries, threads } from "./support/layers.ts"

const root = fileURLToPath(new URL("../", import.meta.url))
const read = (path: string) => readFileSync(`${root}${path}`, "utf8")

/** Runs a file as a person does, with nothing of OpenAI's in the environment but what is given. */
const run = (args: ReadonlyArray<string>, openai: Record<string, string> = {}) =>
  Effect.async<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume, signal) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("OPENAI_"))
    execFile(
      process.execPath,
      ["--import", "tsx", ...args],
      {
        cwd: root,
        env: { ...Object.fromEntries(inherited), ...openai },
        signal
      },
      (error, stdout, stderr) =>
        resume(Effect.succeed({ code: error === null ? 0 : Number(error.code), stdout, stderr }))
    )
  })

/** A port of this machine that nobody listens on any more. */
const closedPort = Effect.async<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const demo = "examples/dataset-analyst.ts"

/** What a README block shows: its lines in their order, with something left out at each "…" only. */
const shown = (what: "calls" | "output", marker: string) =>
  read("README.md").split(`<!-- ${what} of ${marker};`)[1]?.match(/```text\n([\s\S]*?)```/)?.[1]?.split("…\n") ?? []

const expectShown = (stdout: string, pieces: ReadonlyArray<string>) => {
  expect(pieces.length).toBeGreaterThan(1)
  let from = 0
  for (const piece of pieces) {
    const at = stdout.indexOf(piece, from)
    expect(at, `README shows what is not in the output:\n${piece}`).toBeGreaterThanOrEqual(from)
    from = at + piece.length
  }
  expect(stdout.startsWith(pieces[0]!)).toBe(true)
  expect(stdout.endsWith(pieces.at(-1)!)).toBe(true)
}

const slow = 60_000

describe("the demo", () => {
  it.live("prints what the README shows", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* run([demo])
      expectShown(stdout, shown("output", demo))
      const [notice, calls] = stderr.split("\n\n")
      expect(notice).toContain("the model is simulated")
      expectShown(calls!, shown("calls", demo))
      expect(code).toBe(0)
    }), slow)

  it.live("sees the cut and keeps the message", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* run([demo, "--cut"])
      expectShown(stdout, shown("output", `${demo} --cut`))
      expect(stdout).toContain("ConnectionLost: The stream ended before the answer was complete")
      expect(stdout).not.toContain("assistant:")
      expect(code).toBe(0)
    }), slow)

  it.live("says in one sentence what is missing", () =>
    Effect.gen(function*() {
      const key = { OPENAI_API_KEY: "sk-test" }
      const said = yield* Effect.all([
        run([demo], key),
        run([demo, "--cut"], { ...key, OPENAI_MODEL: "test-model" }),
        run([demo, "--fast"]),
        run([demo], { ...key, OPENAI_MODEL: "test-model", OPENAI_BASE_URL: `http://127.0.0.1:${yield* closedPort}/v1` })
      ], { concurrency: "unbounded" })
      expect(said.map(({ stderr }) => stderr)).toEqual([
        expect.stringMatching(/^OPENAI_MODEL is not set.*\.\n$/),
        expect.stringMatching(/^--cut works on the simulated model only.*\.\n$/),
        expect.stringMatching(/^There is no option "--fast".*\.\n$/),
        expect.stringMatching(/^OpenAI could not be reached \(ECONNREFUSED\).*\n$/)
      ])
      for (const { code, stdout } of said) expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    }), slow)

  it.scopedLive("sends the file, the tools and what these give, over a port", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make(analyst({ cut: false, latency: 0 }))
      const { url } = yield* simulator.serve()
      const { code, stderr, stdout } = yield* run([demo], {
        OPENAI_API_KEY: "sk-test",
        OPENAI_BASE_URL: url,
        OPENAI_MODEL: "test-model"
      })
      expect(stdout).toMatch(/^El dataset tiene 30 filas .*\n(.*\n)*\nThread conv_/)
      expectShown(stderr, shown("calls", demo))
      expect(code).toBe(0)
      const [thread] = yield* simulator.threads
      const csv = Buffer.from(read("examples/data/iris-30.csv")).toString("base64")
      expect(JSON.stringify(thread?.items[0])).toContain(`"data:text/csv;base64,${csv}"`)
      const bodies = (yield* simulator.requests).filter(({ path }) => path === "/responses").map(({ body }) => body)
      expect(bodies).toHaveLength(3)
      for (const body of bodies) {
        expect(body).toMatchObject({
          model: "test-model",
          instructions: expect.stringMatching(/^Actúa como un analista de datos profesional\n/),
          tools: [{ name: "describe_table" }, { name: "head" }, { name: "value_counts" }, { name: "correlation" }]
        })
      }
    }), slow)
})

describe("the demo's analyst", () => {
  /** The message has no file: all that there is to know comes from the tools. */
  const report = Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    return yield* Run.text(service.run(id, { message: "Describe it.", toolkit: CsvTools.toolkit }))
  }).pipe(Effect.provide(threads(analyst({ cut: false, latency: 0 }))))

  const over = (csv: string) => Layer.unwrapEffect(Effect.map(parse(csv), CsvTools.layer))

  const invented = CsvTools.toolkit.toLayer({
    describe_table: () => {
      const numeric = { kind: "number", count: 9, missing: 0, standardDeviation: 1, median: 2 } as const
      return Effect.succeed({
        rows: 9,
        columns: [
          { ...numeric, name: "dose", mean: 1.25, min: -3, max: 4.5 },
          { ...numeric, name: "effect", mean: 77, min: 70, max: 80.125 },
          { name: "clinic", kind: "text", count: 9, missing: 0, distinct: 2 }
        ]
      })
    },
    head: () => Effect.succeed({ columns: [], rows: [] }),
    value_counts: ({ column }) =>
      Effect.succeed({ column, missing: 0, distinct: 2, counts: [{ value: "A", count: 5 }, { value: "B", count: 4 }] }),
    correlation: ({ x, y }) =>
      Effect.succeed({
        r: 0.5,
        rows: 9,
        x,
        y,
        groups: [{ group: "A", rows: 5, r: -0.25 }, { group: "B", rows: 4, r: -1 }]
      })
  })

  it.effect("says what the handlers say, whoever they are", () =>
    Effect.gen(function*() {
      expect(yield* report).toBe([
        "El dataset tiene 9 filas y 3 columnas: dose, effect y clinic.",
        "",
        "- dose: media 1,25, mínimo -3,00, máximo 4,50",
        "- effect: media 77,00, mínimo 70,00, máximo 80,13",
        "- clinic: A (5) y B (4)",
        "",
        "La relación más fuerte es la de dose con effect: r = 0,50.",
        "Cuidado con dose y effect: en conjunto r = 0,50, pero dentro de cada clinic el signo es el contrario: " +
        "A -0,25 y B -1,00. Conviene analizar cada grupo por separado."
      ].join("\n"))
    }).pipe(Effect.provide(invented)))

  it.effect("leaves out what a tool could not tell", () =>
    Effect.gen(function*() {
      expect(yield* report).toBe([
        "El dataset tiene 3 filas y 3 columnas: a, b y c.",
        "",
        "- a: media 2,00, mínimo 1,00, máximo 3,00",
        "- b: media 7,00, mínimo 7,00, máximo 7,00",
        "- c: media 4,00, mínimo 2,00, máximo 6,00",
        "",
        "La relación más fuerte es la de a con c: r = 1,00."
      ].join("\n"))
    }).pipe(Effect.provide(over("a,b,c\n1,7,2\n2,7,4\n3,7,6\n"))))
})

describe("the smallest program", () => {
  it.scopedLive("runs from the environment", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([Script.text("Good morning, Ada.")])
      const { url } = yield* simulator.serve()
      const result = yield* run(["examples/smallest.ts"], {
        OPENAI_API_KEY: "sk-test",
        OPENAI_BASE_URL: url,
        OPENAI_MODEL: "test-model"
      })
      expect(result).toEqual({ code: 0, stdout: "Good morning, Ada.\n", stderr: "" })
    }), slow)
})

describe("errors", () => {
  const after = (script: Script.Script) =>
    Effect.gen(function*() {
      const { create } = yield* Threads.Threads
      return yield* answer((yield* create()).id, "Hi")
    }).pipe(noRetries, Effect.provide(threads(script)))

  it.effect("RateLimited", () =>
    Effect.gen(function*() {
      const limit = Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "7" } })
      expect(yield* after([limit])).toBe("Try again in 7s.")
    }))

  it.effect("RunIncomplete", () =>
    Effect.gen(function*() {
      const turn = Script.turn([Script.text("Half of"), Script.incomplete("max_output_tokens")])
      expect(yield* after([turn])).toBe("Half of [cut: max_output_tokens]")
    }))

  it.scoped("ThreadBusy", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const pull = yield* Stream.toPull(service.run(id))
      yield* pull
      expect(yield* answer(id, "Hi")).toMatch(/^One question at a time, please \((running|ownRun)\)\.$/)
    }).pipe(Effect.provide(threads([Script.always("never read to its end")]))))
})

describe("events", () => {
  let printed = ""
  beforeEach(() => {
    printed = ""
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += String(text)
      return true
    })
    vi.spyOn(console, "log").mockImplementation((text) => {
      printed += `${text}\n`
    })
  })
  afterEach(() => vi.restoreAllMocks())

  const script = [Script.turn([Script.hostedTool("web_search", { query: "Lima" }), "In Lima."])]
  const start = <A, E, R>(print: (id: Thread.ThreadId) => Effect.Effect<A, E, R>) =>
    Effect.flatMap(
      Threads.Threads,
      (service) => Effect.flatMap(service.create({ messages: ["Where?"] }), ({ id }) => print(id))
    )

  const expected =
    "[web_search: added]\n[web_search: in_progress]\n[web_search: searching]\n[web_search: completed]\n" +
    "[web_search: done]\nIn Lima."

  it.effect("as a stream", () =>
    Effect.gen(function*() {
      yield* start(Streams.print)
      expect(printed).toBe(expected)
    }).pipe(Effect.provide(threads(script))))

  it.effect("as handlers", () =>
    Effect.gen(function*() {
      const { status, text } = yield* start(Handlers.print)
      expect({ printed, status, text }).toEqual({ printed: expected, status: "completed", text: "In Lima." })
    }).pipe(Effect.provide(threads(script))))
})

describe("assistants", () => {
  const script = [Script.text("Rain falls."), Script.text("It is short.")]
  const instructions = ["Write one short paragraph.", "Say in one sentence what is weak in the text before."]

  it.effect("write and review on one thread", () =>
    Effect.gen(function*() {
      const result = yield* AssistantsExample.writeAndReview("Rain")
      expect(result).toEqual({ text: "Rain falls.", review: "It is short." })
      const requests = yield* Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests)
      const bodies = requests.filter(({ path }) => path.endsWith("/responses")).map(({ body }) => body)
      expect(bodies).toMatchObject(instructions.map((instructions) => ({ instructions })))
    }).pipe(
      Effect.provide(AssistantsExample.threads.pipe(
        Layer.provide(ThreadStore.layerConversations),
        Layer.provideMerge(OpenAITest.layer(script))
      )),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["OPENAI_MODEL", "test-model"]])))
    ))

  it.effect("are the same from the file", () =>
    Effect.gen(function*() {
      const list = Effect.flatMap(Assistants.Assistants, ({ list }) => list)
      const values = yield* Effect.provide(list, AssistantsExample.values)
      const fromFile = yield* Effect.provide(list, Layer.provide(AssistantsExample.fromFile, NodeContext.layer))
      const essence = (
        assistant: Assistant.Assistant
      ) => [assistant.id, assistant.instructions?.trim(), assistant.verbosity]
      expect(fromFile.map(essence)).toEqual(values.map(essence))
    }))
})

it.effect("rate limits: all are answered, and who is impatient is told", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const ids = yield* Effect.forEach(["A", "B", "C"], () => Effect.map(service.create(), ({ id }) => id))
    yield* Limits.answerAll([[ids[0]!, "Hi"]])
    const fiber = yield* Effect.fork(Limits.answerAll(ids.map((id) => [id, "And?"])))
    yield* simulator.advance("1 second")
    const unsent = yield* Effect.flip(Effect.provide(Limits.answerAll([[ids[0]!, "Now!"]]), Limits.impatient))
    expect(unsent).toMatchObject({ _tag: "RateLimited", unsent: true })
    const logged = vi.spyOn(console, "log").mockImplementation(() => {})
    yield* Limits.report
    const lines = logged.mock.calls.map(([line]) => line)
    logged.mockRestore()
    expect(lines).toEqual(["test-model: 0 of 2 left, whole in 19s, 2 waiting"])
    yield* simulator.advance("20 seconds")
    expect(yield* Fiber.join(fiber)).toHaveLength(3)
    expect((yield* simulator.requests).every(({ status }) => status === 200)).toBe(true)
  }).pipe(Effect.provide(
    threads([Script.always("Hello")], { simulator: { rateLimits: { requests: { limit: 2, per: "20 seconds" } } } })
  )))

it.effect("submit: answers each call until there is none", () =>
  Effect.gen(function*() {
    expect(yield* ask("When are you open?")).toBe("Not on Sunday.")
    const simulator = yield* Simulator.Simulator
    const bodies = (yield* simulator.requests).flatMap(({ body, path }) => path === "/responses" ? [body] : [])
    expect(bodies).toMatchObject([
      { tools: [{ type: "function", name: "opening_hours" }] },
      { tools: [{ type: "function" }], input: [{ output: "9 to 17" }, { output: "closed" }] },
      { input: [{ type: "mcp_approval_response", approve: false }] }
    ])
  }).pipe(
    Effect.provide(threads([
      Script.turn([
        Script.functionCall("opening_hours", { day: "Monday" }),
        Script.functionCall("opening_hours", { day: "Sunday" })
      ]),
      Script.turn([Script.approvalRequest("open_door", {})]),
      Script.text("Not on Sunday.")
    ])),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["OPENAI_MODEL", "test-model"]])))
  ))

it.scopedLive("local threads: the server keeps none", () =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.make([Script.text("One."), Script.text("Two.")])
    const { url } = yield* simulator.serve()
    const config = ConfigProvider.fromMap(
      new Map([["OPENAI_API_KEY", "sk-test"], ["OPENAI_BASE_URL", url], ["OPENAI_MODEL", "test-model"]])
    )
    const texts = Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const first = yield* Run.text(service.run(id, { message: "1?" }))
      return [first, yield* Run.text(service.run(id, { message: "2?" }))]
    })
    expect(yield* texts.pipe(Effect.provide(local), Effect.withConfigProvider(config))).toEqual(["One.", "Two."])
    expect(yield* simulator.threads).toEqual([])
    expect((yield* simulator.requests).map(({ body }) => body)).toMatchObject([{ store: false }, { store: false }])
  }))

it.live("the program for an empty project prints what is expected", () =>
  Effect.gen(function*() {
    const { stdout } = yield* run(["test/consumer/program.ts"])
    expect(stdout).toBe(read("test/consumer/expected.txt"))
  }), slow)

it.effect("tools: the model is told what they give", () =>
  Effect.gen(function*() {
    expect(yield* AskWeather.ask("How warm is it in Lima?")).toBe("19.5 degrees, and no such city.")
    const simulator = yield* Simulator.Simulator
    const [thread] = yield* simulator.threads
    const outputs = thread!.items.flatMap((item) => item.type === "function_call_output" ? [item.output] : [])
    expect(outputs).toEqual([`{"celsius":19.5}`, expect.stringContaining("Atlantis")])
  }).pipe(Effect.provide([
    AskWeather.handlers,
    threads([
      Script.turn([
        Script.functionCall("weather", { city: "Lima", days: null }),
        Script.functionCall("weather", { city: "Atlantis", days: 2 })
      ]),
      "19.5 degrees, and no such city."
    ])
  ])))

it.effect("approval: a large refund waits for a person", () =>
  Effect.gen(function*() {
    const { create } = yield* Threads.Threads
    const { id } = yield* create()
    const { pending, status } = yield* Approval.ask(id, "Refund my order 7")
    expect({ status, pending: pending.length }).toEqual({ status: "requires_action", pending: 1 })
    // Another process has the thread's id, and what waits as plain data.
    const later = Layer.fresh(Layer.provide(Threads.layer, ThreadStore.layerConversations))
    const decided = Approval.decide(id, JSON.parse(JSON.stringify(pending)), true).pipe(Effect.provide(later))
    expect((yield* decided).text).toBe("Done.")
    const simulator = yield* Simulator.Simulator
    const [thread] = yield* simulator.threads
    expect(JSON.stringify(thread)).toContain("80 euros are on their way")
  }).pipe(Effect.provide([
    Approval.handlers,
    threads([Script.functionCall("refund", { order: "7", euros: 80 }), "Done."])
  ])))

it.effect("tools that OpenAI runs give their files", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const logged = vi.spyOn(console, "error").mockImplementation(() => {})
    const { files, text } = yield* research(id, "How warm was it in Lima?").pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["OPENAI_MODEL", "test-model"]])))
    )
    const lines = logged.mock.calls.map(([line]) => line)
    logged.mockRestore()
    expect(text).toBe("Warm: see plot.png.")
    expect(files).toEqual([{ name: "plot.png", bytes: Buffer.from("a plot") }])
    expect(lines).toEqual(["searched Lima weather", "plot()"])
  }).pipe(Effect.provide(threads([
    Script.turn([
      Script.hostedTool("web_search", {
        query: "Lima weather",
        sources: [{ type: "url", url: "https://example.com" }]
      }),
      Script.hostedTool("code_interpreter", {
        code: "plot()",
        containerId: "cntr_1",
        files: { cfile_1: { filename: "plot.png", content: "a plot" } }
      }),
      Script.text("Warm: see plot.png.", {
        annotations: [
          { type: "container_file_citation", container_id: "cntr_1", file_id: "cfile_1", filename: "plot.png" }
        ]
      })
    ])
  ]))))

it.effect("resume: a reader goes on behind the last cursor that it has kept", () =>
  Effect.gen(function*() {
    const { create } = yield* Threads.Threads
    const { id } = yield* create()
    const cursor = yield* Resuming.begin(id, "How are you?")
    const kept: Array<{ readonly cursor: string; readonly text: string }> = []
    const see = (event: RunEvent.RunEvent, cursor: string) =>
      Effect.sync(() => void kept.push({ cursor, text: event._tag === "TextDelta" ? event.delta : "" }))
    const textOf = (from: number) => kept.slice(from).map(({ text }) => text).join("")
    yield* Resuming.readOn(cursor, see)
    expect(textOf(0)).toBe("Fine, thank you.")
    const rest = kept.length
    const middle = kept.findIndex(({ text }) => text !== "")
    yield* Resuming.readOn(kept[middle]!.cursor, see)
    expect(textOf(rest)).toBe(" thank you.")
  }).pipe(Effect.provide(threads(["Fine, thank you."]))))

it.effect("structured output: a value of the schema's type", () =>
  Effect.gen(function*() {
    expect(yield* Structured.read("Invoice 12, …")).toEqual({ total: 30, due: new Date("2026-03-01T00:00:00Z") })
  }).pipe(Effect.provide(threads([JSON.stringify({
    number: "12",
    date: "2026-03-01T00:00:00Z",
    lines: [{ what: "tea", euros: 10 }, { what: "cake", euros: 20 }],
    remark: null
  })]))))
