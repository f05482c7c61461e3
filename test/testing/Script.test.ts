import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Part, Script as Turns, TurnInput } from "../../src/testing/Script.ts"
import * as Script from "../../src/testing/Script.ts"
import * as Simulator from "../../src/testing/Simulator.ts"

interface Event {
  readonly type: string
  readonly [key: string]: unknown
}

const decode = (text: string): ReadonlyArray<Event> =>
  text.split("\n\n").flatMap((block) =>
    block.split("\n").filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)))
  )

const ask = (simulator: Simulator.Service, body: object = {}) =>
  Effect.promise(() =>
    simulator.fetch("https://api.openai.com/v1/responses", {
      method: "POST",
      headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-6", input: "Hello", stream: true, ...body })
    })
  )

const textOf = (script: Turns, body?: object) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.make(script)
    const response = yield* ask(simulator, body)
    return yield* Effect.promise(() => response.text())
  })

const eventsOf = (turn: TurnInput, body?: object) => Effect.map(textOf([turn], body), decode)

const typesOf = (turn: TurnInput, body?: object) =>
  Effect.map(eventsOf(turn, body), (events) => events.map((event) => event.type))

/** What a single item adds between the beginning and the end of a response. */
const itemTypesOf = (part: Part, body?: object) => Effect.map(typesOf(part, body), (types) => types.slice(2, -1))

const keys = (value: unknown) => Object.keys(Object(value)).sort()

// The fields of a streamed response as recorded from OpenAI in January 2026.
const responseKeys = [
  "background",
  "completed_at",
  "created_at",
  "error",
  "frequency_penalty",
  "id",
  "incomplete_details",
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "metadata",
  "model",
  "object",
  "output",
  "parallel_tool_calls",
  "presence_penalty",
  "previous_response_id",
  "prompt_cache_key",
  "prompt_cache_retention",
  "reasoning",
  "safety_identifier",
  "service_tier",
  "status",
  "store",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "truncation",
  "usage",
  "user"
]

