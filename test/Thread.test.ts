import { describe, expect, it } from "@effect/vitest"
import { Thread, Threads } from "effect-openai-threads"
import { Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { toAnnotation, toItem } from "../src/internal/items.ts"
import { stores, threads } from "./support/layers.ts"
import { collect } from "./support/observe.ts"

const bytes = Uint8Array.of(1, 2, 3)

/** Writes a message and gives what the server got and what is read back. */
const write = (message: string | Thread.MessageInput) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    const added = yield* service.addMessage(id, message)
    const body = (yield* simulator.requests).at(-1)!.body as { readonly items: ReadonlyArray<unknown> }
    expect(body.items).toHaveLength(1)
    const [read] = yield* collect(service.messages(id))
    expect(read).toEqual(added)
    return { sent: body.items[0], read: added }
  }).pipe(Effect.provide(threads([])))

describe("messages go out and come back", () => {
  const parts: ReadonlyArray<readonly [name: string, part: Thread.PartInput, wire: object, read: object]> = [
    ["text", Thread.text("Hola, 世界"), { type: "input_text", text: "Hola, 世界" }, {
      _tag: "Text",
      text: "Hola, 世界",
      annotations: []
    }],
    ["an image by its URL", Thread.imageUrl("https://example.com/a.png"), {
      type: "input_image",
      image_url: "https://example.com/a.png",
      detail: "auto"
    }, { _tag: "Image", url: "https://example.com/a.png" }],
    ["an image that was uploaded", Thread.imageFile("file-1", { detail: "low" }), {
      type: "input_image",
      file_id: "file-1",
      detail: "low"
    }, { _tag: "Image", fileId: "file-1" }],
    ["an image as bytes", Thread.imageBytes(bytes, { mediaType: "image/png", detail: "high" }), {
      type: "input_image",
      image_url: "data:image/png;base64,AQID",
      detail: "high"
    }, { _tag: "Image", url: "data:image/png;base64,AQID" }],
    ["a file by its id", Thread.fileId("file-1"), { type: "input_file", file_id: "file-1" }, {
      _tag: "File",
      fileId: "file-1"
    }],
    ["a file as bytes", Thread.fileBytes(bytes, { filename: "a.pdf", mediaType: "application/pdf" }), {
      type: "input_file",
      filename: "a.pdf",
      file_data: "data:application/pdf;base64,AQID"
    }, { _tag: "File", filename: "a.pdf", data: "data:application/pdf;base64,AQID" }]
  ]
  for (const [name, part, wire, expected] of parts) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { read, sent } = yield* write({ content: [part] })
        expect(sent).toEqual({ type: "message", role: "user", content: [wire] })
        expect(read).toEqual({
          _tag: "Message",
          id: expect.stringMatching(/^msg_/),
          role: "user",
          status: "completed",
          content: [expected]
        })
        expect(Schema.is(Thread.Message)(read)).toBe(true)
      }))
  }

  it.effect("several parts keep their order", () =>
    Effect.gen(function*() {
      const { read } = yield* write({ content: parts.map(([, part]) => part) })
      expect(read.content).toEqual(parts.map(([, , , expected]) => expected))
      expect(Thread.textOf(read)).toBe("Hola, 世界")
    }))

  it.effect("a string is a text of the user", () =>
    Effect.gen(function*() {
      const { read } = yield* write("Hi")
      expect(read).toMatchObject({ role: "user", content: [{ _tag: "Text", text: "Hi" }] })
      expect(Thread.textOf(read)).toBe("Hi")
    }))

  for (const role of ["user", "system", "developer", "assistant"] as const) {
    it.effect(`the role ${role} is kept`, () =>
      Effect.gen(function*() {
        const { read } = yield* write({ role, content: "Hi" })
        expect(read).toMatchObject({ role, content: [{ _tag: "Text", text: "Hi", annotations: [] }] })
        expect(Thread.textOf(read)).toBe("Hi")
      }))
  }

  it.effect("a message is the same in every store", () =>
    Effect.gen(function*() {
      const message: Thread.MessageInput = { content: parts.map(([, part]) => part) }
      const inStore = (store: keyof typeof stores) =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { id } = yield* service.create({ messages: ["first", { role: "assistant", content: "second" }] })
          yield* service.addMessage(id, message)
          return (yield* collect(service.messages(id))).map(({ id: _, ...rest }) => rest)
        }).pipe(Effect.provide(threads([], { store })))
      expect(yield* inStore("memory")).toEqual(yield* inStore("conversations"))
    }))
})

