import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { OpenAI, Thread } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("./processes/run.ts", import.meta.url))

interface Line {
  readonly made?: string
  readonly event?: string
  readonly cursor?: string
  readonly delta?: string
  readonly text?: string
}

/** Runs the program in a process of its own, and kills it behind the first line that `until` is true of. */
const processOf = (args: ReadonlyArray<string>, until: (lines: ReadonlyArray<Line>) => boolean) =>
  Effect.async<{ readonly lines: ReadonlyArray<Line>; readonly signal: string | null; readonly stderr: string }>(
    (resume) => {
      const child = spawn(process.execPath, ["--import", "tsx", program, ...args])
      const lines: Array<Line> = []
      let stderr = ""
      child.stderr.on("data", (data) => stderr += String(data))
      createInterface(child.stdout).on("line", (line) => {
        lines.push(JSON.parse(line))
        if (until(lines)) child.kill("SIGKILL")
      })
      child.on("close", (_, signal) => resume(Effect.succeed({ lines, signal, stderr })))
      return Effect.sync(() => child.kill("SIGKILL"))
    }
  )

const deltas = (lines: ReadonlyArray<Line>) => lines.map(({ delta = "" }) => delta).join("")
const cursorOf = (lines: ReadonlyArray<Line>) => lines.findLast(({ cursor }) => cursor !== undefined)?.cursor ?? ""

/** A thread on a simulated OpenAI that listens on a port, which outlives the processes. */
const served = (script: Script.Script) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.make(script)
    const { url } = yield* simulator.serve()
    const { conversations } = yield* Effect.provide(
      OpenAI.OpenAI,
      OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl: url })
    )
    const { id } = yield* conversations.create()
    return { url, id: Thread.ThreadId.make(id), simulator }
  })

const sentence = "one two three four five six seven eight"

describe("a process that is killed with SIGKILL", () => {
  it.live(
    "in the middle of the text: another goes on from its last cursor, with the same text",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { id, url } = yield* served([Script.turn(sentence, { latency: "50 millis" })])
        const first = yield* processOf([url, id], (lines) => deltas(lines).includes("two"))
        expect(first).toMatchObject({ signal: "SIGKILL", stderr: "" })
        const second = yield* processOf([url, id, cursorOf(first.lines)], () => false)
        expect(second).toMatchObject({ signal: null, stderr: "" })
        expect(deltas(first.lines) + deltas(second.lines)).toBe(sentence)
        expect(second.lines.at(-1)).toMatchObject({ event: "RunCompleted", text: sentence })
      })),
    30_000
  )

  it.live(
    "in the middle of the tools: another makes the calls, and the run ends",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { id, simulator, url } = yield* served([
          Script.turn([Script.functionCall("slow", { text: "a" }), Script.functionCall("slow", { text: "b" })]),
          "All made."
        ])
        const first = yield* processOf(
          [url, id],
          (lines) => lines.filter(({ made }) => made !== undefined).length === 2
        )
        expect(first).toMatchObject({ signal: "SIGKILL", stderr: "" })
        const second = yield* processOf([url, id, cursorOf(first.lines)], () => false)
        expect(second).toMatchObject({ signal: null, stderr: "" })
        expect(second.lines.at(-1)).toMatchObject({ event: "RunCompleted", text: "All made." })
        const [thread] = yield* simulator.threads
        const outputs = thread!.items.flatMap((item) => item.type === "function_call_output" ? [item.output] : [])
        expect(outputs).toEqual(["slow a", "slow b"])
      })),
    30_000
  )
})