describe("events, in the order and with the fields that OpenAI sends", () => {
  it.scoped("text after reasoning", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(
        Script.turn([Script.reasoning(), Script.text("Paris.", { chunks: ["Paris", "."] })])
      )
      expect(events.map((event) => event.type)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed"
      ])
      expect(events.map((event) => event.sequence_number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      expect(events.map((event) => keys(event).filter((key) => key !== "type" && key !== "sequence_number"))).toEqual([
        ["response"],
        ["response"],
        ["item", "output_index"],
        ["item", "output_index"],
        ["item", "output_index"],
        ["content_index", "item_id", "output_index", "part"],
        ["content_index", "delta", "item_id", "logprobs", "output_index"],
        ["content_index", "delta", "item_id", "logprobs", "output_index"],
        ["content_index", "item_id", "logprobs", "output_index", "text"],
        ["content_index", "item_id", "output_index", "part"],
        ["item", "output_index"],
        ["response"]
      ])
      for (const event of events.filter((event) => "response" in event)) {
        expect(keys(event.response)).toEqual(responseKeys)
      }
      expect(events[0]).toMatchObject({
        response: { status: "in_progress", usage: null, output: [], service_tier: "auto" }
      })
      expect(keys(events[2]?.item)).toEqual(["id", "summary", "type"])
      expect(events[4]?.item).toEqual({
        id: expect.stringMatching(/^msg_[0-9a-f]{48}$/),
        type: "message",
        status: "in_progress",
        content: [],
        role: "assistant"
      })
      expect(events[5]?.part).toEqual({ type: "output_text", annotations: [], logprobs: [], text: "" })
      expect(events[10]).toMatchObject({
        output_index: 1,
        item: {
          status: "completed",
          content: [{ type: "output_text", annotations: [], logprobs: [], text: "Paris." }]
        }
      })
      expect(events[11]).toMatchObject({
        response: {
          status: "completed",
          error: null,
          output: [events[3]?.item, events[10]?.item],
          service_tier: "default",
          usage: { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 64 } }
        }
      })
    }))

  it.scoped("a function call", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Script.functionCall("get_weather", { location: "Lima" }, { chunks: 2 }))
      expect(events.map((event) => event.type)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed"
      ])
      expect(events[2]?.item).toEqual({
        id: expect.stringMatching(/^fc_/),
        type: "function_call",
        status: "in_progress",
        arguments: "",
        call_id: expect.stringMatching(/^call_/),
        name: "get_weather"
      })
      expect(keys(events[3])).toEqual(["delta", "item_id", "output_index", "sequence_number", "type"])
      expect(keys(events[5])).toEqual(["arguments", "item_id", "output_index", "sequence_number", "type"])
      expect(events[6]).toMatchObject({ item: { status: "completed", arguments: "{\"location\":\"Lima\"}" } })
      expect(String(events[3]?.delta) + String(events[4]?.delta)).toBe("{\"location\":\"Lima\"}")
    }))

  it.scoped("arguments that are a string are sent as they are", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Script.functionCall("f", "{\"half", { callId: "call_1" }))
      expect(events.at(-2)).toMatchObject({ item: { arguments: "{\"half", call_id: "call_1" } })
    }))

  it.scoped("a reasoning summary", () =>
    Effect.gen(function*() {
      expect(yield* itemTypesOf(Script.reasoning(["First thought", "Second"]))).toEqual([
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done"
      ])
    }))

  it.scoped("encrypted reasoning is another one each time", () =>
    Effect.gen(function*() {
      const include = { include: ["reasoning.encrypted_content"] }
      const events = yield* eventsOf(Script.reasoning(), include)
      const contents = events.flatMap((event) => Object(event.item).encrypted_content ?? [])
      expect(new Set(contents).size).toBe(2)
      expect(Object(events.at(-1)?.response).output[0].encrypted_content).toBe(contents[1])
      expect(yield* textOf([Script.reasoning()])).not.toContain("encrypted_content")
    }))

  it.scoped("a refusal completes", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Script.refusal("I cannot"))
      expect(events.slice(2).map((event) => event.type)).toEqual([
        "response.output_item.added",
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed"
      ])
      expect(events.at(-2)).toMatchObject({ item: { content: [{ type: "refusal", refusal: "I cannot" }] } })
    }))

  it.scoped("annotations", () =>
    Effect.gen(function*() {
      const annotation = { type: "file_citation", file_id: "file_1", filename: "a.csv", index: 3 }
      const events = yield* eventsOf(Script.text("See", { annotations: [annotation] }))
      expect(events.find((event) => event.type === "response.output_text.annotation.added")).toMatchObject({
        annotation,
        annotation_index: 0,
        content_index: 0
      })
      expect(events.at(-2)).toMatchObject({ item: { content: [{ annotations: [annotation] }] } })
    }))

  it.scoped("hosted tools", () =>
    Effect.gen(function*() {
      const around = (types: ReadonlyArray<string>) => [
        "response.output_item.added",
        ...types,
        "response.output_item.done"
      ]
      expect(yield* itemTypesOf(Script.hostedTool("web_search", { query: "effect" }))).toEqual(around([
        "response.web_search_call.in_progress",
        "response.web_search_call.searching",
        "response.web_search_call.completed"
      ]))
      expect(yield* itemTypesOf(Script.hostedTool("file_search", { queries: ["a"] }))).toEqual(around([
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed"
      ]))
      expect(yield* itemTypesOf(Script.hostedTool("code_interpreter", { code: "a = 1\nprint(a)" }))).toEqual(around([
        "response.code_interpreter_call.in_progress",
        "response.code_interpreter_call_code.delta",
        "response.code_interpreter_call_code.delta",
        "response.code_interpreter_call_code.done",
        "response.code_interpreter_call.interpreting",
        "response.code_interpreter_call.completed"
      ]))
      expect(yield* itemTypesOf(Script.hostedTool("image_generation", { result: "aa", partialImages: ["a"] }))).toEqual(
        around([
          "response.image_generation_call.in_progress",
          "response.image_generation_call.generating",
          "response.image_generation_call.partial_image",
          "response.image_generation_call.completed"
        ])
      )
      expect(yield* itemTypesOf(Script.hostedTool("mcp", { name: "roll", output: "4" }))).toEqual(around([
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.completed"
      ]))
      expect(yield* itemTypesOf(Script.hostedTool("mcp", { name: "roll", error: "no dice" }))).toContain(
        "response.mcp_call.failed"
      )
      expect(yield* itemTypesOf(Script.hostedTool("mcp_list_tools", { tools: [{ name: "roll" }] }))).toEqual(around([
        "response.mcp_list_tools.in_progress",
        "response.mcp_list_tools.completed"
      ]))
      expect(yield* itemTypesOf(Script.approvalRequest("roll", { dice: 2 }))).toEqual(around([]))
    }))

  it.scoped("results of hosted tools come only when asked for", () =>
    Effect.gen(function*() {
      const part = Script.hostedTool("file_search", { results: [{ file_id: "file_1" }] })
      expect((yield* eventsOf(part)).at(-2)).toMatchObject({ item: { results: null } })
      expect((yield* eventsOf(part, { include: ["file_search_call.results"] })).at(-2)).toMatchObject({
        item: { results: [{ file_id: "file_1" }] }
      })
    }))

  it.scoped("an incomplete answer", () =>
    Effect.gen(function*() {
      const only = yield* eventsOf(Script.turn([Script.reasoning(), Script.incomplete("max_output_tokens")]))
      expect(only.map((event) => event.type)).toEqual([
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.incomplete"
      ])
      expect(only.at(-1)).toMatchObject({
        response: {
          status: "incomplete",
          completed_at: null,
          incomplete_details: { reason: "max_output_tokens" },
          usage: { output_tokens: expect.any(Number) }
        }
      })
      const two = yield* eventsOf(Script.turn(["One", "Two", Script.incomplete("content_filter"), "Three"]))
      expect(two.at(-1)).toMatchObject({
        response: { output: [{ status: "completed" }, { status: "incomplete" }] }
      })
    }))

  it.scoped("a failed answer, in every shape", () =>
    Effect.gen(function*() {
      const nested = yield* eventsOf(Script.failure("context_length_exceeded"))
      expect(nested.map((event) => event.type)).toEqual([
        "response.created",
        "response.in_progress",
        "error",
        "response.failed"
      ])
      expect(nested[2]).toEqual({
        type: "error",
        error: {
          type: "invalid_request_error",
          code: "context_length_exceeded",
          message: expect.stringContaining("exceeds the context window"),
          param: "input"
        },
        sequence_number: 2
      })
      expect(nested[3]).toMatchObject({
        response: { status: "failed", usage: null, error: { code: "context_length_exceeded" }, output: [] }
      })
      expect(keys(Object(nested[3]?.response).error)).toEqual(["code", "message"])

      const flat = yield* eventsOf(Script.failure("server_error", "Oh", { error: "flat", failed: false }))
      expect(flat.slice(2)).toEqual([
        { type: "error", code: "server_error", message: "Oh", param: null, sequence_number: 2 }
      ])
      expect((yield* typesOf(Script.failure("server_error", "Oh", { error: "none" }))).slice(2)).toEqual([
        "response.failed"
      ])
      expect((yield* typesOf(Script.failure("server_error", "Oh", { error: "none", failed: false }))).slice(2)).toEqual(
        []
      )
    }))

  it.scoped("what is no event of the union", () =>
    Effect.gen(function*() {
      const text = yield* textOf([
        Script.turn([
          Script.garbage("{\"broken"),
          Script.comment("hello"),
          Script.keepalive,
          Script.unknownEvent("response.new_thing", { extra: 1 }),
          Script.raw("event: x\r\n\r\n"),
          Script.raw(new Uint8Array([58, 10, 10]))
        ])
      ])
      expect(text).toContain("\n\ndata: {\"broken\n\n: hello\n\n")
      expect(text).toContain("event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":2}\n\n")
      expect(text).toContain("data: {\"type\":\"response.new_thing\",\"extra\":1,\"sequence_number\":3}\n\n")
      expect(text).toContain("event: x\r\n\r\n:\n\n")
    }))
})