describe("messages that are not valid fail before any request", () => {
  const large = new Uint8Array(Thread.maxFileBytes / 2 + 1)
  const file = (bytes: Uint8Array) => Thread.fileBytes(bytes, { filename: "a.csv", mediaType: "text/csv" })
  const rejected: ReadonlyArray<readonly [name: string, message: string | Thread.MessageInput, field: string]> = [
    ["no text", "", "content"],
    ["no parts", { content: [] }, "content"],
    ["an empty text part", { content: [Thread.text("a"), Thread.text("")] }, "content[1]"],
    ["a text over OpenAI's limit", "x".repeat(10_485_761), "content"],
    ["a URL that is none", { content: [Thread.imageUrl("a.png")] }, "content[0]"],
    ["an empty file id", { content: [Thread.fileId(" ")] }, "content[0]"],
    ["an empty image id", { content: [Thread.imageFile("")] }, "content[0]"],
    ["no bytes", { content: [file(new Uint8Array(0))] }, "content[0]"],
    ["a file without a name", {
      content: [Thread.fileBytes(bytes, { filename: "", mediaType: "text/csv" })]
    }, "content[0]"],
    ["more bytes than allowed, all parts together", {
      content: [file(large), Thread.imageBytes(large, { mediaType: "image/png" })]
    }, "content"],
    ["an image of the assistant", {
      role: "assistant",
      content: [Thread.text("a"), Thread.imageUrl("https://example.com/a.png")]
    }, "content[1]"]
  ]
  for (const [name, message, field] of rejected) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const simulator = yield* Simulator.Simulator
        const { id } = yield* service.create()
        expect(yield* Effect.flip(service.addMessage(id, message))).toMatchObject({ _tag: "InvalidInput", field })
        expect(yield* Effect.flip(service.create({ messages: ["ok", message] }))).toMatchObject({
          _tag: "InvalidInput",
          field: `messages[1].${field}`
        })
        expect(yield* Effect.flip(collect(service.run(id, { message })))).toMatchObject({
          _tag: "InvalidInput",
          field: `message.${field}`
        })
        expect(yield* simulator.requests).toHaveLength(1)
      }).pipe(Effect.provide(threads([]))))
  }

  it.effect("just as many bytes as allowed go through", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* service.addMessage(id, { content: [file(new Uint8Array(Thread.maxInlineBytes))] })
    }).pipe(Effect.provide(threads([], { store: "memory" }))))
})

