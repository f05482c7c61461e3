import { expect, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { OpenAI } from "effect-openai-threads"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const last = "data: {\"type\":\"response.completed\",\"sequence_number\":0,\"response\":{\"output\":[]}}\n\n"

/** Answers at `/v1`, and says at `/old` that it is there. */
const moved = Effect.gen(function*() {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    const { url = "" } = request
    let body = ""
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on("end", () => {
      asked.push(`${url} ${body}`)
      if (url.startsWith("/old")) return response.writeHead(307, { location: url.replace("/old", "/v1") }).end()
      response.writeHead(200, { "content-type": "text/event-stream" }).end(last)
    })
  })
  yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
  return { asked, at: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const ask = (openai: OpenAI.Service) => Stream.runDrain(openai.responses.stream({ model: "any", input: "Hi" }))
const client = (options: Omit<Exclude<OpenAI.Options, { readonly client: unknown }>, "apiKey">) =>
  Effect.provide(OpenAI.OpenAI, OpenAI.layer({ apiKey: Redacted.make("sk-test"), ...options }))

it.scopedLive("a server that has moved is found, and asked once too often the first time only", () =>
  Effect.gen(function*() {
    const { asked, at } = yield* moved
    const openai = yield* client({ baseUrl: `${at}/old` })
    const body = JSON.stringify({ model: "any", input: "Hi", stream: true })
    yield* ask(openai)
    expect(asked.splice(0)).toEqual(["/old", "/old", "/v1"].map((path) => `${path}/responses ${body}`))
    yield* ask(openai)
    expect(asked).toEqual(["/old", "/v1"].map((path) => `${path}/responses ${body}`))
  }))

it.scopedLive("a server that has not is asked once, and no other `fetch` hears of redirections", () =>
  Effect.gen(function*() {
    const { asked, at } = yield* moved
    yield* ask(yield* client({ baseUrl: `${at}/v1` }))
    expect(asked).toHaveLength(1)
    const given: Array<RequestInit | undefined> = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      given.push(init)
      return globalThis.fetch(input, init)
    }
    yield* ask(yield* client({ baseUrl: `${at}/v1`, fetch }))
    expect(given).toHaveLength(1)
    expect(given[0]).not.toHaveProperty("redirect")
  }))
