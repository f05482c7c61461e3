import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { Assistant, Assistants, type RunEvent, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script } from "effect-openai-threads/testing"
import * as ToolLines from "../../src/cli/toolLines.ts"

/** The lines of a run in which the model does this. */
const linesOf = (...parts: ReadonlyArray<Script.Part>) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { id } = yield* threads.create()
    const line = ToolLines.make()
    const events = yield* Stream.runCollect(threads.run(id, { message: "Go" }))
    let now = 0
    return Array.from(events).flatMap((event) => line(event, now += 100, 60) ?? [])
  }).pipe(Effect.provide(
    Threads.layer.pipe(
      Layer.provide(ThreadStore.layerConversations),
      Layer.provide(Assistants.layer([Assistant.make({ id: "helper", model: "test-model" })])),
      Layer.provide(OpenAITest.layer([Script.turn(parts)]))
    )
  ))

const timeless = (lines: ReadonlyArray<string>) => lines.map((line) => line.replace(/\(\d+\.\d s\)$/, "(1.0 s)"))

describe("the lines about tools", () => {
  it.effect("a line when a function is called", () =>
    Effect.gen(function*() {
      expect(yield* linesOf(Script.functionCall("weather", { city: "Lima" }))).toEqual([
        "→ weather {\"city\":\"Lima\"}"
      ])
    }))

  it.effect("two lines for each tool that OpenAI runs: what it is asked and what it gives", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf(
        Script.hostedTool("web_search", { query: "weather in Lima" }),
        Script.hostedTool("file_search", { queries: ["one", "two"] }),
        Script.hostedTool("code_interpreter", { code: "a = 1\nprint(a)" }),
        Script.hostedTool("image_generation", { result: "aGVsbG8=" }),
        Script.hostedTool("mcp_list_tools", { serverLabel: "wiki", tools: [{ name: "ask" }, { name: "read" }] }),
        Script.hostedTool("mcp", { serverLabel: "wiki", name: "ask", arguments: { about: "x" }, output: "It is y." }),
        Script.hostedTool("mcp", { serverLabel: "wiki", name: "read", arguments: {}, error: "It is gone." })
      )
      expect(timeless(lines)).toEqual([
        "→ web_search",
        "✓ web_search weather in Lima (1.0 s)",
        "→ file_search",
        "✓ file_search one, two (1.0 s)",
        "→ code_interpreter",
        "✓ code_interpreter a = 1\\nprint(a) (1.0 s)",
        "→ image_generation",
        "✓ image_generation (1.0 s)",
        "→ mcp_list_tools wiki",
        "✓ mcp_list_tools wiki 2 tools (1.0 s)",
        "→ mcp wiki.ask",
        "✓ mcp wiki.ask {\"about\":\"x\"} → It is y. (1.0 s)",
        "→ mcp wiki.read",
        "✗ mcp wiki.read {} → It is gone. (1.0 s)"
      ])
    }))

  const position = { runId: "run_1", threadId: "conv_1", sequence: 0, step: 0, wire: 0 }
  const completed = (output: string, isFailure: boolean) =>
    ({
      _tag: "ToolCallCompleted",
      ...position,
      itemId: "fc_1",
      callId: "call_1",
      name: "weather",
      output,
      isFailure,
      result: undefined
    }) as RunEvent.RunEvent
  const requested = (args: string) =>
    ({
      _tag: "ToolCallRequested",
      ...position,
      itemId: "fc_1",
      call: {
        _tag: "FunctionCall",
        id: Thread.ItemId.make("fc_1"),
        callId: Thread.CallId.make("call_1"),
        name: "weather",
        arguments: args,
        status: "completed"
      }
    }) as RunEvent.RunEvent

  it("says of a call that the program made whether it failed, and how long it took", () => {
    const line = ToolLines.make()
    line(requested("{}"), 1_000, 60)
    expect(line(completed("19 °C", false), 1_250, 60)).toBe("✓ weather 19 °C (0.3 s)")
    expect(ToolLines.make()(completed("no such city", true), 0, 60)).toBe("✗ weather no such city")
  })

  it("fits into the terminal, and shows what a terminal would obey", () => {
    const line = ToolLines.make()
    const long = line(requested(`"${"é".repeat(100_000)}"`), 0, 40)
    expect(long).toHaveLength(40)
    expect(long?.endsWith("é…")).toBe(true)
    const short = line(completed("x".repeat(1_000), false), 500, 40)
    expect(short).toHaveLength(40)
    expect(short?.endsWith("x… (0.5 s)")).toBe(true)
    expect(line(requested("\u001b[2J\r\n\u009b\u202e\u2028"), 0, 80)).toBe(
      "→ weather \\u001b[2J\\u000d\\n\\u009b\\u202e\\u2028"
    )
  })
})
