import { describe, expect, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { Assistant, OpenAI, Run, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { toItem } from "../src/internal/items.ts"
import { threads } from "./support/layers.ts"
import { collect } from "./support/observe.ts"

const researcher = Assistant.make({
  id: "researcher",
  model: "test-model",
  tools: [
    { type: "web_search" },
    { type: "file_search", vector_store_ids: ["vs_1"] },
    { type: "code_interpreter", container: { type: "auto" } },
    { type: "image_generation" },
    { type: "mcp", server_label: "wiki", server_url: "https://example.com/mcp", require_approval: "never" }
  ]
})

const cited = Script.text("It rains; see plot.png.", {
  annotations: [
    { type: "url_citation", url: "https://example.com", title: "Weather", start_index: 0, end_index: 8 },
    { type: "file_citation", file_id: "file-1", filename: "a.pdf", index: 3 },
    { type: "container_file_citation", container_id: "cntr_1", file_id: "cfile_1", filename: "plot.png" },
    { type: "container_file_citation", container_id: "cntr_1", file_id: "cfile_1", filename: "plot.png" }
  ]
})

const parts = [
  Script.hostedTool("web_search", { query: "Lima weather", sources: [{ type: "url", url: "https://example.com" }] }),
  Script.hostedTool("file_search", {
    queries: ["rain"],
    results: [{ file_id: "file-1", filename: "a.pdf", score: 0.9, text: "It rains.", attributes: { year: 2026 } }]
  }),
  Script.hostedTool("code_interpreter", {
    code: "print(1)",
    containerId: "cntr_1",
    outputs: [{ type: "logs", logs: "1" }, { type: "image", url: "data:image/png;base64,AQID" }, { type: "new" }],
    files: { cfile_1: { filename: "plot.png", content: Uint8Array.of(1, 2, 3) } }
  }),
  Script.hostedTool("image_generation", { result: "AQID" }),
  Script.hostedTool("mcp_list_tools", { serverLabel: "wiki", tools: [{ name: "search", description: "Finds." }] }),
  Script.hostedTool("mcp", { serverLabel: "wiki", name: "search", arguments: { q: "Lima" }, output: "A city." }),
  Script.hostedTool("mcp", { serverLabel: "wiki", name: "search", arguments: "{}", error: "down" }),
  cited
]
const answer = Script.turn(parts)

const sources = [{ type: "url", url: "https://example.com" }]
const found = [{ fileId: "file-1", filename: "a.pdf", score: 0.9, text: "It rains.", attributes: { year: 2026 } }]
const outputs = [
  { _tag: "Logs", logs: "1" },
  { _tag: "Image", url: "data:image/png;base64,AQID" },
  { _tag: "Unknown", type: "new", raw: { type: "new" } }
]
const results = (told: boolean) => [
  { _tag: "WebSearch", action: "search", queries: ["Lima weather"], sources: told ? sources : [] },
  { _tag: "FileSearch", queries: ["rain"], results: told ? found : [] },
  { _tag: "CodeInterpreter", code: "print(1)", containerId: "cntr_1", outputs: told ? outputs : [] },
  { _tag: "ImageGeneration", image: "AQID" },
  { _tag: "McpTools", server: "wiki", tools: [{ name: "search", description: "Finds." }] },
  { _tag: "McpCall", server: "wiki", name: "search", arguments: "{\"q\":\"Lima\"}", output: "A city." },
  { _tag: "McpCall", server: "wiki", name: "search", arguments: "{}", error: "down" }
]

const resultsOf = (items: ReadonlyArray<Thread.Item>) =>
  items.flatMap((item) => item._tag === "HostedToolCall" ? [item.result] : [])

const ended = (events: ReadonlyArray<RunEvent.RunEvent>) =>
  events.flatMap((event) => event._tag === "HostedToolProgress" && event.phase === "done" ? [event.call?.result] : [])

describe("tools that OpenAI runs", () => {
  for (const store of ["conversations", "memory"] as const) {
    const over = (turns: Script.Script) => Effect.provide(threads(turns, { store, assistants: [researcher] }))

    it.effect(`${store}: their results are in the events and in the thread`, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const events = yield* collect(service.run(id, { message: "How is Lima?" }))
        expect(ended(events)).toEqual(results(true))
        const include = [
          "web_search_call.action.sources",
          "file_search_call.results",
          "code_interpreter_call.outputs"
        ]
        expect(resultsOf(yield* collect(service.items(id, { include })))).toEqual(results(true))
        const asked = (yield* (yield* Simulator.Simulator).requests).find(({ path }) => path === "/responses")
        expect(asked?.body).toMatchObject({
          include: store === "memory" ? [...include, "reasoning.encrypted_content"] : include
        })
      }).pipe(over([answer])))

    it.effect(`${store}: what nobody asks for is not told`, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const events = yield* collect(service.run(id, { message: "How is Lima?", include: [] }))
        expect(ended(events)).toEqual(results(false))
        expect(resultsOf(yield* collect(service.items(id)))).toEqual(results(false))
      }).pipe(over([answer])))
  }

  it.effect("an answer whose end was not heard tells them too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      expect(ended(yield* collect(service.run(id, { message: "How is Lima?" })))).toEqual(results(true))
    }).pipe(Effect.provide(threads(
      [Script.turn(parts, { fault: Script.cut({ afterEvents: 4 }), afterDisconnect: "completed" })],
      { assistants: [researcher] }
    ))))

  it.effect("the files that code has made are read by what a message names", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const openai = yield* OpenAI.OpenAI
      const { id } = yield* service.create()
      const result = yield* Run.result(service.run(id, { message: "Plot it." }))
      expect(result.messages[0]?.content[0]).toMatchObject({
        annotations: [
          { type: "url_citation", url: "https://example.com", title: "Weather", startIndex: 0, endIndex: 8 },
          { type: "file_citation", fileId: "file-1", filename: "a.pdf" },
          { type: "container_file_citation", containerId: "cntr_1", fileId: "cfile_1", filename: "plot.png" },
          { containerId: "cntr_1" }
        ]
      })
      const files = Run.files(result)
      expect(files).toEqual([{ containerId: "cntr_1", fileId: "cfile_1", filename: "plot.png" }])
      const bytes = yield* Stream.runFold(openai.files.content(files[0]!), 0, (sum, chunk) => sum + chunk.length)
      expect(bytes).toBe(3)
      expect(Run.files({ messages: [] })).toEqual([])
    }).pipe(Effect.provide(threads([answer], { assistants: [researcher] }))))

  it("law 9: a result of another shape is read as far as it goes", () => {
    const types = ["web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"]
    for (const type of [...types, "mcp_list_tools"]) {
      for (const odd of [null, 5, "x", [null, 7], { type: 3 }]) {
        const fields = ["action", "queries", "results", "outputs", "code", "container_id", "result", "tools", "error"]
        const item = toItem({ type, id: "x_1", ...Object.fromEntries(fields.map((field) => [field, odd])) })
        expect(item).toMatchObject({ _tag: "HostedToolCall", status: "in_progress" })
        expect(Schema.is(Thread.Item)(item), `${type} with ${JSON.stringify(odd)}`).toBe(true)
      }
    }
    expect(toItem({ type: "computer_call", id: "cu_1" })).not.toHaveProperty("result")
    const failed = toItem({ type: "mcp_call", id: "mcp_1", error: { type: "protocol_error", code: 1, message: "no" } })
    expect(failed).toMatchObject({ result: { error: "no" } })
  })
})

