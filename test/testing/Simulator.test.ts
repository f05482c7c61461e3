import * as HttpApp from "@effect/platform/HttpApp"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, NotFoundError, RateLimitError } from "openai"
import * as Script from "../../src/testing/Script.ts"
import * as Simulator from "../../src/testing/Simulator.ts"

const headers = { authorization: "Bearer sk-test", "content-type": "application/json" }

interface Client {
  readonly simulator: Simulator.Service
  readonly send: (method: string, path: string, body?: unknown, init?: RequestInit) => Promise<Response>
  readonly sdk: OpenAI
}

interface Reply {
  readonly status: number
  // What the server sends is looked at with matchers.
  readonly body: Readonly<Record<string, never>>
}

type Connect = (simulator: Simulator.Service) => Effect.Effect<Client, Simulator.ServeError, Scope.Scope>

const clientOf = (simulator: Simulator.Service, url: string, fetch: typeof globalThis.fetch): Client => ({
  simulator,
  send: (method, path, body, init) =>
    fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...init }),
  sdk: new OpenAI({ apiKey: "sk-test", baseURL: url, fetch, maxRetries: 0, logLevel: "off" })
})

const inProcess: Connect = (simulator) =>
  Effect.succeed(clientOf(simulator, "https://api.openai.com/v1", simulator.fetch))

const onLoopback: Connect = (simulator) =>
  Effect.map(simulator.serve(), ({ url }) => clientOf(simulator, url, globalThis.fetch))

const call = (client: Client, method: string, path: string, body?: unknown) =>
  Effect.promise(async (): Promise<Reply> => {
    const response = await client.send(method, path, body)
    return { status: response.status, body: JSON.parse(await response.text()) }
  })

const ask = (client: Client, body: object = {}, init?: RequestInit) =>
  Effect.promise(() =>
    client.send("POST", "/responses", { model: "gpt-6", input: "Hello", stream: true, ...body }, init)
  )

const respond = (client: Client, body: object = {}) =>
  call(client, "POST", "/responses", { model: "gpt-6", input: "Hello", ...body })

const create = (client: Client, body: object = {}) =>
  Effect.map(call(client, "POST", "/conversations", body), (reply) => String(reply.body.id))

const textOf = (response: Response) => Effect.promise(() => response.text())

const decode = (text: string): ReadonlyArray<{ readonly type: string; readonly [key: string]: unknown }> =>
  text.split("\n\n").filter((block) => block !== "").map((block) =>
    JSON.parse(block.slice(block.indexOf("data: ") + 6))
  )

const eventTypes = (response: Response) =>
  Effect.map(textOf(response), (text) => decode(text).map((event) => event.type))

/** What a promise rejects with. */
const rejection = (promise: () => Promise<unknown>) =>
  Effect.promise(() => promise().then(() => undefined, (error: unknown) => error))

/** Reads to the end or the error. */
const readAll = (response: Response) =>
  Effect.promise(async () => {
    const decoder = new TextDecoder()
    let text = ""
    try {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
      return { text, error: undefined }
    } catch (error) {
      return { text, error }
    }
  })

const countEvents = (text: string) => text.split("\n\n").length - 1

/** Real time, for what crosses a socket. */
const eventually = <A>(effect: Effect.Effect<A>, holds: (value: A) => boolean): Effect.Effect<A> =>
  Effect.promise(async () => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const value = await Effect.runPromise(effect)
      if (holds(value)) return value
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return Effect.runPromise(effect)
  })

const error = (code: string | null, param: string | null, message: unknown = expect.any(String)) => ({
  error: { message, type: "invalid_request_error", param, code }
})

