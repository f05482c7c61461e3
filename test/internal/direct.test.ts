import { expect, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { OpenAI } from "effect-openai-threads"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const last = "data: {\"type\":\"response.completed\",\"sequence_number\":0,\"response\":{\"output\":[]}}\n\n"

/** Answers at `/v1`, says at `/old` that it is there, and moves on from there, if it does, to `/v2`. */
const moved = Effect.gen(function*() {
  const asked: Array<string> = []
  const to = new Map([["old", "v1"]])
  const server = createServer((request, response) => {
    const { url = "" } = request
    let body = ""
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on("end", () => {
      asked.push(`${url} ${body}`)
      const [, at = ""] = url.split("/")
      const there = to.get(at)
      if (there !== undefined) return response.writeHead(307, { location: url.replace(at, there) }).end()
      if (at === "misdirected") return response.writeHead(421, { "content-type": "application/json" }).end("{}")
      response.writeHead(200, { "content-type": "text/event-stream" }).end(last)
    })
  })
  yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
  return {
    asked,
    moves: () => void to.set("v1", "v2"),
    at: `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})

const ask = (openai: OpenAI.Service) => Stream.runDrain(openai.responses.stream({ model: "any", input: "Hi" }))
const client = (options: Omit<Exclude<OpenAI.Options, { readonly client: unknown }>, "apiKey">) =>
  Effect.provide(OpenAI.OpenAI, OpenAI.layer({ apiKey: Redacted.make("sk-test"), ...options }))

it.scopedLive("a server that has moved is found, and asked once each time", () =>
  Effect.gen(function*() {
    const { asked, at } = yield* moved
    const openai = yield* client({ baseUrl: `${at}/old` })
    const body = JSON.stringify({ model: "any", input: "Hi", stream: true })
    for (let times = 0; times < 2; times++) {
      yield* ask(openai)
      expect(asked.splice(0)).toEqual(["/old", "/v1"].map((path) => `${path}/responses ${body}`))
    }
  }))

it.scopedLive("law 6: a request is not sent again where a server moves in the middle; the next is sent after it", () =>
  Effect.gen(function*() {
    const state = yield* moved
    const openai = yield* client({ baseUrl: `${state.at}/v1` })
    yield* ask(openai)
    state.moves()
    state.asked.splice(0)
    const error = yield* Effect.flip(ask(openai))
    expect(error).toMatchObject({ _tag: "ConnectionLost", accepted: "unknown" })
    expect(state.asked).toHaveLength(1)
    yield* ask(openai)
    expect(state.asked).toHaveLength(3)
  }))

it.scopedLive("a status that `fetch` tries again is told as it is", () =>
  Effect.gen(function*() {
    const { at } = yield* moved
    expect(yield* Effect.flip(ask(yield* client({ baseUrl: `${at}/misdirected` })))).toMatchObject({ status: 421 })
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
