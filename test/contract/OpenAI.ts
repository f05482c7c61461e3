/** What every layer of `OpenAI` does, whatever the wire is made of. Independent of the clock. */
import { describe, expect } from "@effect/vitest"
import { OpenAI, OpenAIError, Thread } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { ResponseInputItem } from "openai/resources/responses/responses"
import { collect } from "../support/observe.ts"

interface Options {
  readonly layer: (script: Script.Script) => Layer.Layer<OpenAI.OpenAI | Simulator.Simulator>
  /** Nobody listens there. */
  readonly unreachable: Layer.Layer<OpenAI.OpenAI>
  readonly test: (name: string, self: () => Effect.Effect<unknown, unknown>) => void
}

const user = (text: string): ResponseInputItem => ({ type: "message", role: "user", content: text })
const users = (count: number) => Array.from({ length: count }, (_, index) => user(`message ${index}`))
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `message ${index}`)

/** The texts of messages as the wire has them. */
const texts = (items: ReadonlyArray<unknown>) =>
  items.map((item) => (item as { content: ReadonlyArray<{ text: string }> }).content[0]?.text)

const requestId = expect.stringMatching(/^req_/)
const ask = { model: "test-model", input: "Hello" }
const unknownThread = Thread.ThreadId.make("conv_unknown")
const unknownItem = Thread.ItemId.make("msg_unknown")
const unknownResponse = Thread.ResponseId.make("resp_unknown")

const html = "<html><head><title>Oops</title></head><body>secret-page</body></html>"
const nullCode = (message: string) => Script.httpError({ status: 400, message, param: "input" })

/** What the server answers, and what that is to a program. */
const failures: ReadonlyArray<readonly [name: string, answer: Script.HttpError, expected: object]> = [
  [
    "401",
    Script.httpError({ status: 401, code: "invalid_api_key" }),
    { _tag: "AuthenticationError", code: "invalid_api_key" }
  ],
  [
    "403",
    Script.httpError({ status: 403, code: "unsupported_country_region_territory" }),
    { _tag: "PermissionDenied", code: "unsupported_country_region_territory" }
  ],
  [
    "404 with code model_not_found",
    Script.httpError({ status: 404, code: "model_not_found" }),
    { _tag: "ResourceNotFound", resource: "model" }
  ],
  [
    "404 of a gateway",
    Script.httpError({ status: 404, body: html }),
    { _tag: "ResourceNotFound", resource: "endpoint" }
  ],
  [
    "400 with code and param",
    Script.httpError({ status: 400, code: "invalid_value", param: "items[0].id" }),
    { _tag: "InvalidRequest", kind: "other", status: 400, code: "invalid_value", param: "items[0].id" }
  ],
  [
    "422",
    Script.httpError({ status: 422, code: "unprocessable" }),
    { _tag: "InvalidRequest", kind: "other", status: 422, code: "unprocessable" }
  ],
  [
    "conversation_locked",
    Script.httpError({ status: 400, code: "conversation_locked", param: "conversation" }),
    { _tag: "InvalidRequest", kind: "locked", code: "conversation_locked", isRetryable: true }
  ],
  [
    "context_length_exceeded",
    Script.httpError({ status: 400, code: "context_length_exceeded", param: "input" }),
    { _tag: "InvalidRequest", kind: "context", param: "input", isRetryable: false }
  ],
  [
    "a call without output, code null",
    nullCode("No tool output found for function call call_1."),
    { _tag: "InvalidRequest", kind: "orphanCall", param: "input" }
  ],
  [
    "an output without call, code null",
    nullCode("No tool call found for function call output with call_id call_1."),
    { _tag: "InvalidRequest", kind: "orphanOutput" }
  ],
  [
    "reasoning without what follows, code null",
    nullCode("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
    { _tag: "InvalidRequest", kind: "pairing" }
  ],
  [
    "a message without its reasoning, code null",
    nullCode("Item 'msg_1' of type 'message' was provided without its required 'reasoning' item: 'rs_1'."),
    { _tag: "InvalidRequest", kind: "pairing" }
  ],
  [
    "an item twice, code null",
    nullCode("Duplicate item found with id rs_1. Remove duplicate items from your input and try again."),
    { _tag: "InvalidRequest", kind: "duplicate" }
  ],
  [
    "an expired stream, code null",
    nullCode("This response can no longer be streamed because it is more than 5 minutes old."),
    { _tag: "InvalidRequest", kind: "resumeExpired" }
  ],
  [
    "429 with retry-after",
    Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "120" } }),
    { _tag: "RateLimited", code: "rate_limit_exceeded", retryAfter: Duration.seconds(120), isRetryable: true }
  ],
  [
    "429 with retry-after-ms",
    Script.httpError({ status: 429, code: "slow_down", headers: { "retry-after-ms": "250", "retry-after": "1" } }),
    { _tag: "RateLimited", code: "slow_down", retryAfter: Duration.millis(250) }
  ],
  [
    "429 whose text alone says how long",
    Script.httpError({
      status: 429,
      code: "rate_limit_exceeded",
      type: "tokens",
      message: "Rate limit reached for gpt on tokens per min. Please try again in 3.89s. Visit …"
    }),
    { _tag: "RateLimited", retryAfter: Duration.seconds(3.89) }
  ],
  [
    "429 that does not say how long",
    Script.httpError({ status: 429, code: "rate_limit_exceeded" }),
    { _tag: "RateLimited", retryAfter: undefined }
  ],
  [
    "429 for the quota",
    Script.httpError({ status: 429, code: "insufficient_quota", type: "insufficient_quota" }),
    { _tag: "QuotaExceeded", code: "insufficient_quota", isRetryable: false }
  ],
  ["500", Script.httpError({ status: 500, code: "server_error" }), {
    _tag: "ServerError",
    status: 500,
    code: "server_error"
  }],
  [
    "503",
    Script.httpError({ status: 503, code: "server_is_overloaded", headers: { "retry-after": "7" } }),
    { _tag: "ServerError", status: 503, code: "server_is_overloaded", retryAfter: Duration.seconds(7) }
  ],
  ["a 502 page", Script.httpError({ status: 502, body: html }), { _tag: "ServerError", status: 502 }],
  ["a 400 page", Script.httpError({ status: 400, body: html }), { _tag: "UnexpectedResponse", status: 400 }],
  ["a 403 page", Script.httpError({ status: 403, body: html }), { _tag: "PermissionDenied" }],
  ["a 429 page", Script.httpError({ status: 429, body: html }), { _tag: "RateLimited" }]
]

