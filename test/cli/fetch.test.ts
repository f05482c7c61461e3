/** The terminal's own `fetch` does what Node's does, as far as the SDK and the library use it. */
import { describe, expect, it } from "@effect/vitest"
import { OpenAI } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { once } from "node:events"
import * as Http from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { gzipSync } from "node:zlib"
import { fetch } from "../../src/cli/http/fetch.ts"
import { HttpHeaders } from "../../src/cli/http/HttpHeaders.ts"
import * as Rejection from "../../src/cli/http/rejection.ts"
import { suite } from "../contract/OpenAI.ts"
import { noRetries } from "../support/layers.ts"

const over = (baseUrl: string) => Layer.orDie(OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl, fetch }))

const onLoopback = (script: Script.Script): Layer.Layer<OpenAI.OpenAI | Simulator.Simulator> =>
  Layer.unwrapScoped(
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      return over((yield* Effect.orDie(simulator.serve())).url)
    })
  ).pipe(Layer.provideMerge(Simulator.layer(script)))

/** A port that was ours a moment ago and is closed now. */
const closedPort: Layer.Layer<OpenAI.OpenAI> = Layer.unwrapEffect(
  Simulator.make([]).pipe(
    Effect.flatMap((simulator) => simulator.serve()),
    Effect.scoped,
    Effect.orDie,
    Effect.map(({ url }) => over(url))
  )
)

describe("OpenAI over the terminal's fetch", () => {
  suite({ layer: onLoopback, unreachable: closedPort, test: (name, self) => it.live(name, () => noRetries(self())) })
})

