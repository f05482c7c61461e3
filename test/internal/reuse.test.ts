import { expect, it } from "@effect/vitest"
import { Effect, Redacted, Stream } from "effect"
import { OpenAI } from "effect-openai-threads"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const last = "data: {\"type\":\"response.completed\",\"sequence_number\":0,\"response\":{\"output\":[]}}\n\n"

it.scopedLive("a connection is used again though the server ends the body a moment after the last event", () =>
  Effect.gen(function*() {
    let connections = 0
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(last)
      setTimeout(() => response.end(), 20)
    }).on("connection", () => connections++)
    yield* Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const openai = yield* Effect.provide(OpenAI.OpenAI, OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl }))
    const answer = Stream.runDrain(openai.responses.stream({ model: "any", input: "Hi" }))
    yield* Effect.repeatN(Effect.zipRight(answer, Effect.sleep("100 millis")), 2)
    expect(connections).toBe(1)
  }))