export const suite = ({ layer, test, unreachable }: Options): void => {
  const over = (script: Script.Script) => Effect.provide(layer(script))
  const services = Effect.all({ openai: OpenAI.OpenAI, simulator: Simulator.Simulator })

  const thread = (options?: Parameters<OpenAI.Conversations["create"]>[0]) =>
    Effect.flatMap(
      OpenAI.OpenAI,
      ({ conversations }) => Effect.map(conversations.create(options), ({ id }) => Thread.ThreadId.make(id))
    )

  describe("conversations", () => {
    test("create sends metadata and items", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const created = yield* openai.conversations.create({ metadata: { topic: "tides" }, items: users(2) })
        expect(created).toMatchObject({ id: expect.stringMatching(/^conv_/), metadata: { topic: "tides" } })
        const [held] = yield* simulator.threads
        expect(held).toMatchObject({ id: created.id, metadata: { topic: "tides" } })
        expect(texts(held!.items)).toEqual(numbers(2))
        expect(yield* simulator.requests).toHaveLength(1)
      }).pipe(over([])))

    test("create without anything makes an empty conversation", () =>
      Effect.gen(function*() {
        const { simulator } = yield* services
        yield* thread()
        expect(yield* simulator.threads).toMatchObject([{ metadata: {}, items: [] }])
      }).pipe(over([])))

    test("create writes more than 20 items in calls of 20, in order", () =>
      Effect.gen(function*() {
        const { simulator } = yield* services
        const id = yield* thread({ items: users(45) })
        expect(texts((yield* simulator.threads)[0]!.items)).toEqual(numbers(45))
        expect((yield* simulator.requests).map(({ method, path }) => `${method} ${path}`)).toEqual([
          "POST /conversations",
          `POST /conversations/${id}/items`,
          `POST /conversations/${id}/items`
        ])
      }).pipe(over([])))

    test("create says how much was written when a later call fails", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        yield* simulator.inject(Script.httpError({ status: 500 }), ({ path }) => path.endsWith("/items"))
        const error = yield* Effect.flip(openai.conversations.create({ items: users(45) }))
        expect(error).toMatchObject({
          _tag: "PartlyWritten",
          written: 20,
          total: 45,
          cause: { _tag: "ServerError", status: 500, requestId }
        })
        expect(texts((yield* simulator.threads)[0]!.items)).toEqual(numbers(20))
      }).pipe(over([])))

    test("retrieve gives what create gave", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const created = yield* openai.conversations.create({ metadata: { a: "1" } })
        const { _request_id: _1, ...first } = created as typeof created & { _request_id?: string }
        const retrieved = yield* openai.conversations.retrieve(Thread.ThreadId.make(created.id))
        expect(retrieved).toMatchObject(first)
      }).pipe(over([])))

    test("update sets the metadata", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        expect(yield* openai.conversations.update(id, { metadata: { b: "2" } })).toMatchObject({ metadata: { b: "2" } })
        expect(yield* simulator.threads).toMatchObject([{ metadata: { b: "2" } }])
      }).pipe(over([])))

    test("delete removes the conversation", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        expect(yield* openai.conversations.delete(id)).toMatchObject({ id, deleted: true })
        expect(yield* simulator.threads).toEqual([])
        expect(yield* Effect.flip(openai.conversations.retrieve(id))).toMatchObject({
          _tag: "ResourceNotFound",
          resource: "conversation",
          id,
          requestId
        })
      }).pipe(over([])))

    test("createItems writes 45 items in order, in 3 calls", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        expect(texts(yield* openai.conversations.createItems(id, users(45)))).toEqual(numbers(45))
        expect(texts((yield* simulator.threads)[0]!.items)).toEqual(numbers(45))
        const calls = (yield* simulator.requests).filter(({ path }) => path.endsWith("/items"))
        expect(calls.map(({ body }) => (body as { items: ReadonlyArray<unknown> }).items.length)).toEqual([20, 20, 5])
      }).pipe(over([])))

    test("createItems says how much was written when the second call fails", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        yield* simulator.inject(
          Script.httpError({ status: 503, code: "server_is_overloaded" }),
          ({ body }) => JSON.stringify(body).includes("message 20")
        )
        const error = yield* Effect.flip(openai.conversations.createItems(id, users(45)))
        expect(error).toBeInstanceOf(OpenAIError.PartlyWritten)
        expect(error).toMatchObject({ written: 20, total: 45, cause: { _tag: "ServerError", status: 503, requestId } })
        expect(texts((yield* simulator.threads)[0]!.items)).toEqual(numbers(20))
        expect((yield* simulator.requests).length).toBe(3)
      }).pipe(over([])))

    test("createItems fails with the error itself when nothing was written", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        yield* simulator.inject(Script.httpError({ status: 500 }))
        expect(yield* Effect.flip(openai.conversations.createItems(id, users(45)))).toMatchObject({
          _tag: "ServerError"
        })
      }).pipe(over([])))

    test("listItems reads oldest first, newest first and after an item", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const id = yield* thread({ items: users(5) })
        const all = yield* collect(openai.conversations.listItems(id))
        expect(texts(all)).toEqual(numbers(5))
        expect(texts(yield* collect(openai.conversations.listItems(id, { order: "desc" })))).toEqual(
          numbers(5).toReversed()
        )
        const after = Thread.ItemId.make(all[2]!.id!)
        expect(texts(yield* collect(openai.conversations.listItems(id, { after })))).toEqual(["message 3", "message 4"])
        expect(texts(yield* collect(openai.conversations.listItems(id, { after, order: "desc" })))).toEqual([
          "message 1",
          "message 0"
        ])
      }).pipe(over([])))

    test("listItems reads 250 items in pages of 100", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread({ items: users(250) })
        expect(texts(yield* collect(openai.conversations.listItems(id)))).toEqual(numbers(250))
        const pages = (yield* simulator.requests).filter(({ method }) => method === "GET")
        expect(pages.map(({ query }) => query.limit)).toEqual(["100", "100", "100"])
      }).pipe(over([])))

    test("listItems fetches a page when it is needed", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread({ items: users(120) })
        const first = yield* collect(Stream.take(openai.conversations.listItems(id), 1))
        expect(texts(first)).toEqual(["message 0"])
        expect((yield* simulator.requests).filter(({ method }) => method === "GET")).toHaveLength(1)
      }).pipe(over([])))

    test("listItems of an empty conversation is empty", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        expect(yield* collect(openai.conversations.listItems(yield* thread()))).toEqual([])
      }).pipe(over([])))

    test("listItems after an item that is gone names the item", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const id = yield* thread({ items: users(1) })
        const error = yield* Effect.flip(collect(openai.conversations.listItems(id, { after: unknownItem })))
        expect(error).toMatchObject({ _tag: "ResourceNotFound", resource: "item", id: unknownItem, requestId })
      }).pipe(over([])))

    test("a page of HTML with status 200 is no empty list", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread({ items: users(1) })
        yield* simulator.inject(Script.httpError({ status: 200, body: html }))
        const error = yield* Effect.flip(collect(openai.conversations.listItems(id)))
        expect(error).toMatchObject({ _tag: "UnexpectedResponse" })
      }).pipe(over([])))

    for (
      const [what, page] of [
        ["that is no list", { data: {} }],
        ["of no items", { data: [null], has_more: false }],
        ["that goes on without saying where", { data: [{ id: "msg_1" }], has_more: true, last_id: null }]
      ] as const
    ) {
      test(`a page ${what} is an UnexpectedResponse`, () =>
        Effect.gen(function*() {
          const { openai, simulator } = yield* services
          const id = yield* thread()
          yield* simulator.inject(
            Script.httpError({ status: 200, body: JSON.stringify(page), contentType: "application/json" })
          )
          expect(yield* Effect.flip(collect(openai.conversations.listItems(id)))).toMatchObject({
            _tag: "UnexpectedResponse"
          })
        }).pipe(over([])))
    }

    test("retrieveItem and deleteItem find one item", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread({ items: users(3) })
        const items = (yield* simulator.threads)[0]!.items
        const itemId = Thread.ItemId.make(items[1]!.id)
        expect(texts([yield* openai.conversations.retrieveItem(id, itemId)])).toEqual(["message 1"])
        expect(yield* openai.conversations.deleteItem(id, itemId)).toMatchObject({ id, object: "conversation" })
        expect(texts((yield* simulator.threads)[0]!.items)).toEqual(["message 0", "message 2"])
        const gone = { _tag: "ResourceNotFound", resource: "item", id: itemId, requestId }
        expect(yield* Effect.flip(openai.conversations.retrieveItem(id, itemId))).toMatchObject(gone)
        expect(yield* Effect.flip(openai.conversations.deleteItem(id, itemId))).toMatchObject(gone)
      }).pipe(over([])))
  })

  describe("responses", () => {
    test("create gives the whole answer", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const response = yield* openai.responses.create(ask)
        expect(response).toMatchObject({ status: "completed", output: [{ type: "message" }] })
        expect(texts(response.output)).toEqual(["Hello there."])
        expect((yield* simulator.requests)[0]!.body).toEqual(ask)
      }).pipe(over([Script.text("Hello there.")])))

    test("stream gives every event as it came, unknown ones too, and ends", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const events = yield* collect(openai.responses.stream(ask))
        expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
        expect(events[0]).toMatchObject({ type: "response.created" })
        expect(events).toContainEqual(expect.objectContaining({ type: "response.brand_new", x: { y: [1] } }))
        expect(events.at(-1)).toMatchObject({ type: "response.completed", _request_id: requestId })
        const deltas = events.filter(({ type }) => type === "response.output_text.delta")
        expect(deltas.map((event) => (event as unknown as { delta: string }).delta).join("")).toBe("Grüße, 世界! 🙂")
        expect((yield* simulator.requests)[0]!.body).toEqual({ ...ask, stream: true })
      }).pipe(over([
        Script.turn([
          Script.comment("ping"),
          Script.unknownEvent("response.brand_new", { x: { y: [1] } }),
          Script.text("Grüße, 世界! 🙂", { chunks: 4 })
        ], { readBytes: 7 })
      ])))

    test("stream does nothing before it is read, and each reading is a request", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const stream = openai.responses.stream(ask)
        expect(yield* simulator.requests).toEqual([])
        yield* Stream.runDrain(stream)
        yield* Stream.runDrain(stream)
        expect(yield* simulator.requests).toHaveLength(2)
      }).pipe(over(["one", "two"])))

    for (const shape of ["nested", "flat"] as const) {
      test(`stream passes a ${shape} error event on as an event`, () =>
        Effect.gen(function*() {
          const { openai } = yield* services
          const events = yield* collect(openai.responses.stream(ask))
          const types = events.map(({ type }) => type)
          expect(types.slice(-2)).toEqual(["error", "response.failed"])
          const fields = { code: "server_error" }
          expect(events.at(-2)).toMatchObject(shape === "nested" ? { error: fields } : fields)
          expect(events.at(-2)).toMatchObject({ _request_id: requestId })
        }).pipe(over([Script.turn([Script.text("Well"), Script.failure("server_error", "no", { error: shape })])])))
    }

    test("stream ends after an error event that nothing follows", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const events = yield* collect(openai.responses.stream(ask))
        expect(events.at(-1)).toMatchObject({ type: "error" })
      }).pipe(over([Script.turn([Script.failure("server_error", "no", { failed: false })])])))

    test("stream ends with response.incomplete", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const events = yield* collect(openai.responses.stream(ask))
        expect(events.at(-1)).toMatchObject({ type: "response.incomplete" })
      }).pipe(over([Script.turn([Script.text("Half"), Script.incomplete("max_output_tokens")])])))

    test("retrieve reads a stored answer", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id } = yield* openai.responses.create(ask)
        const again = yield* openai.responses.retrieve(Thread.ResponseId.make(id))
        expect(again).toMatchObject({ id, status: "completed" })
        expect(texts(again.output)).toEqual(["Hi"])
      }).pipe(over(["Hi"])))

    test("resume goes on after an event of a background response", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const whole = openai.responses.stream({ ...ask, background: true })
        const before = yield* collect(Stream.take(whole, 3))
        const created = before[0] as unknown as { readonly response: { readonly id: string } }
        const startingAfter = before[2]!.sequence_number!
        const after = yield* collect(
          openai.responses.resume(Thread.ResponseId.make(created.response.id), { startingAfter })
        )
        const sequence = [...before, ...after].map(({ sequence_number }) => sequence_number)
        expect(sequence).toEqual(sequence.map((_, index) => index))
        expect(after.at(-1)).toMatchObject({ type: "response.completed", _request_id: requestId })
        expect((yield* simulator.requests)[1]).toMatchObject({
          method: "GET",
          query: { stream: "true", starting_after: String(startingAfter) }
        })
      }).pipe(over([Script.text("One two three four")])))

    test("resume of a response that was not in the background is not found", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id } = yield* openai.responses.create(ask)
        const responseId = Thread.ResponseId.make(id)
        expect(yield* Effect.flip(collect(openai.responses.resume(responseId, { startingAfter: 0 })))).toMatchObject({
          _tag: "ResourceNotFound",
          resource: "response",
          id,
          requestId
        })
      }).pipe(over(["Hi"])))

    test("cancel stops a background response, and may be said twice", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id, status } = yield* openai.responses.create({ ...ask, background: true })
        expect(status).toBe("queued")
        const responseId = Thread.ResponseId.make(id)
        expect(yield* openai.responses.cancel(responseId)).toMatchObject({ id, status: "cancelled" })
        expect(yield* openai.responses.cancel(responseId)).toMatchObject({ id, status: "cancelled" })
        expect(yield* openai.responses.retrieve(responseId)).toMatchObject({ status: "cancelled" })
      }).pipe(over([Script.turn("Too late", { latency: "1 hour" })])))

    test("delete forgets a response", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id } = yield* openai.responses.create(ask)
        const responseId = Thread.ResponseId.make(id)
        expect(yield* openai.responses.delete(responseId)).toBeUndefined()
        expect(yield* Effect.flip(openai.responses.retrieve(responseId))).toMatchObject({
          _tag: "ResourceNotFound",
          resource: "response",
          id,
          requestId
        })
      }).pipe(over(["Hi"])))

    test("countInputTokens counts", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const short = yield* openai.responses.countInputTokens(ask)
        const long = yield* openai.responses.countInputTokens({ ...ask, input: "Hello ".repeat(100) })
        expect(short).toBeGreaterThan(0)
        expect(long).toBeGreaterThan(short)
      }).pipe(over([])))
  })

  describe("files", () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256)
    const contentOf = (openai: OpenAI.Service, file: string | OpenAI.ContainerFile) =>
      Effect.map(collect(openai.files.content(file)), (chunks) => Buffer.concat(chunks))

    test("a file is uploaded, read and deleted", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const upload = { bytes, filename: "flör\".bin", mediaType: "application/x-test", purpose: "batch" } as const
        const file = yield* openai.files.upload({ ...upload, expiresAfter: "2 hours" })
        expect(file).toMatchObject({ bytes: bytes.length, filename: upload.filename, purpose: "batch" })
        expect(file.expires_at! - file.created_at).toBe(7200)
        expect(yield* openai.files.retrieve(file.id)).toEqual(file)
        expect(yield* contentOf(openai, file.id)).toEqual(Buffer.from(bytes))
        expect(yield* simulator.files).toMatchObject([{ id: file.id, filename: upload.filename }])
        yield* openai.files.delete(file.id)
        const gone = { _tag: "ResourceNotFound", resource: "file", id: file.id }
        expect(yield* Effect.flip(openai.files.retrieve(file.id))).toMatchObject(gone)
        expect(yield* Effect.flip(contentOf(openai, file.id))).toMatchObject(gone)
        expect(yield* Effect.flip(openai.files.delete(file.id))).toMatchObject(gone)
      }).pipe(over([])))

    test("a Blob is uploaded for a model to read, and not given back", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const { id } = yield* openai.files.upload({ bytes: new Blob(["a,b\n"]), filename: "a.csv" })
        const [stored] = yield* simulator.files
        expect(stored).toMatchObject({ purpose: "user_data", bytes: new TextEncoder().encode("a,b\n") })
        expect(yield* Effect.flip(contentOf(openai, id))).toMatchObject({ _tag: "InvalidRequest", status: 400 })
      }).pipe(over([])))

    test("what code has left is read from its container", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        yield* openai.responses.create(ask)
        const file = { containerId: "cntr_1", fileId: "cfile_1" }
        expect(yield* contentOf(openai, file)).toEqual(Buffer.from("a plot"))
        expect(yield* Effect.flip(contentOf(openai, { ...file, fileId: "cfile_2" }))).toMatchObject({
          _tag: "ResourceNotFound",
          resource: "file",
          id: "cfile_2"
        })
      }).pipe(over([
        Script.hostedTool("code_interpreter", {
          containerId: "cntr_1",
          files: { cfile_1: { filename: "plot.txt", content: "a plot" } }
        })
      ])))

    test("law 6: an upload whose answer was lost is not sent again", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        yield* simulator.inject(Script.httpError({ status: 502, handled: true }))
        const failed = yield* Effect.flip(openai.files.upload({ bytes, filename: "a.bin" }))
        expect(failed).toMatchObject({ _tag: "ServerError", status: 502 })
        expect(yield* simulator.files).toHaveLength(1)
        expect(yield* simulator.requests).toHaveLength(1)
      }).pipe(over([])))

    test("a body that breaks is a lost connection", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const { id } = yield* openai.files.upload({ bytes, filename: "a.bin", purpose: "batch" })
        yield* simulator.inject(Script.reset({ afterBytes: 10_000 }))
        expect(yield* Effect.flip(contentOf(openai, id))).toMatchObject({ _tag: "ConnectionLost", phase: "stream" })
      }).pipe(over([])))

    test("a reader that stops early closes the connection", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id } = yield* openai.files.upload({ bytes, filename: "a.bin", purpose: "batch" })
        expect(yield* collect(Stream.take(openai.files.content(id), 1))).toHaveLength(1)
      }).pipe(over([])))
  })

  describe("use", () => {
    test("reaches what is not covered", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const { id } = yield* openai.responses.create(ask)
        const page = yield* openai.use((client, signal) => client.responses.inputItems.list(id, {}, { signal }))
        expect(texts(page.data)).toEqual(["Hello"])
      }).pipe(over(["Hi"])))

    test("maps its errors and resends nothing", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        yield* simulator.inject(Script.httpError({ status: 500 }))
        const failed = yield* Effect.flip(
          openai.use((client, signal) => client.responses.retrieve("resp_1", {}, { signal }))
        )
        expect(failed).toMatchObject({ _tag: "ServerError", status: 500, requestId })
        expect(yield* simulator.requests).toHaveLength(1)
      }).pipe(over([])))
  })

  describe("errors", () => {
    for (const [name, answer, expected] of failures) {
      test(`${name}, on a conversation, an answer and a stream`, () =>
        Effect.gen(function*() {
          const { openai, simulator } = yield* services
          yield* simulator.inject(answer)
          const errors = [
            yield* Effect.flip(openai.conversations.retrieve(unknownThread)),
            yield* Effect.flip(openai.responses.create(ask)),
            yield* Effect.flip(Stream.runDrain(openai.responses.stream(ask)))
          ]
          for (const error of errors) {
            expect(error).toMatchObject({ ...expected, requestId })
            expect(OpenAIError.is(error)).toBe(true)
            expect(`${error.message}${JSON.stringify(error)}`).not.toContain("secret-page")
          }
          expect(yield* simulator.requests).toHaveLength(3)
        }).pipe(over([answer, answer])))
    }

    test("404 names what is missing", () =>
      Effect.gen(function*() {
        const { openai: { conversations, responses } } = yield* services
        const id = yield* thread()
        const missing = (resource: string, id?: string) => ({
          _tag: "ResourceNotFound",
          resource,
          requestId,
          ...(id === undefined ? {} : { id })
        })
        const conversation = missing("conversation", unknownThread)
        expect(yield* Effect.flip(conversations.retrieve(unknownThread))).toMatchObject(conversation)
        expect(yield* Effect.flip(conversations.update(unknownThread, { metadata: {} }))).toMatchObject(conversation)
        expect(yield* Effect.flip(conversations.delete(unknownThread))).toMatchObject(conversation)
        expect(yield* Effect.flip(conversations.createItems(unknownThread, users(1)))).toMatchObject(conversation)
        expect(yield* Effect.flip(collect(conversations.listItems(unknownThread)))).toMatchObject(conversation)
        expect(yield* Effect.flip(conversations.retrieveItem(unknownThread, unknownItem))).toMatchObject(conversation)
        expect(yield* Effect.flip(conversations.deleteItem(unknownThread, unknownItem))).toMatchObject(conversation)
        const onUnknown = { model: "test-model", conversation: unknownThread }
        expect(yield* Effect.flip(responses.create(onUnknown))).toMatchObject(conversation)
        expect(yield* Effect.flip(collect(responses.stream(onUnknown)))).toMatchObject(conversation)
        const item = missing("item", unknownItem)
        expect(yield* Effect.flip(conversations.retrieveItem(id, unknownItem))).toMatchObject(item)
        expect(yield* Effect.flip(conversations.deleteItem(id, unknownItem))).toMatchObject(item)
        const response = missing("response", unknownResponse)
        expect(yield* Effect.flip(responses.retrieve(unknownResponse))).toMatchObject(response)
        expect(yield* Effect.flip(responses.cancel(unknownResponse))).toMatchObject(response)
        expect(yield* Effect.flip(responses.delete(unknownResponse))).toMatchObject(response)
        expect(yield* Effect.flip(collect(responses.resume(unknownResponse, { startingAfter: 0 })))).toMatchObject(
          response
        )
      }).pipe(over([])))

    test("law 1: a 200 that is no event stream is an UnexpectedResponse", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        expect(yield* Effect.flip(collect(openai.responses.stream(ask)))).toMatchObject({
          _tag: "UnexpectedResponse",
          status: 200,
          requestId
        })
        expect(yield* Effect.flip(openai.responses.create(ask))).toMatchObject({ _tag: "UnexpectedResponse" })
      }).pipe(over([Script.notSse(html), Script.notSse(html)])))

    test("a 200 with JSON that is cut is an UnexpectedResponse", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        expect(yield* Effect.flip(openai.responses.create(ask))).toMatchObject({ _tag: "UnexpectedResponse" })
      }).pipe(over([Script.turn("Hello", { fault: Script.cut({ afterBytes: 40 }) })])))

    test("a list without its data does not kill the program", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const id = yield* thread()
        yield* simulator.inject(Script.httpError({ status: 200, body: "{}", contentType: "application/json" }))
        expect(yield* Effect.flip(openai.conversations.createItems(id, users(1)))).toMatchObject({
          _tag: "UnexpectedResponse"
        })
      }).pipe(over([])))

    test("an event that is no JSON fails the stream after what came before it", () =>
      Effect.gen(function*() {
        const { openai } = yield* services
        const seen: Array<string> = []
        const error = yield* Effect.flip(
          Stream.runForEach(openai.responses.stream(ask), ({ type }) => Effect.sync(() => void seen.push(type)))
        )
        expect(error).toMatchObject({ _tag: "UnexpectedResponse", requestId })
        expect(error.message).not.toContain("secret")
        expect(seen).toContain("response.output_text.delta")
        expect(seen).not.toContain("response.completed")
      }).pipe(over([Script.turn([Script.text("Hello"), Script.garbage(`{"secret":`)])])))

    for (
      const [name, fault, how] of [
        ["a body that ends without the response's end", Script.cut({ afterEvents: 4 }), "eof"],
        ["a body of no bytes", Script.cut({}), "eof"],
        ["a reset in the middle", Script.reset({ afterEvents: 4 }), "reset"]
      ] as const
    ) {
      test(`law 1: ${name} is ConnectionLost`, () =>
        Effect.gen(function*() {
          const { openai } = yield* services
          const error = yield* Effect.flip(collect(openai.responses.stream(ask)))
          expect(error).toMatchObject({ _tag: "ConnectionLost", phase: "stream", how, accepted: true, requestId })
        }).pipe(over([Script.turn("Hello there", { fault })])))
    }

    test("law 6: a reset before the headers may have been accepted, and nothing is sent again", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const lost = { _tag: "ConnectionLost", phase: "request", how: "reset", accepted: "unknown", isRetryable: false }
        expect(yield* Effect.flip(collect(openai.responses.stream(ask)))).toMatchObject(lost)
        expect(yield* Effect.flip(openai.responses.create(ask))).toMatchObject(lost)
        yield* simulator.inject(Script.reset())
        expect(yield* Effect.flip(openai.conversations.create())).toMatchObject(lost)
        expect(yield* simulator.requests).toHaveLength(3)
      }).pipe(over([Script.turn("Hi", { fault: Script.reset() }), Script.turn("Hi", { fault: Script.reset() })])))

    test("a refused connection was certainly not accepted", () =>
      Effect.gen(function*() {
        const { conversations, responses } = yield* OpenAI.OpenAI
        const failed = { _tag: "ConnectionFailed", reason: "ECONNREFUSED", isRetryable: true }
        expect(yield* Effect.flip(conversations.create())).toMatchObject(failed)
        expect(yield* Effect.flip(responses.create(ask))).toMatchObject(failed)
        expect(yield* Effect.flip(collect(responses.stream(ask)))).toMatchObject(failed)
      }).pipe(Effect.provide(unreachable)))
  })

  describe("before any request", () => {
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, "v"]))
    const empty = {
      thread: "" as Thread.ThreadId,
      item: " " as Thread.ItemId,
      response: "" as Thread.ResponseId
    }
    const id = Thread.ThreadId.make("conv_1")

    const rejected: Record<string, (openai: OpenAI.Service) => Effect.Effect<unknown, unknown>> = {
      "17 pairs of metadata": ({ conversations }) => conversations.create({ metadata: pairs(17) }),
      "a key of 65 characters": ({ conversations }) => conversations.create({ metadata: { ["k".repeat(65)]: "" } }),
      "a value of 513 characters": ({ conversations }) =>
        conversations.update(id, { metadata: { k: "v".repeat(513) } }),
      "17 pairs on an answer": ({ responses }) => responses.create({ ...ask, metadata: pairs(17) }),
      "17 pairs on a stream": ({ responses }) => collect(responses.stream({ ...ask, metadata: pairs(17) })),
      "an empty conversation id in retrieve": ({ conversations }) => conversations.retrieve(empty.thread),
      "an empty conversation id in update": ({ conversations }) => conversations.update(empty.thread, { metadata: {} }),
      "an empty conversation id in delete": ({ conversations }) => conversations.delete(empty.thread),
      "an empty conversation id in createItems": ({ conversations }) =>
        conversations.createItems(empty.thread, users(1)),
      "an empty conversation id in listItems": ({ conversations }) => collect(conversations.listItems(empty.thread)),
      "an empty after": ({ conversations }) => collect(conversations.listItems(id, { after: empty.item })),
      "an empty item id in retrieveItem": ({ conversations }) => conversations.retrieveItem(id, empty.item),
      "an empty item id in deleteItem": ({ conversations }) => conversations.deleteItem(id, empty.item),
      "an empty response id in retrieve": ({ responses }) => responses.retrieve(empty.response),
      "an empty response id in resume": ({ responses }) =>
        collect(responses.resume(empty.response, { startingAfter: 0 })),
      "an empty response id in cancel": ({ responses }) => responses.cancel(empty.response),
      "an empty response id in delete": ({ responses }) => responses.delete(empty.response),
      "an id that would change the path": ({ conversations }) => conversations.retrieve(Thread.ThreadId.make("..")),
      "a conversation and an earlier response": ({ responses }) =>
        responses.create({ ...ask, conversation: "conv_1", previous_response_id: "resp_1" }),
      "a conversation and an earlier response in a stream": ({ responses }) =>
        collect(responses.stream({ ...ask, conversation: { id: "conv_1" }, previous_response_id: "resp_1" })),
      "an empty file id": ({ files }) => collect(files.content(" ")),
      "an empty container id": ({ files }) => collect(files.content({ containerId: "", fileId: "cfile_1" })),
      "an empty file id in delete": ({ files }) => files.delete(""),
      "a file without a name": ({ files }) => files.upload({ bytes: Uint8Array.of(1), filename: "" }),
      "a file without bytes": ({ files }) => files.upload({ bytes: new Uint8Array(0), filename: "a" }),
      "a file that expires at once": ({ files }) =>
        files.upload({ bytes: Uint8Array.of(1), filename: "a", expiresAfter: "1 minute" }),
      "a conversation that is not to be stored": ({ responses }) =>
        responses.create({ ...ask, conversation: "conv_1", store: false }),
      "a conversation that is not to be stored in a stream": ({ responses }) =>
        collect(responses.stream({ ...ask, conversation: "conv_1", store: false }))
    }
    for (const [name, request] of Object.entries(rejected)) {
      test(`${name} is InvalidInput`, () =>
        Effect.gen(function*() {
          const { openai, simulator } = yield* services
          const error = yield* Effect.flip(request(openai))
          expect(error).toMatchObject({ _tag: "InvalidInput", field: expect.stringMatching(/./) })
          expect(yield* simulator.requests).toEqual([])
        }).pipe(over([])))
    }

    test("what is just within the limits goes through", () =>
      Effect.gen(function*() {
        const { openai, simulator } = yield* services
        const metadata = { ...pairs(15), ["k".repeat(64)]: "v".repeat(512) }
        yield* openai.conversations.create({ metadata })
        expect(yield* simulator.threads).toMatchObject([{ metadata }])
      }).pipe(over([])))
  })
}