describe("items are read leniently", () => {
  const rows: ReadonlyArray<readonly [name: string, wire: object, item: object]> = [
    ["a message of the model", {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      phase: "final_answer",
      content: [
        {
          type: "output_text",
          text: "Hi",
          logprobs: [],
          annotations: [{ type: "url_citation", url: "https://a", title: "A", start_index: 0, end_index: 2 }]
        },
        { type: "refusal", refusal: "No" }
      ]
    }, {
      _tag: "Message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      phase: "final_answer",
      content: [
        {
          _tag: "Text",
          text: "Hi",
          annotations: [{ type: "url_citation", url: "https://a", title: "A", startIndex: 0, endIndex: 2 }]
        },
        { _tag: "Refusal", refusal: "No" }
      ]
    }],
    ["a message with nulls and a new role", {
      type: "message",
      id: "msg_1",
      role: "critic",
      status: null,
      phase: null,
      content: "plain"
    }, {
      _tag: "Message",
      id: "msg_1",
      role: "critic",
      status: "completed",
      content: [{ _tag: "Text", text: "plain", annotations: [] }]
    }],
    ["a function call", {
      type: "function_call",
      id: "fc_1",
      call_id: "call_1",
      name: "f",
      arguments: "{not json",
      status: "incomplete"
    }, {
      _tag: "FunctionCall",
      id: "fc_1",
      callId: "call_1",
      name: "f",
      arguments: "{not json",
      status: "incomplete"
    }],
    ["an output without an id", { type: "function_call_output", call_id: "call_1", output: "done" }, {
      _tag: "FunctionCallOutput",
      id: "call_1",
      callId: "call_1",
      output: "done"
    }],
    ["reasoning", {
      type: "reasoning",
      id: "rs_1",
      summary: [{ type: "summary_text", text: "a" }],
      encrypted_content: "x"
    }, { _tag: "Reasoning", id: "rs_1", summary: ["a"] }],
    ["an approval request", {
      type: "mcp_approval_request",
      id: "mcpr_1",
      server_label: "s",
      name: "n",
      arguments: "{}"
    }, { _tag: "ApprovalRequest", id: "mcpr_1", server: "s", name: "n", arguments: "{}" }],
    ["a hosted tool", { type: "web_search_call", id: "ws_1", status: "completed", action: {} }, {
      _tag: "HostedToolCall",
      id: "ws_1",
      tool: "web_search",
      status: "completed",
      result: { _tag: "WebSearch", action: "search", queries: [], sources: [] },
      raw: expect.objectContaining({ action: {} })
    }]
  ]
  for (const [name, wire, item] of rows) {
    it(name, () => {
      expect(toItem(wire)).toEqual(item)
      expect(Schema.is(Thread.Item)(toItem(wire))).toBe(true)
    })
  }

  it("law 9: an unknown content part is Unknown with the wire's object", () => {
    const odd = [
      { type: "hologram", frames: [1] },
      { type: "output_text", text: null },
      { type: "refusal" },
      { no: "type" },
      "text",
      null
    ]
    const item = toItem({ type: "message", id: "msg_1", role: "assistant", content: odd })
    expect(item).toMatchObject({
      _tag: "Message",
      content: [
        { _tag: "Unknown", type: "hologram", raw: odd[0] },
        { _tag: "Unknown", type: "output_text", raw: odd[1] },
        { _tag: "Unknown", type: "refusal", raw: odd[2] },
        { _tag: "Unknown", type: "unknown", raw: odd[3] },
        { _tag: "Unknown", type: "unknown", raw: odd[4] },
        { _tag: "Unknown", type: "unknown", raw: odd[5] }
      ]
    })
    expect(Schema.is(Thread.Item)(item)).toBe(true)
  })

  it("law 9: an unknown item, or a known one of another shape, is Unknown with the wire's object", () => {
    const rows: ReadonlyArray<readonly [raw: unknown, type: string, id?: string]> = [
      [{ type: "program", id: "prog_1", code: "x" }, "program", "prog_1"],
      [{ type: "compaction", id: "cmp_1" }, "compaction", "cmp_1"],
      [{ type: "message", id: "msg_1" }, "message", "msg_1"],
      [{ type: "function_call", id: "fc_1", name: "f" }, "function_call", "fc_1"],
      [{ type: "web_search_call" }, "web_search_call"],
      [{ type: "constructor", id: "c" }, "constructor", "c"],
      [{ id: "" }, "unknown"],
      [{ type: 5, id: 5 }, "unknown"],
      ["text", "unknown"],
      [null, "unknown"],
      [undefined, "unknown"]
    ]
    for (const [raw, type, id] of rows) {
      const item = toItem(raw)
      expect(item).toMatchObject({ _tag: "Unknown", type, ...(id === undefined ? {} : { id }) })
      expect((item as { raw?: unknown }).raw).toBe(raw)
    }
  })

  it("law 9: whatever is sent becomes an item", () => {
    const types = [
      "message",
      "function_call",
      "function_call_output",
      "reasoning",
      "mcp_approval_request",
      "web_search_call",
      "future"
    ]
    const wire = FastCheck.tuple(
      FastCheck.constantFrom(...types),
      FastCheck.dictionary(
        FastCheck.constantFrom("id", "role", "content", "status", "call_id", "name", "arguments", "summary", "output"),
        FastCheck.jsonValue()
      )
    ).map(([type, fields]) => ({ ...fields, type }))
    FastCheck.assert(
      FastCheck.property(wire, (raw) => Schema.is(Thread.Item)(toItem(raw))),
      { numRuns: 500 }
    )
  })

  it("an annotation has the fields that its type has", () => {
    expect(toAnnotation({ type: "file_citation", file_id: "file-1", filename: "a.txt", index: 3 })).toEqual({
      type: "file_citation",
      fileId: "file-1",
      filename: "a.txt"
    })
    expect(toAnnotation(null)).toEqual({ type: "unknown" })
  })

  it.effect("law 9: unknown items of a thread are in items, and messages skips what is no message", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create({ messages: ["a"] })
      const call = { method: "POST", headers: { authorization: "Bearer sk-1", "content-type": "application/json" } }
      yield* Effect.promise(() =>
        simulator.fetch(`https://api.openai.com/v1/conversations/${id}/items`, {
          ...call,
          body: JSON.stringify({ items: [{ type: "program", code: "x" }] })
        })
      )
      yield* service.addMessage(id, "b")
      expect(yield* collect(service.items(id))).toMatchObject([
        { _tag: "Message" },
        { _tag: "Unknown", type: "program", raw: { code: "x" } },
        { _tag: "Message" }
      ])
      expect((yield* collect(service.messages(id))).map(Thread.textOf)).toEqual(["a", "b"])
    }).pipe(Effect.provide(threads([]))))
})