for (const [name, connect] of [["in process", inProcess], ["on a loopback port", onLoopback]] as const) {
  const open = (script: Script.Script) => Effect.flatMap(Simulator.make(script), connect)

  describe(`the API, ${name}`, () => {
    it.scoped("asks for a key", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        for (const authorization of ["", "Bearer ", "Bearer sk-invalid"]) {
          const response = yield* Effect.promise(() =>
            client.send("POST", "/conversations", {}, {
              headers: { "content-type": "application/json", authorization }
            })
          )
          expect(response.status).toBe(401)
          expect(response.headers.get("x-request-id")).toMatch(/^req_/)
          expect(JSON.parse(yield* textOf(response))).toEqual(error("invalid_api_key", null))
        }
        expect(yield* client.simulator.threads).toEqual([])
      }))

    it.scoped("knows no assistants and no threads", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        for (
          const [method, path] of [["POST", "/assistants"], ["POST", "/threads"], ["GET", "/conversations"], [
            "GET",
            "/"
          ]]
        ) {
          expect(yield* call(client, String(method), String(path), method === "POST" ? {} : undefined)).toEqual({
            status: 404,
            body: error(null, null, expect.stringContaining("Invalid URL"))
          })
        }
      }))

    it.scoped("refuses a body that is no JSON", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const response = yield* Effect.promise(() => client.send("POST", "/conversations", undefined, { body: "{" }))
        expect(response.status).toBe(400)
        expect(JSON.parse(yield* textOf(response))).toEqual(error(null, null, expect.stringContaining("JSON")))
      }))

    it.scoped("keeps conversations", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1_800_000_000_500)
        const client = yield* open([])
        const created = yield* call(client, "POST", "/conversations", { metadata: { a: "1" } })
        const id = String(created.body.id)
        expect(created).toEqual({
          status: 200,
          body: {
            id: expect.stringMatching(/^conv_[0-9a-f]{48}$/),
            object: "conversation",
            created_at: 1_800_000_000,
            metadata: { a: "1" }
          }
        })
        expect((yield* call(client, "GET", `/conversations/${id}`)).body).toEqual(created.body)
        const updated = yield* call(client, "POST", `/conversations/${id}`, { metadata: { b: "2" } })
        expect(updated.body).toEqual({ ...created.body, metadata: { b: "2" } })
        expect((yield* call(client, "POST", `/conversations/${id}`, { metadata: null })).body.metadata).toEqual({})
        expect((yield* call(client, "POST", `/conversations/${id}`, {})).body).toEqual(
          error("missing_required_parameter", "metadata")
        )
        expect((yield* call(client, "DELETE", `/conversations/${id}`)).body).toEqual({
          id,
          object: "conversation.deleted",
          deleted: true
        })
        for (const method of ["GET", "POST", "DELETE"]) {
          const gone = yield* call(
            client,
            method,
            `/conversations/${id}`,
            method === "POST" ? { metadata: {} } : undefined
          )
          expect(gone).toEqual({ status: 404, body: error(null, null) })
        }
      }))

    it.scoped("limits metadata", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const pairs = (count: number) =>
          Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]))
        const status = (metadata: object) =>
          Effect.map(call(client, "POST", "/conversations", { metadata }), (_) => _.status)
        expect(yield* status(pairs(16))).toBe(200)
        expect(yield* status(pairs(17))).toBe(400)
        expect(yield* status({ ["k".repeat(64)]: "v".repeat(512) })).toBe(200)
        expect(yield* status({ ["k".repeat(65)]: "v" })).toBe(400)
        expect(yield* status({ k: "v".repeat(513) })).toBe(400)
        expect(yield* status({ k: 1 })).toBe(400)
      }))

    it.scoped("normalises items", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const id = yield* create(client)
        const reply = yield* call(client, "POST", `/conversations/${id}/items`, {
          items: [{ role: "user", content: "Héllo 🎉" }, { type: "message", role: "assistant", content: "Hi" }]
        })
        expect(reply.body).toEqual({
          object: "list",
          data: [
            {
              type: "message",
              id: expect.stringMatching(/^msg_/),
              status: "completed",
              role: "user",
              content: [{ type: "input_text", text: "Héllo 🎉" }]
            },
            {
              type: "message",
              id: expect.stringMatching(/^msg_/),
              status: "completed",
              role: "assistant",
              content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }]
            }
          ],
          first_id: expect.stringMatching(/^msg_/),
          last_id: expect.stringMatching(/^msg_/),
          has_more: false
        })
      }))

    it.scoped("refuses more than 20 items, wrong ids, and the same item twice", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const id = yield* create(client)
        const message = { role: "user", content: "x" }
        const add = (items: ReadonlyArray<unknown>) => call(client, "POST", `/conversations/${id}/items`, { items })
        expect((yield* add(Array(20).fill(message))).status).toBe(200)
        expect(yield* add(Array(21).fill(message))).toEqual({
          status: 400,
          body: error("array_above_max_length", "items")
        })
        expect((yield* call(client, "POST", "/conversations", { items: Array(21).fill(message) })).status).toBe(400)
        expect(yield* add([{ ...message, id: "item_1" }])).toEqual({
          status: 400,
          body: error("invalid_value", "items[0].id", expect.stringContaining("Expected an ID that begins with 'msg'"))
        })
        expect((yield* add([{ ...message, id: "msg_1" }])).status).toBe(200)
        expect(yield* add([message, { ...message, id: "msg_1" }])).toEqual({
          status: 400,
          body: error("item_already_in_conversation", "items")
        })
        const thread = (yield* client.simulator.threads)[0]
        expect(thread?.items).toHaveLength(21)
      }))

    it.scoped("links the old content of another conversation's item", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        yield* create(client, { items: [{ role: "user", content: "old", id: "msg_1" }] })
        const second = yield* create(client)
        yield* call(client, "POST", `/conversations/${second}/items`, {
          items: [{ role: "user", content: "new", id: "msg_1" }]
        })
        const item = yield* call(client, "GET", `/conversations/${second}/items/msg_1`)
        expect(item.body.content).toEqual([{ type: "input_text", text: "old" }])
      }))

    it.scoped("pages through items", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const items = (from: number) =>
          Array.from({ length: 20 }, (_, index) => ({ role: "user", content: "x", id: `msg_${from + index}` }))
        const id = yield* create(client, { items: items(0) })
        yield* call(client, "POST", `/conversations/${id}/items`, { items: items(20) })
        const list = (query: string) => call(client, "GET", `/conversations/${id}/items${query}`)

        const first = yield* list("")
        expect(first.body).toMatchObject({ first_id: "msg_39", last_id: "msg_20", has_more: true })
        const second = yield* list("?after=msg_20")
        expect(second.body).toMatchObject({ first_id: "msg_19", last_id: "msg_0", has_more: false })
        expect((yield* list("?order=asc&limit=1")).body).toMatchObject({
          first_id: "msg_0",
          last_id: "msg_0",
          has_more: true
        })
        expect((yield* list("?order=asc&limit=100&after=msg_38")).body).toMatchObject({ data: [{ id: "msg_39" }] })
        expect((yield* list("?after=msg_0")).body).toEqual({
          object: "list",
          data: [],
          first_id: null,
          last_id: null,
          has_more: false
        })
        expect((yield* list("?limit=0")).status).toBe(400)
        expect((yield* list("?limit=101")).status).toBe(400)
        expect((yield* list("?order=up")).status).toBe(400)

        const all = yield* Effect.promise(async () => {
          const ids: Array<string | undefined> = []
          for await (const item of client.sdk.conversations.items.list(id, { limit: 7, order: "asc" })) {
            ids.push(Object(item).id)
          }
          return ids
        })
        expect(all).toEqual(Array.from({ length: 40 }, (_, index) => `msg_${index}`))

        expect((yield* call(client, "DELETE", `/conversations/${id}/items/msg_20`)).body).toMatchObject({
          id,
          object: "conversation"
        })
        expect(yield* list("?after=msg_20")).toEqual({
          status: 404,
          body: error(null, "after", "No item found with id 'msg_20'.")
        })
        expect((yield* call(client, "GET", `/conversations/${id}/items/msg_20`)).status).toBe(404)
        expect((yield* call(client, "DELETE", `/conversations/${id}/items/msg_20`)).status).toBe(404)
      }))

    it.scoped("answers on a conversation and remembers it", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn([Script.reasoning(), Script.text("Paris.")]),
          (request) => `${request.context.length} items before`
        ])
        const id = yield* create(client)
        yield* call(client, "POST", `/conversations/${id}/items`, { items: [{ role: "user", content: "Capital?" }] })
        const reply = yield* call(client, "POST", "/responses", { model: "gpt-6", conversation: { id } })
        expect(reply.status).toBe(200)
        expect(reply.body).toMatchObject({
          status: "completed",
          conversation: { id },
          billing: { payer: "developer" },
          output: [{ type: "reasoning" }, { type: "message" }]
        })
        const second = yield* respond(client, { conversation: id, input: [{ role: "user", content: "And?" }] })
        expect(second.body.output).toMatchObject([{ content: [{ text: "4 items before" }] }])
        const thread = (yield* client.simulator.threads)[0]
        expect(thread?.items.map((item) => [item.type, item.role])).toEqual([
          ["message", "user"],
          ["reasoning", undefined],
          ["message", "assistant"],
          ["message", "user"],
          ["message", "assistant"]
        ])
        expect(thread?.locked).toBe(false)
      }))

    it.scoped("follows earlier responses", () =>
      Effect.gen(function*() {
        const client = yield* open(["one", "two", (request) =>
          `${request.context.length}`, (request) =>
          `${request.context.length}`])
        const conversation = yield* create(client)
        const first = yield* respond(client, { conversation })
        yield* respond(client, { conversation })
        const branch = yield* respond(client, { previous_response_id: first.body.id })
        expect(branch.body).toMatchObject({
          previous_response_id: first.body.id,
          output: [{ content: [{ text: "3" }] }]
        })
        const deeper = yield* respond(client, { previous_response_id: branch.body.id })
        expect(deeper.body.output).toMatchObject([{ content: [{ text: "5" }] }])
        expect((yield* client.simulator.threads)[0]?.items).toHaveLength(4)
      }))

    it.scoped("refuses what OpenAI refuses", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const conversation = yield* create(client)
        const refused = (body: object, status: number, expected: object) =>
          Effect.map(call(client, "POST", "/responses", body), (reply) => {
            expect(reply).toEqual({ status, body: expected })
          })
        yield* refused({ input: "x" }, 400, error("missing_required_parameter", "model"))
        yield* refused({ model: "m" }, 400, error("missing_required_parameter", "input"))
        yield* refused({ model: "m", input: 3 }, 400, error("invalid_type", "input"))
        yield* refused(
          { model: "m", input: "x", max_output_tokens: 15 },
          400,
          error("integer_below_min_value", "max_output_tokens")
        )
        yield* refused({ model: "m", conversation: "conv_x" }, 404, error(null, null))
        yield* refused(
          { model: "m", conversation, previous_response_id: "resp_x" },
          400,
          error("mutually_exclusive_parameters", null)
        )
        yield* refused(
          { model: "m", input: "x", previous_response_id: "resp_x" },
          400,
          error("previous_response_not_found", "previous_response_id")
        )
        yield* refused({ model: "m", input: [{ type: "item_reference", id: "rs_1" }] }, 404, error(null, "input"))
        yield* refused(
          { model: "m", input: "x", tools: [{ type: "code_interpreter" }] },
          400,
          error("missing_required_parameter", "tools[0].container", "Missing required parameter: 'tools[0].container'.")
        )
        yield* refused(
          { model: "m", input: "x", tool_choice: { type: "function", name: "f" } },
          400,
          error(null, "tool_choice", "Tool choice 'function' not found in 'tools' parameter.")
        )
        yield* refused({ model: "m", input: "x", metadata: { k: 1 } }, 400, error("invalid_type", "metadata.k"))
        const strict = (parameters: object) => ({
          model: "m",
          input: "x",
          tools: [{ type: "function", name: "f", strict: true, parameters }]
        })
        const object = { type: "object", additionalProperties: false }
        const say = (problem: string) => `Invalid schema for function 'f': In context=${problem}`
        const problems: ReadonlyArray<readonly [object, string]> = [
          [
            { ...object, properties: { a: { type: "string" }, b: { type: "string" } }, required: ["a"] },
            "(), 'required' is required to be supplied and to be an array including every key in properties. Missing 'b'."
          ],
          [
            { ...object, properties: { a: { type: "object", properties: {}, required: [] } }, required: ["a"] },
            "('properties', 'a'), 'additionalProperties' is required to be supplied and to be false."
          ],
          [
            { ...object, properties: { a: {} }, required: ["a"] },
            "('properties', 'a'), schema must have a 'type' key."
          ],
          [{ type: "object", additionalProperties: false }, "(), object schema missing properties."],
          ...["allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"].map((
            keyword
          ) =>
            [
              { ...object, properties: { a: { type: "string", [keyword]: {} } }, required: ["a"] },
              `('properties', 'a'), '${keyword}' is not permitted.`
            ] as const
          ),
          [
            { ...object, properties: { a: { type: "array", items: {} } }, required: ["a"] },
            "('properties', 'a', 'items'), schema must have a 'type' key."
          ],
          [
            { ...object, properties: { a: { anyOf: [{ type: "null" }, {}] } }, required: ["a"] },
            "('properties', 'a', 'anyOf', '1'), schema must have a 'type' key."
          ],
          [
            { ...object, properties: {}, required: [], $defs: { x: {} } },
            "('$defs', 'x'), schema must have a 'type' key."
          ]
        ]
        for (const [parameters, problem] of problems) {
          yield* refused(
            strict(parameters),
            400,
            error("invalid_function_parameters", "tools[0].parameters", say(problem))
          )
        }
        const tuple = { type: "object", properties: { a: { type: "array", items: [{ type: "number" }] } } }
        yield* refused(
          { model: "m", input: "x", tools: [{ type: "function", name: "f", strict: false, parameters: tuple }] },
          400,
          error(
            "invalid_function_parameters",
            "tools[0].parameters",
            `Invalid schema for function 'f': [{"type":"number"}] is not of type 'object', 'boolean'.`
          )
        )
        const format = { type: "json_schema", name: "o", strict: true, schema: { type: "array" } }
        yield* refused(
          { model: "m", input: "x", text: { format } },
          400,
          error("invalid_json_schema", "text.format.schema")
        )
      }))

    it.scoped("refuses a history with half a call or half a thought", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn([Script.reasoning(), Script.functionCall("f", {}, { callId: "call_1" })]),
          "done",
          Script.turn([Script.reasoning(), Script.incomplete("max_output_tokens")])
        ])
        const conversation = yield* create(client)
        const output = (callId: string) => ({ type: "function_call_output", call_id: callId, output: "1" })
        const first = yield* respond(client, { conversation })
        expect(yield* respond(client, { conversation })).toEqual({
          status: 400,
          body: error(null, "input", "No tool output found for function call call_1.")
        })
        expect((yield* respond(client, { conversation, input: [output("call_1"), output("call_2")] })).body).toEqual(
          error(null, "input", "No tool call found for function call output with call_id call_2.")
        )
        const call1 = Object(first.body.output)[1]
        expect((yield* respond(client, { conversation, input: [call1, output("call_1")] })).body).toEqual(
          error(null, "input", expect.stringContaining(`Duplicate item found with id ${call1.id}`))
        )
        expect((yield* respond(client, { conversation, input: [output("call_1")] })).status).toBe(200)

        const [thought] = ((yield* client.simulator.threads)[0]?.items ?? []).filter((item) =>
          item.type === "reasoning"
        )
        yield* call(client, "DELETE", `/conversations/${conversation}/items/${thought?.id}`)
        expect((yield* respond(client, { conversation })).body).toEqual(
          error(
            null,
            "input",
            `Item '${call1.id}' of type 'function_call' was provided without its required 'reasoning' item: '${thought?.id}'.`
          )
        )

        const other = yield* create(client)
        yield* respond(client, { conversation: other })
        expect((yield* respond(client, { conversation: other })).body).toEqual(
          error(
            null,
            "input",
            expect.stringMatching(
              /^Item 'rs_.*' of type 'reasoning' was provided without its required following item\.$/
            )
          )
        )
      }))

    it.scoped("locks a conversation while a response is active on it", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("slow", { fault: Script.stall({ afterEvents: 3 }) }), "second"])
        const conversation = yield* create(client)
        const aborter = new AbortController()
        const response = yield* ask(client, { conversation }, { signal: aborter.signal })
        expect((yield* client.simulator.threads)[0]?.locked).toBe(true)
        expect(yield* respond(client, { conversation })).toEqual({
          status: 400,
          body: error(
            "conversation_locked",
            "conversation",
            "Another process is currently operating on this conversation. Please retry in a few seconds."
          )
        })
        aborter.abort()
        expect((yield* readAll(response)).error).toMatchObject({ name: "AbortError" })
        yield* eventually(client.simulator.threads, (threads) => threads[0]?.locked === false)
        expect((yield* client.simulator.threads)[0]?.items).toEqual([])
        expect((yield* respond(client, { conversation })).status).toBe(200)
      }))

    it.scoped("stores responses unless told not to", () =>
      Effect.gen(function*() {
        const client = yield* open(["kept", "not kept"])
        const kept = yield* respond(client, { input: [{ role: "user", content: "a" }, { role: "user", content: "b" }] })
        const path = `/responses/${kept.body.id}`
        const { billing: _, ...response } = kept.body
        expect((yield* call(client, "GET", path)).body).toEqual(response)
        expect((yield* call(client, "GET", `${path}/input_items?order=asc&limit=1`)).body).toMatchObject({
          data: [{ content: [{ text: "a" }] }],
          has_more: true
        })
        expect((yield* call(client, "GET", `${path}?stream=true`)).status).toBe(404)
        expect((yield* call(client, "POST", `${path}/cancel`)).status).toBe(400)
        yield* Effect.promise(() => client.sdk.responses.delete(String(kept.body.id)))
        expect(yield* call(client, "GET", path)).toEqual({ status: 404, body: error(null, null) })
        const dropped = yield* respond(client, { store: false })
        expect((yield* call(client, "GET", `/responses/${dropped.body.id}`)).status).toBe(404)
        const output = Object(dropped.body.output)[0].id
        expect((yield* respond(client, { input: [{ type: "item_reference", id: output }] })).status).toBe(404)
      }))

    it.scoped("counts input tokens", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        const count = (input: string) =>
          Effect.promise(() => client.sdk.responses.inputTokens.count({ model: "m", input }))
        const short = yield* count("a")
        expect(short).toEqual({ object: "response.input_tokens", input_tokens: expect.any(Number) })
        expect((yield* count("a".repeat(400))).input_tokens - short.input_tokens).toBe(100)
      }))

    it.scoped("fails without a stream", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.failure("context_length_exceeded"), Script.failure("server_error", "Oh")])
        const conversation = yield* create(client)
        expect(yield* respond(client, { conversation })).toEqual({
          status: 400,
          body: error("context_length_exceeded", "input")
        })
        expect((yield* respond(client, { conversation })).body).toMatchObject({
          status: "failed",
          error: { code: "server_error", message: "Oh" }
        })
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
      }))

    it.scoped("the SDK streams from it", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn([
            Script.reasoning("Hm"),
            Script.hostedTool("web_search"),
            Script.hostedTool("file_search"),
            Script.hostedTool("code_interpreter", { code: "1" }),
            Script.hostedTool("image_generation", { partialImages: ["a"] }),
            Script.hostedTool("mcp_list_tools", { error: "no" }),
            Script.hostedTool("mcp"),
            Script.hostedTool("mcp", { error: "no" }),
            Script.approvalRequest("f", {}),
            Script.keepalive,
            Script.comment("still here"),
            Script.functionCall("f", { a: 1 }),
            Script.refusal("No"),
            Script.text("Hi", { annotations: [{ type: "url_citation", url: "https://effect.website" }] })
          ])
        ])
        // The SDK's own accumulator throws at an event that it does not know or that does not fit.
        const final = yield* Effect.promise(() =>
          client.sdk.responses.stream({ model: "m", input: "x" }).finalResponse()
        )
        expect(final.output_text).toBe("Hi")
        expect(final.output).toHaveLength(12)
      }))
  })

  describe(`background, ${name}`, () => {
    const latency = { latency: "1 second" } as const

    it.scoped("runs on without a listener", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("Hello", latency)])
        const conversation = yield* create(client)
        const queued = yield* respond(client, { conversation, background: true })
        expect(queued.body).toMatchObject({ status: "queued", background: true, output: [] })
        const path = `/responses/${queued.body.id}`
        expect((yield* respond(client, { conversation })).body).toMatchObject({
          error: { code: "conversation_locked" }
        })
        yield* client.simulator.advance("3 seconds")
        expect((yield* call(client, "GET", path)).body.status).toBe("in_progress")
        yield* client.simulator.advance("1 minute")
        expect((yield* call(client, "GET", path)).body).toMatchObject({
          status: "completed",
          output: [{ type: "message" }]
        })
        expect((yield* client.simulator.threads)[0]?.items).toHaveLength(2)
      }))

    it.scoped("is read again from any event, also while it runs", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("Hello there", latency)])
        const first = yield* ask(client, { background: true }).pipe(Effect.fork)
        yield* client.simulator.advance("3 seconds")
        const response = yield* Fiber.join(first)
        const reader = response.body?.getReader()
        const event = yield* Effect.promise(async () => new TextDecoder().decode((await reader?.read())?.value))
        expect(event).toContain("\"status\":\"queued\"")
        yield* Effect.promise(async () => reader?.cancel())
        const id = /resp_[0-9a-f]+/.exec(event)?.[0]

        const rest = yield* Effect.promise(() => client.send("GET", `/responses/${id}?stream=true&starting_after=1`))
          .pipe(
            Effect.flatMap(textOf),
            Effect.fork
          )
        yield* client.simulator.advance("1 minute")
        const events = decode(yield* Fiber.join(rest))
        expect(events.map((event) => event.sequence_number)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
        expect(events.at(-1)?.type).toBe("response.completed")

        const all = yield* Effect.promise(() => client.send("GET", `/responses/${id}?stream=true`))
        expect((yield* eventTypes(all)).slice(0, 3)).toEqual([
          "response.created",
          "response.queued",
          "response.in_progress"
        ])
        yield* client.simulator.advance("5 minutes")
        expect(yield* call(client, "GET", `/responses/${id}?stream=true`)).toEqual({
          status: 400,
          body: error(null, null, "This response can no longer be streamed because it is more than 5 minutes old.")
        })
        expect((yield* call(client, "GET", `/responses/${id}`)).body.status).toBe("completed")
      }))

    it.scoped("is cancelled, which just stops its stream", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("Hello there", latency), "next"])
        const conversation = yield* create(client)
        const { body } = yield* respond(client, { background: true, conversation })
        const stream = yield* Effect.promise(() => client.send("GET", `/responses/${body.id}?stream=true`)).pipe(
          Effect.flatMap(eventTypes),
          Effect.fork
        )
        yield* client.simulator.advance("4 seconds")
        const cancelled = yield* call(client, "POST", `/responses/${body.id}/cancel`)
        expect(cancelled.body.status).toBe("cancelled")
        expect((yield* call(client, "POST", `/responses/${body.id}/cancel`)).body).toEqual(cancelled.body)
        expect(yield* Fiber.join(stream)).toEqual([
          "response.created",
          "response.queued",
          "response.in_progress",
          "response.output_item.added"
        ])
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
        expect((yield* respond(client, { conversation })).status).toBe(200)
      }))

    it.scoped("needs storage", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        expect(yield* respond(client, { background: true, store: false })).toEqual({
          status: 400,
          body: error(null, "background")
        })
      }))
  })

  describe(`faults, ${name}`, () => {
    it.scoped("a refused connection has no effect", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("never", { fault: Script.refuse })])
        yield* client.simulator.inject(Script.refuse)
        const failure = yield* rejection(() => client.send("POST", "/conversations", {}))
        expect(failure).toBeInstanceOf(TypeError)
        expect(failure).toMatchObject({
          message: "fetch failed",
          cause: { code: name === "in process" ? "ECONNREFUSED" : "ECONNRESET" }
        })
        expect(yield* client.simulator.threads).toEqual([])
        const conversation = yield* create(client)
        expect(yield* rejection(() => client.send("POST", "/responses", { model: "m", conversation }))).toMatchObject({
          message: "fetch failed"
        })
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
        expect((yield* client.simulator.requests).map((request) => [request.fault?._tag, request.status])).toEqual([
          ["Refuse", undefined],
          [undefined, 200],
          ["Refuse", undefined]
        ])
      }))

    it.scoped("a reset before the headers leaves what was done", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn("lost", { fault: Script.reset() }),
          Script.turn("lost", { fault: Script.reset() })
        ])
        yield* client.simulator.inject(Script.reset(), (request) => request.path === "/conversations")
        const failure = yield* rejection(() => client.send("POST", "/conversations", {}))
        expect(failure).toBeInstanceOf(TypeError)
        expect(failure).toMatchObject({ message: "fetch failed", cause: { code: "ECONNRESET" } })
        const conversation = (yield* client.simulator.threads)[0]?.id
        const post = (stream: boolean) =>
          rejection(() => client.send("POST", "/responses", { model: "m", conversation, input: "x", stream }))
        expect(yield* post(true)).toMatchObject({ message: "fetch failed", cause: { code: "ECONNRESET" } })
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
        yield* post(false)
        expect((yield* client.simulator.threads)[0]?.items).toHaveLength(2)
        expect((yield* client.simulator.requests).map((request) => [request.status, request.aborted])).toEqual([
          [undefined, false],
          [undefined, false],
          [undefined, false]
        ])
      }))

    it.scoped("a reset in the stream comes after its events", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("one two three", { fault: Script.reset({ afterEvents: 5 }) })])
        const conversation = yield* create(client)
        const { error, text } = yield* readAll(yield* ask(client, { conversation }))
        expect(countEvents(text)).toBe(5)
        expect(error).toBeInstanceOf(TypeError)
        expect(error).toMatchObject({ message: "terminated", cause: { code: "UND_ERR_SOCKET" } })
        yield* eventually(client.simulator.openStreams, (count) => count === 0)
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
        expect((yield* client.simulator.requests)[1]).toMatchObject({ status: 200, aborted: false, ended: true })
      }))

    it.scoped("a cut ends the body early", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn("one two", { fault: Script.cut({ afterEvents: 6 }) }),
          Script.turn("one two", { fault: Script.cut({ afterBytes: 100 }) }),
          Script.turn("one two", { fault: Script.cut({}) })
        ])
        const conversation = yield* create(client)
        const events = yield* readAll(yield* ask(client, { conversation }))
        expect([countEvents(events.text), events.error]).toEqual([6, undefined])
        const bytes = yield* readAll(yield* ask(client, { conversation }))
        expect([bytes.text.length, bytes.error]).toEqual([100, undefined])
        const nothing = yield* readAll(yield* ask(client, { conversation }))
        expect(nothing).toEqual({ text: "", error: undefined })
        yield* client.simulator.inject(Script.cut({ afterBytes: 10 }))
        expect((yield* readAll(yield* Effect.promise(() => client.send("GET", `/conversations/${conversation}`)))).text)
          .toBe("{\"id\":\"con")
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
      }))

    it.scoped("a stall is silent until the client gives up", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn("one two", { fault: Script.stall({ afterEvents: 2 }) }),
          Script.turn("one two", { fault: Script.stall({ headers: true }) })
        ])
        const aborter = new AbortController()
        const response = yield* ask(client, {}, { signal: aborter.signal })
        const reader = response.body?.getReader()
        let text = ""
        while (countEvents(text) < 2) {
          const read = yield* Effect.promise(async () => reader?.read())
          if (read?.done !== false) throw new Error("the body ended")
          text += new TextDecoder().decode(read.value)
        }
        expect(yield* client.simulator.openStreams).toBe(1)
        const pending = yield* Effect.fork(rejection(async () => reader?.read()))
        yield* client.simulator.advance("10 minutes")
        expect(Option.isNone(yield* Fiber.poll(pending))).toBe(true)
        aborter.abort(new Error("enough"))
        expect(yield* Fiber.join(pending)).toMatchObject({ message: "enough" })
        yield* eventually(client.simulator.openStreams, (count) => count === 0)
        expect((yield* client.simulator.requests)[0]).toMatchObject({ aborted: true, ended: true, status: 200 })

        const second = new AbortController()
        const silent = yield* Effect.fork(rejection(() =>
          client.send("POST", "/responses", { model: "m", input: "x", stream: true }, { signal: second.signal })
        ))
        yield* eventually(client.simulator.requests, (requests) =>
          requests.length === 2)
        expect(Option.isNone(yield* Fiber.poll(silent))).toBe(true)
        second.abort()
        expect(yield* Fiber.join(silent)).toMatchObject({ name: "AbortError" })
        yield* eventually(client.simulator.requests, (requests) => requests[1]?.aborted === true)
        expect((yield* client.simulator.requests)[1]).toMatchObject({ aborted: true, status: undefined })
      }))

    it.scoped("a fault after the last event happens too", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.turn("x", { fault: Script.reset({ afterEvents: 9 }) }),
          Script.turn("x", { fault: Script.reset({ afterEvents: 10 }) })
        ])
        const { error, text } = yield* readAll(yield* ask(client))
        expect(decode(text).at(-1)?.type).toBe("response.completed")
        expect(error).toMatchObject({ message: "terminated" })
        expect((yield* readAll(yield* ask(client))).error).toBeUndefined()
      }))

    it.scoped("an injected error answers any request, before or after it is carried out", () =>
      Effect.gen(function*() {
        const client = yield* open(["lost", "kept"])
        yield* client.simulator.inject(Script.httpError({ status: 503, code: "server_is_overloaded" }))
        expect(yield* call(client, "POST", "/conversations", {})).toMatchObject({
          status: 503,
          body: { error: { code: "server_is_overloaded", type: "server_error" } }
        })
        expect(yield* client.simulator.threads).toEqual([])
        yield* client.simulator.inject(Script.httpError({ status: 502, body: "<h1>Bad gateway</h1>", handled: true }))
        const response = yield* Effect.promise(() => client.send("POST", "/conversations", {}))
        expect([response.status, yield* textOf(response)]).toEqual([502, "<h1>Bad gateway</h1>"])
        const conversation = (yield* client.simulator.threads)[0]?.id
        yield* client.simulator.inject(Script.httpError({ status: 504, handled: true }))
        expect((yield* respond(client, { conversation })).status).toBe(504)
        expect((yield* client.simulator.threads)[0]?.items).toHaveLength(2)
        yield* client.simulator.inject(Script.httpError({ status: 500 }))
        expect((yield* respond(client, { conversation })).status).toBe(500)
        expect(yield* client.simulator.unused).toBe(1)
        expect((yield* respond(client, { conversation })).status).toBe(200)
      }))

    it.scoped("the SDK sees its own errors", () =>
      Effect.gen(function*() {
        const client = yield* open([
          Script.httpError({ status: 429, code: "rate_limit_exceeded" }),
          Script.turn("x", { fault: Script.refuse }),
          Script.turn("x", { fault: Script.stall({ headers: true }) }),
          Script.failure("context_length_exceeded")
        ])
        const ask = (options?: OpenAI.RequestOptions) =>
          rejection(() => client.sdk.responses.create({ model: "m", input: "x", stream: true }, options))
        const limited = yield* ask()
        expect(limited).toBeInstanceOf(RateLimitError)
        expect(limited).toMatchObject({
          status: 429,
          code: "rate_limit_exceeded",
          requestID: expect.stringMatching(/^req_/)
        })
        const refused = yield* ask()
        expect(refused).toBeInstanceOf(APIConnectionError)
        expect(refused).toMatchObject({ cause: { cause: { code: expect.stringMatching(/^ECONN/) } } })
        expect(yield* ask({ timeout: 20 })).toBeInstanceOf(APIConnectionTimeoutError)
        const overflow = yield* rejection(async () => {
          const stream = await client.sdk.responses.create({ model: "m", input: "x", stream: true })
          for await (const _ of stream);
        })
        expect(overflow).toMatchObject({ status: undefined, code: "context_length_exceeded", param: "input" })
        expect(yield* rejection(() => client.sdk.conversations.retrieve("conv_1"))).toBeInstanceOf(NotFoundError)
      }))

    it.scoped("an injected fault meets the request it is for", () =>
      Effect.gen(function*() {
        const client = yield* open([])
        yield* client.simulator.inject(Script.refuse, (request) => request.method === "GET")
        const id = yield* create(client)
        expect(yield* rejection(() => client.send("GET", `/conversations/${id}`))).toBeInstanceOf(TypeError)
        expect((yield* call(client, "GET", `/conversations/${id}`)).status).toBe(200)
      }))
  })

  describe(`clients that go away, ${name}`, () => {
    it.scoped("an abort frees the conversation and is noted", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("one two three", { latency: "1 second" })])
        const conversation = yield* create(client)
        const aborter = new AbortController()
        const response = yield* ask(client, { conversation }, { signal: aborter.signal })
        expect(yield* client.simulator.openStreams).toBe(1)
        aborter.abort()
        expect((yield* readAll(response)).error).toMatchObject({ name: "AbortError" })
        yield* eventually(client.simulator.openStreams, (count) => count === 0)
        expect((yield* client.simulator.requests)[1]).toMatchObject({ aborted: true, ended: true })
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
      }))

    it.scoped("so does a reader that stops", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("one two three", { latency: "1 second" })])
        const response = yield* ask(client)
        yield* Effect.promise(async () => response.body?.cancel())
        yield* eventually(client.simulator.openStreams, (count) => count === 0)
        expect((yield* client.simulator.requests)[0]).toMatchObject({ aborted: true, ended: true })
      }))

    it.scoped("a reader that stops at the last event did not go away early", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.always("one two three")])
        const conversation = yield* create(client)
        for (let round = 1; round <= 10; round++) {
          const response = yield* ask(client, { conversation })
          yield* Effect.promise(async () => {
            const decoder = new TextDecoder()
            const reader = response.body?.getReader()
            let text = ""
            while (!text.includes("\"status\":\"completed\",\"completed_at\"")) {
              const read = await reader?.read()
              if (read?.done !== false) throw new Error("the body ended without its last event")
              text += decoder.decode(read.value, { stream: true })
            }
            await reader?.cancel()
          })
          yield* eventually(client.simulator.openStreams, (count) => count === 0)
          expect((yield* client.simulator.requests)[round]).toMatchObject({ aborted: false, ended: true })
          expect((yield* client.simulator.threads)[0]?.items).toHaveLength(2 * round)
        }
      }))

    it.scoped("also where the answer is no stream", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("one", { latency: "1 second" })])
        const conversation = yield* create(client)
        const aborter = new AbortController()
        const asked = yield* Effect.fork(rejection(() =>
          client.send("POST", "/responses", { model: "m", conversation, input: "x" }, { signal: aborter.signal })
        ))
        yield* eventually(client.simulator.threads, (threads) =>
          threads[0]?.locked === true)
        aborter.abort()
        expect(yield* Fiber.join(asked)).toMatchObject({ name: "AbortError" })
        yield* eventually(client.simulator.threads, (threads) => threads[0]?.locked === false)
        expect((yield* client.simulator.requests)[1]).toMatchObject({ aborted: true, status: undefined })
      }))
  })

  describe(`time, ${name}`, () => {
    it.scoped("latency passes on the clock of the test", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn(Script.text("x", { chunks: 1 }), { latency: "10 seconds" })])
        const asked = yield* ask(client, { stream: false }).pipe(Effect.fork)
        yield* client.simulator.advance("89 seconds")
        expect(Option.isNone(yield* Fiber.poll(asked))).toBe(true)
        yield* client.simulator.advance("2 seconds")
        expect((yield* Fiber.join(asked)).status).toBe(200)
      }))

    it.scoped("one advance lets a reader see every event that is due", () =>
      Effect.gen(function*() {
        const client = yield* open([Script.turn("one two three four", { latency: "1 second" })])
        const response = yield* ask(client)
        const seen: Array<number> = []
        const reading = yield* Effect.fork(Effect.promise(async () => {
          for await (const chunk of response.body ?? []) seen.push(chunk.length)
        }))
        yield* client.simulator.advance("5500 millis")
        expect(seen).toHaveLength(5)
        yield* client.simulator.advance("1 minute")
        yield* Fiber.join(reading)
        expect(seen).toHaveLength(12)
      }))
  })

  describe(`size, ${name}`, () => {
    it.scoped("ten thousand deltas arrive whole", () =>
      Effect.gen(function*() {
        const text = Array.from({ length: 10_000 }, (_, index) => `wörd${index}`).join(" ")
        const client = yield* open([text])
        const events = decode(yield* textOf(yield* ask(client)))
        const deltas = events.filter((event) => event.type === "response.output_text.delta")
        expect(deltas).toHaveLength(10_000)
        expect(deltas.map((event) => event.delta).join("")).toBe(text)
      }))
  })
}