describe("attachments", () => {
  const mebibyte = 1024 * 1024
  const file = (size: number, filename = "a.bin") =>
    Thread.fileBytes(new Uint8Array(size), { filename, mediaType: "application/pdf" })
  const image = (size: number) => Thread.imageBytes(new Uint8Array(size), { mediaType: "image/png" })

  it.effect("the largest are uploaded until the rest is small enough", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      const content = [Thread.text("Look."), file(3 * mebibyte), image(6 * mebibyte), file(7 * mebibyte, "large.pdf")]
      const { content: written } = yield* service.addMessage(id, { content })
      const files = yield* simulator.files
      expect(files.map(({ bytes, filename, purpose }) => [filename, purpose, bytes.length]).sort()).toEqual([
        ["image.png", "vision", 6 * mebibyte],
        ["large.pdf", "user_data", 7 * mebibyte]
      ])
      const idOf = (name: string) => files.find(({ filename }) => filename === name)?.id
      expect(written).toMatchObject([
        { _tag: "Text" },
        { _tag: "File", filename: "a.bin" },
        { _tag: "Image", fileId: idOf("image.png") },
        { _tag: "File", fileId: idOf("large.pdf") }
      ])
      expect((yield* simulator.requests).map(({ path }) => path)).toEqual([
        "/conversations",
        "/files",
        "/files",
        `/conversations/${id}/items`
      ])
    }).pipe(Effect.provide(threads([]))))

  it.effect("so they are for a new thread and for a run", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const content = [file(9 * mebibyte)]
      const { id } = yield* service.create({ messages: [{ content }] })
      expect((yield* simulator.requests).map(({ path }) => path)).toEqual(["/files", "/conversations"])
      yield* Run.result(service.run(id, { message: { content } }))
      expect(yield* simulator.files).toHaveLength(2)
      for (const message of yield* collect(service.messages(id))) {
        if (message.role === "user") {
          expect(message.content).toMatchObject([{ _tag: "File", fileId: expect.any(String) }])
        }
      }
    }).pipe(Effect.provide(threads(["Fine."]))))

  it.effect("what is small goes inline, in one request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* service.addMessage(id, { content: [file(5 * mebibyte), image(3 * mebibyte)] })
      expect((yield* (yield* Simulator.Simulator).requests).map(({ path }) => path)).toEqual([
        "/conversations",
        `/conversations/${id}/items`
      ])
    }).pipe(Effect.provide(threads([]))))

  it.effect("a store that keeps threads here uploads nothing", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* service.addMessage(id, { content: [file(9 * mebibyte)] })
      expect(yield* (yield* Simulator.Simulator).requests).toEqual([])
      const error = yield* Effect.flip(service.addMessage(id, { content: [file(Thread.maxInlineBytes + 1)] }))
      expect(error).toMatchObject({ _tag: "InvalidInput", field: "content" })
    }).pipe(Effect.provide(threads([], { store: "memory" }))))

  it.effect("a server without files gets them inline", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.httpError({ status: 404, body: "" }), ({ path }) => path === "/files")
      const { content } = yield* service.addMessage(id, { content: [file(9 * mebibyte)] })
      expect(content).toMatchObject([{ _tag: "File", filename: "a.bin" }])
    }).pipe(Effect.provide(threads([]))))

  it.effect("law 4: nothing is written when an upload fails", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* simulator.inject(Script.httpError({ status: 500 }), ({ path }) => path === "/files")
      const error = yield* Effect.flip(collect(service.run(id, { message: { content: [file(9 * mebibyte)] } })))
      expect(error).toMatchObject({ _tag: "ServerError" })
      expect((yield* simulator.threads)[0]?.items).toEqual([])
    }).pipe(Effect.provide(threads([]))))
})