describe("text", () => {
  const deltas = (part: Part) => part._tag === "Text" ? part.deltas : []

  it("is cut in words, in so many pieces, or as given", () => {
    expect(deltas(Script.text("Hello  big world "))).toEqual(["Hello", "  big", " world", " "])
    expect(deltas(Script.text("abcdef", { chunks: 3 }))).toEqual(["ab", "cd", "ef"])
    expect(deltas(Script.text("🎉🎉", { chunks: 2 }))).toEqual(["🎉", "🎉"])
    expect(deltas(Script.text("abc", { chunks: ["x", ""] }))).toEqual(["x", ""])
    expect(deltas(Script.text(""))).toEqual([])
    expect(deltas(Script.text("   "))).toEqual(["   "])
  })

  it.prop("adds up to itself", { text: Schema.String, chunks: Schema.Int.pipe(Schema.between(0, 9)) }, (given) => {
    expect(deltas(Script.text(given.text)).join("")).toBe(given.text)
    expect(deltas(Script.text(given.text, { chunks: given.chunks })).join("")).toBe(given.text)
  })
})

describe("turns", () => {
  it("a turn holds its options", () => {
    expect(Script.turn("Hi", { latency: "2 seconds", headers: { "X-A": "1" } })).toMatchObject({
      _tag: "Answer",
      parts: [{ _tag: "Text", text: "Hi" }],
      latency: Duration.seconds(2),
      headers: { "x-a": "1" },
      fault: undefined
    })
  })

  it.scoped("a function sees what the model was asked", () =>
    Effect.gen(function*() {
      const seen: Array<Script.ModelRequest> = []
      const simulator = yield* Simulator.make([
        "First",
        (request) => {
          seen.push(request)
          return `${request.context.length} items`
        }
      ])
      const first = decode(yield* Effect.promise(async () => (await Effect.runPromise(ask(simulator))).text()))
      const previous = Object(first.at(-1)?.response).id
      const second = yield* ask(simulator, { previous_response_id: previous, instructions: "Be brief", input: "More" })
      expect(yield* Effect.promise(() => second.text())).toContain("3 items")
      expect(seen[0]).toMatchObject({
        model: "gpt-6",
        instructions: "Be brief",
        input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "More" }] }],
        conversationId: undefined,
        stream: true,
        index: 1
      })
    }))

  it.scoped("turns for some requests go first; always is the last resort", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([
        "plain",
        Script.when((request) => request.model === "special", ["special 1", "special 2"]),
        Script.always("again")
      ])
      const answer = (model: string) =>
        Effect.gen(function*() {
          const response = yield* ask(simulator, { model, stream: false })
          return Object(yield* Effect.promise(() => response.json())).output[0].content[0].text
        })
      expect(yield* answer("special")).toBe("special 1")
      expect(yield* answer("other")).toBe("plain")
      expect(yield* answer("other")).toBe("again")
      expect(yield* answer("special")).toBe("special 2")
      expect(yield* answer("special")).toBe("again")
      expect(yield* simulator.unused).toBe(0)
    }))

  it.scoped("usage can be given", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf(Script.turn("x", { usage: { inputTokens: 5, outputTokens: 7, cachedTokens: 2 } }))
      expect(events.at(-1)).toMatchObject({
        response: {
          usage: { input_tokens: 5, output_tokens: 7, total_tokens: 12, input_tokens_details: { cached_tokens: 2 } }
        }
      })
    }))

  it.scoped("answers that are no streams", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([
        Script.httpError({ status: 429, code: "rate_limit_exceeded", type: "tokens", headers: { "Retry-After": "3" } }),
        Script.httpError({ status: 502, body: "<h1>Bad gateway</h1>" }),
        Script.notSse("<h1>Log in</h1>")
      ])
      const limited = yield* ask(simulator)
      expect(limited.status).toBe(429)
      expect(limited.headers.get("retry-after")).toBe("3")
      expect(yield* Effect.promise(() => limited.json())).toEqual({
        error: { message: expect.any(String), type: "tokens", param: null, code: "rate_limit_exceeded" }
      })
      const gateway = yield* ask(simulator)
      expect([gateway.status, gateway.headers.get("content-type")]).toEqual([502, "text/html"])
      expect(yield* Effect.promise(() => gateway.text())).toBe("<h1>Bad gateway</h1>")
      const page = yield* ask(simulator)
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html"])
      expect(yield* Effect.promise(() => page.text())).toBe("<h1>Log in</h1>")
    }))

  it.scoped("without a turn a request fails, and says so", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const response = yield* ask(simulator)
      expect(response.status).toBe(500)
      expect(response.headers.get("x-should-retry")).toBe("false")
      expect(yield* Effect.promise(() => response.json())).toMatchObject({
        error: { code: "script_exhausted", message: expect.stringContaining("model request 1") }
      })
    }))

  it.scoped("what a function of the script throws is told", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([() => {
        throw new Error("my bug")
      }])
      const response = yield* ask(simulator)
      expect(response.status).toBe(500)
      expect(yield* Effect.promise(() => response.json())).toMatchObject({
        error: { code: "script_failed", message: expect.stringContaining("my bug") }
      })
    }))

  it.scoped("the body can come in reads of any size, also inside a character", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([
        Script.turn(Script.text("ñandú 🎉"), { readBytes: 7 }),
        Script.turn(Script.text("ñandú 🎉"), { readBytes: 1_000_000 })
      ])
      const reads = (response: Response) =>
        Effect.promise(async () => {
          const sizes: Array<number> = []
          let text = ""
          const decoder = new TextDecoder()
          for await (const chunk of response.body ?? []) {
            sizes.push(chunk.length)
            text += decoder.decode(chunk, { stream: true })
          }
          return { sizes, text }
        })
      const small = yield* reads(yield* ask(simulator))
      expect(small.sizes.slice(0, -1).every((size) => size === 7)).toBe(true)
      expect(decode(small.text).at(-1)).toMatchObject({ response: { output: [{ content: [{ text: "ñandú 🎉" }] }] } })
      const large = yield* reads(yield* ask(simulator))
      expect(large.sizes).toHaveLength(1)
      expect(decode(large.text).at(-1)).toMatchObject({ type: "response.completed" })
    }))
})