describe("in process only", () => {
  it.scoped("events are made as they are read", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([Script.turn("one two three four")])
      const client = yield* inProcess(simulator)
      const conversation = yield* create(client)
      const response = yield* ask(client, { conversation })
      const reader = response.body?.getReader()
      for (let read = 0; read < 11; read++) yield* Effect.promise(async () => reader?.read())
      expect((yield* simulator.threads)[0]).toMatchObject({ items: [], locked: true })
      const last = yield* Effect.promise(async () => new TextDecoder().decode((await reader?.read())?.value))
      expect(last).toContain("event: response.completed")
      expect((yield* simulator.threads)[0]).toMatchObject({ items: [{}, {}], locked: false })
      expect(yield* simulator.openStreams).toBe(0)
      expect((yield* simulator.requests)[1]?.aborted).toBe(false)
    }))

  it.scoped("an aborted signal rejects before anything is sent", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const failure = yield* rejection(() =>
        simulator.fetch("https://api.openai.com/v1/conversations", { method: "POST", signal: AbortSignal.abort("why") })
      )
      expect(failure).toBe("why")
      expect(yield* simulator.requests).toEqual([])
    }))

  it.scoped("a lock can outlive the connection it was taken for", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make(["one", "two"], { lockLinger: "3 seconds" })
      const client = yield* inProcess(simulator)
      const conversation = yield* create(client)
      const response = yield* ask(client, { conversation })
      yield* Effect.promise(async () => response.body?.cancel())
      yield* simulator.advance("2 seconds")
      expect((yield* respond(client, { conversation })).body).toMatchObject({ error: { code: "conversation_locked" } })
      yield* simulator.advance("2 seconds")
      expect((yield* respond(client, { conversation })).status).toBe(200)
    }))

  it.scoped("takes a Request, a URL, and no nonsense", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const url = "https://example.com/v1/conversations"
      const request = new Request(url, { method: "POST", headers, body: "{}" })
      expect((yield* Effect.promise(() => simulator.fetch(request))).status).toBe(200)
      expect((yield* Effect.promise(() => simulator.fetch(new URL(url), { method: "POST", headers }))).status).toBe(200)
      expect(yield* rejection(() => simulator.fetch("not a url"))).toBeInstanceOf(TypeError)
    }))

  it.scoped("the key is not in the journal", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const client = yield* inProcess(simulator)
      yield* call(client, "GET", "/conversations/conv_1?after=msg_1")
      const [request] = yield* simulator.requests
      expect(request).toEqual({
        method: "GET",
        path: "/conversations/conv_1",
        query: { after: "msg_1" },
        headers: expect.objectContaining({ authorization: "***" }),
        body: undefined,
        status: 404,
        ended: true,
        aborted: false,
        fault: undefined,
        requestId: expect.stringMatching(/^req_/)
      })
      expect(JSON.stringify(request)).not.toContain("sk-test")
    }))

  it.effect("the same seed gives the same bytes", () =>
    Effect.gen(function*() {
      const bytes = (seed: string) =>
        Effect.gen(function*() {
          const client = yield* inProcess(yield* Simulator.make([Script.turn([Script.reasoning("Hm"), "Hi"]), "again"]))
          const conversation = yield* create(client)
          const first = yield* textOf(yield* ask(client, { conversation }))
          return first + (yield* textOf(yield* ask(client, { conversation })))
        }).pipe(Effect.scoped, Effect.withRandom(Random.make(seed)))
      expect(yield* bytes("a")).toBe(yield* bytes("a"))
      expect(yield* bytes("a")).not.toBe(yield* bytes("b"))
    }))

  it.effect("turns that were never used fail the test", () =>
    Effect.gen(function*() {
      const program = Effect.flatMap(Simulator.Simulator, inProcess).pipe(Effect.flatMap((client) => ask(client)))
      const script: Script.Script = ["one", "two", Script.when(() => false, ["three"]), Script.always("more")]
      const exit = yield* Effect.exit(Effect.provide(Effect.scoped(program), Simulator.layer(script)))
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain(
        "2 of 3 scripted turns were never used: turn 2, turn 3.1 (when)"
      )
      const failed = yield* Effect.exit(Effect.provide(Effect.fail("mine"), Simulator.layer(script)))
      expect(failed).toEqual(Exit.fail("mine"))
    }))

  it.scoped("closing the scope breaks what is open", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const simulator = yield* Scope.extend(Simulator.make([Script.turn("x", { latency: "1 second" })]), scope)
      const client = yield* inProcess(simulator)
      const response = yield* ask(client)
      yield* Scope.close(scope, Exit.void)
      expect((yield* readAll(response)).error).toMatchObject({ message: "terminated" })
      expect(yield* rejection(() => client.send("GET", "/conversations/x"))).toBeInstanceOf(TypeError)
    }))

  it.scoped("closing the scope closes the port", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const simulator = yield* Scope.extend(Simulator.make([Script.turn("x", { latency: "1 second" })]), scope)
      const client = yield* Scope.extend(onLoopback(simulator), scope)
      const response = yield* ask(client)
      yield* Scope.close(scope, Exit.void)
      expect((yield* readAll(response)).error).toBeInstanceOf(TypeError)
      expect(yield* rejection(() => client.send("GET", "/conversations/x"))).toMatchObject({
        cause: { code: "ECONNREFUSED" }
      })
    }))

  it.scoped("a port in use is an error", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const { port } = yield* simulator.serve()
      const failure = yield* Effect.flip(simulator.serve({ port }))
      expect(failure).toMatchObject({ _tag: "ServeError", port })
      expect(failure.message).toContain("EADDRINUSE")
    }))

  it.scoped("no span of the simulator is in the program's tracer", () =>
    Effect.gen(function*() {
      const spans: Array<string> = []
      const tracer = Tracer.make({
        span: (name, parent, context, links, startTime, kind) => {
          spans.push(name)
          return {
            _tag: "Span",
            name,
            spanId: "1",
            traceId: "1",
            parent,
            context,
            status: { _tag: "Started", startTime },
            attributes: new Map(),
            links,
            sampled: true,
            kind,
            end: () => {},
            attribute: () => {},
            event: () => {},
            addLinks: () => {}
          }
        },
        context: (f) => f()
      })
      yield* Effect.gen(function*() {
        const simulator = yield* Simulator.make(["one", "two"])
        yield* textOf(yield* ask(yield* inProcess(simulator)))
        yield* textOf(yield* ask(yield* onLoopback(simulator)))
      }).pipe(Effect.withSpan("mine"), Effect.withTracer(tracer))
      expect(spans).toEqual(["mine"])
    }))

  it.scoped("the app can be hosted elsewhere", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([
        Script.turn("Hi", { latency: "1 second" }),
        Script.turn("Hi", { fault: Script.reset({ afterEvents: 2 }) })
      ])
      const runtime = yield* Effect.runtime<never>()
      const handler = HttpApp.toWebHandlerRuntime(runtime)(simulator.app)
      const post = () =>
        Effect.promise(() =>
          handler(
            new Request("http://localhost/v1/responses", {
              method: "POST",
              headers,
              body: JSON.stringify({ model: "m", input: "x", stream: true })
            }),
            Context.empty()
          )
        )
      const reading = yield* Effect.fork(Effect.flatMap(post(), eventTypes))
      yield* simulator.advance("1 minute")
      expect((yield* Fiber.join(reading)).at(-1)).toBe("response.completed")
      expect((yield* readAll(yield* post())).error).toBeDefined()
    }))

  it.scoped("the layer is the same service", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const response = yield* respond(yield* inProcess(simulator))
      expect(response.status).toBe(200)
    }).pipe(Effect.provide(Layer.fresh(Simulator.layer(["Hi"])))))

  it.live("on a live clock, advancing waits", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const [elapsed] = yield* Effect.timed(simulator.advance("20 millis"))
      expect(Duration.toMillis(elapsed)).toBeGreaterThanOrEqual(19)
    }).pipe(Effect.scoped))
})