const serving = async <A>(
  listener: Http.RequestListener,
  use: (url: string) => Promise<A>
): Promise<A> => {
  const server = Http.createServer(listener).listen(0, "127.0.0.1")
  await once(server, "listening")
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const bodyOf = async (request: Http.IncomingMessage) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

describe("fetch", () => {
  it("sends a text with its headers, and gives status, headers and text", () =>
    serving(async (request, response) => {
      response.writeHead(418, { "x-request-id": "req_1", "x-two": ["a", "b"] })
      response.end(`${request.method} ${request.headers["x-a"]} ${await bodyOf(request)} für dich`)
    }, async (url) => {
      const response = await fetch(url, {
        method: "POST",
        headers: new HttpHeaders([["X-A", "1"]]) as never,
        body: "grüß"
      })
      expect([response.status, response.ok, response.url]).toEqual([418, false, url])
      expect(response.headers.get("X-Request-Id")).toBe("req_1")
      expect(response.headers.get("x-two")).toBe("a, b")
      expect(response.headers.get("x-none")).toBeNull()
      expect(await response.text()).toBe("POST 1 grüß für dich")
    }))

  it("follows a redirect, with the text", () =>
    serving(async (request, response) => {
      if (request.url === "/") response.writeHead(307, { location: "/there" }).end()
      else response.end(`${request.url} ${request.headers["x-a"]} ${await bodyOf(request)}`)
    }, async (url) => {
      const response = await fetch(url, {
        method: "POST",
        headers: new HttpHeaders([["x-a", "1"]]) as never,
        body: "b"
      })
      expect(await response.text()).toBe("/there 1 b")
    }))

  it("sends a POST once, where the answer to it is elsewhere", () => {
    const seen: Array<string> = []
    return serving((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.writeHead(303, { location: "/answer" }).end()
    }, async (url) => {
      expect((await fetch(url, { method: "POST", body: "b" })).status).toBe(303)
      expect(seen).toEqual(["POST /"])
    })
  })

  it("says that nothing was sent where no secure connection was made", () =>
    serving((_, response) => response.end(), async (url) => {
      await expect(fetch(url.replace("http:", "https:"), { method: "POST", body: "b" })).rejects.toMatchObject({
        cause: { code: "ERR_SSL_WRONG_VERSION_NUMBER" }
      })
    }))

  it("refuses another protocol", async () => {
    const server = createServer((socket) => {
      socket.on(
        "data",
        () => socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
      )
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ message: "fetch failed" })
    server.close()
  })

  it("does not use a connection again that the server is about to close", () => {
    expect(Http.globalAgent).toMatchObject({ options: { timeout: 4_000 } })
  })

  it("knows what the server said about the last request, and not about one before", () =>
    serving((_, response) => {
      response.writeHead(400).end(JSON.stringify({ error: { message: "no" } }))
    }, async (url) => {
      await (await fetch(url)).text()
      expect(Rejection.wordsAbout(undefined)).toBe("no")
      await expect(fetch("http://127.0.0.1:9/")).rejects.toThrow("fetch failed")
      expect(Rejection.wordsAbout(undefined)).toBeUndefined()
    }))

  it("reads what is compressed all the same, and how it ends", () =>
    serving((request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      const zipped = gzipSync("packed")
      if (request.url === "/") response.end(zipped)
      else {
        response.write(zipped.subarray(0, 12))
        setTimeout(() => request.socket.destroy(), 20)
      }
    }, async (url) => {
      expect(await (await fetch(url)).text()).toBe("packed")
      await expect((await fetch(`${url}cut`)).text()).rejects.toMatchObject({ message: "terminated" })
    }))

  it("sends a form", () =>
    serving(async (request, response) => {
      response.end(`${request.headers["content-type"]?.split(";")[0]} ${(await bodyOf(request)).includes("content")}`)
    }, async (url) => {
      const body = new FormData()
      body.append("file", new File(["content"], "a.txt"))
      expect(await (await fetch(url, { method: "POST", body })).text()).toBe("multipart/form-data true")
    }))

  it("is aborted before the answer, and the server sees it", () => {
    const left = resolvers<void>()
    const controller = new AbortController()
    return serving((request) => {
      request.on("close", () => left.resolve())
      controller.abort()
    }, async (url) => {
      const answer = fetch(url, { signal: controller.signal })
      await expect(answer).rejects.toMatchObject({ name: "AbortError" })
      await left.promise
    })
  })

  it("is aborted in the middle of the answer, while the server is silent, and the server sees it", () => {
    const left = resolvers<void>()
    return serving((_, response) => {
      response.on("close", () => left.resolve())
      response.write("first")
    }, async (url) => {
      const controller = new AbortController()
      const { body } = await fetch(url, { signal: controller.signal })
      const reader = body!.getReader()
      expect((await reader.read()).done).toBe(false)
      const next = reader.read()
      controller.abort()
      await expect(next).rejects.toMatchObject({ name: "AbortError" })
      await left.promise
    })
  })

  it("does nothing where it is aborted already", async () => {
    await expect(fetch("http://127.0.0.1:9/", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError"
    })
  })

  it("fails in the middle of an answer as Node's does", () =>
    serving((request, response) => {
      response.write("first")
      setTimeout(() => request.socket.destroy(), 20)
    }, async (url) => {
      const { body } = await fetch(url)
      const reader = body!.getReader()
      await reader.read()
      await expect(reader.read()).rejects.toMatchObject({ message: "terminated", cause: { code: "ECONNRESET" } })
    }))

  it("takes from the socket no more than is read", () => {
    const piece = Buffer.alloc(65_536)
    let sent = 0
    return serving((_, response) => {
      const more = () => {
        while (sent < 64 * 1024 * 1024) {
          sent += piece.length
          if (!response.write(piece)) return response.once("drain", more)
        }
        return response.end()
      }
      more()
    }, async (url) => {
      const { body } = await fetch(url)
      const reader = body!.getReader()
      await reader.read()
      await new Promise((resolve) => setTimeout(resolve, 100))
      // What the two sockets hold between them.
      expect(sent).toBeLessThan(16 * 1024 * 1024)
      await reader.cancel()
    })
  })
})

/** `Promise.withResolvers` comes with Node 22. */
function resolvers<A>() {
  let resolve!: (a: A) => void
  const promise = new Promise<A>((done) => resolve = done)
  return { promise, resolve }
}
