import * as HttpApp from "@effect/platform/HttpApp"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Script from "../../src/testing/Script.ts"
import * as Simulator from "../../src/testing/Simulator.ts"
import {
  ask,
  type Connect,
  eventually,
  headers,
  inProcess,
  onLoopback,
  open,
  rejection,
  see,
  type Seen,
  transports
} from "./wire.ts"

const parts = [Script.reasoning("Hm — ja."), Script.text("Grüße, 世界! 🙂", { chunks: 4 })]

const seeWith = (connect: Connect, fault: Script.Fault | undefined, options: {
  readonly stream: boolean
  readonly patience?: Duration.DurationInput
}): Effect.Effect<Seen, Simulator.ServeError> =>
  Effect.gen(function*() {
    const near = connect === inProcess ? undefined : yield* seeWith(inProcess, fault, options)
    const client = yield* open(connect, [Script.turn(parts, { fault })])
    return yield* see(client, (init) => ask(client, { stream: options.stream }, init), {
      ...options,
      bytes: near?.body.length ?? 0
    })
  }).pipe(Effect.scoped)

const seeStream = (connect: Connect, fault: Script.Fault | undefined, patience: Duration.DurationInput = "1 minute") =>
  seeWith(connect, fault, { stream: true, patience })

const seeJson = (connect: Connect, fault: Script.Fault | undefined) => seeWith(connect, fault, { stream: false })

/** The whole body, and where its events are. */
const whole = Effect.map(seeStream(inProcess, undefined), ({ body }) => ({
  body,
  events: body.split(/(?<=\n\n)/)
}))

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, number) => total + number, 0)

for (const [name, connect] of transports) {
  describe(`the end of the body, ${name}`, () => {
    it.scoped("a reset can be at any byte", () =>
      Effect.gen(function*() {
        const { body } = yield* whole
        for (const afterBytes of [0, 1, 1_000, body.length - 1, body.length]) {
          expect(yield* seeStream(connect, Script.reset({ afterBytes }))).toMatchObject({
            status: 200,
            body: body.slice(0, afterBytes),
            end: "TypeError: terminated UND_ERR_SOCKET"
          })
        }
        expect(yield* seeStream(connect, Script.reset({ afterBytes: body.length + 1 }))).toMatchObject({
          body,
          end: "done"
        })
      }))

    it.scoped("so can a stall", () =>
      Effect.gen(function*() {
        const { body } = yield* whole
        for (const afterBytes of [0, 1, 1_000, body.length]) {
          expect(yield* seeStream(connect, Script.stall({ afterBytes }))).toMatchObject({
            status: 200,
            body: body.slice(0, afterBytes),
            end: "silent"
          })
        }
      }))

    it.scoped("events and bytes: whichever comes first", () =>
      Effect.gen(function*() {
        const { body, events } = yield* whole
        const place = (afterEvents: number, afterBytes: number) => ({ afterEvents, afterBytes })
        for (const end of [Script.cut, Script.reset, Script.stall]) {
          expect((yield* seeStream(connect, end(place(1, 10_000)))).body).toBe(events[0])
          expect((yield* seeStream(connect, end(place(5, 10)))).body).toBe(body.slice(0, 10))
        }
      }))

    it.scoped("a stall with keepalives sends comments for ever, and never the rest", () =>
      Effect.gen(function*() {
        const { events } = yield* whole
        const comments = (count: number) => ": keepalive\n\n".repeat(count)
        for (
          const [fault, before] of [
            [Script.stall({ keepalive: "15 seconds" }), 0],
            [Script.stall({ keepalive: "15 seconds", afterEvents: 2 }), 2],
            // Within the second event, which is sent to its end.
            [Script.stall({ keepalive: "15 seconds", afterBytes: 1_000 }), 2]
          ] as const
        ) {
          const seen = yield* seeStream(connect, fault, "65 seconds")
          expect(seen).toMatchObject({ body: events.slice(0, before).join("") + comments(4), end: "silent" })
        }
      }))

    it.scoped("a body that is no event stream has no comments", () =>
      Effect.gen(function*() {
        const seen = yield* seeJson(connect, Script.stall({ afterBytes: 10, keepalive: "1 second" }))
        expect(seen).toMatchObject({ body: "{\"id\":\"res", end: "silent" })
      }))
  })

  describe(`events, ${name}`, () => {
    it.scoped("one comes twice", () =>
      Effect.gen(function*() {
        const { body, events } = yield* whole
        for (const event of [0, 4, events.length - 1]) {
          const seen = yield* seeStream(connect, Script.duplicate({ event }))
          expect(seen).toMatchObject({ body: events.toSpliced(event, 0, String(events[event])).join(""), end: "done" })
        }
        expect((yield* seeStream(connect, Script.duplicate({ event: events.length }))).body).toBe(body)
      }))

    it.scoped("two change places", () =>
      Effect.gen(function*() {
        const { body, events } = yield* whole
        for (const event of [0, 4, events.length - 2]) {
          const seen = yield* seeStream(connect, Script.swap({ event }))
          const [first, second] = [String(events[event]), String(events[event + 1])]
          expect(seen).toMatchObject({ body: events.toSpliced(event, 2, second, first).join(""), end: "done" })
        }
        expect((yield* seeStream(connect, Script.swap({ event: events.length - 1 }))).body).toBe(body)
      }))

    it.scoped("one that waits for its neighbour is not lost when there is none", () =>
      Effect.gen(function*() {
        const { events } = yield* whole
        const fault = (end: Script.Fault) => Script.all([end, Script.swap({ event: 2 })])
        for (const end of [Script.cut({ afterEvents: 3 }), Script.reset({ afterEvents: 3 })]) {
          expect((yield* seeStream(connect, fault(end))).body).toBe(events.slice(0, 3).join(""))
        }
      }))

    it.scoped("one has half of its data, and the others follow", () =>
      Effect.gen(function*() {
        const { events } = yield* whole
        const seen = yield* seeStream(connect, Script.truncate({ event: 3 }))
        const spoilt = seen.body.split(/(?<=\n\n)/)
        expect(spoilt.toSpliced(3, 1)).toEqual(events.toSpliced(3, 1))
        const [line, data] = String(spoilt[3]).split("data: ")
        const [wholeLine, wholeData] = String(events[3]).split("data: ")
        expect(line).toBe(wholeLine)
        expect(String(wholeData).startsWith(String(data).trimEnd())).toBe(true)
        expect(String(data).length).toBeGreaterThan(String(wholeData).length / 3)
        expect(() => JSON.parse(String(data))).toThrow(SyntaxError)
        expect(String(data).endsWith("\n\n")).toBe(true)
      }))

    it.scoped("comments and other line ends change no event", () =>
      Effect.gen(function*() {
        const { body, events } = yield* whole
        const commented = yield* seeStream(connect, Script.comments({ every: 2 }))
        expect(commented.body).toBe(
          events.map((event, index) => index % 2 === 0 ? `: comment\n\n${event}` : event).join("")
        )
        expect((yield* seeStream(connect, Script.lineEnds("cr"))).body).toBe(body.replaceAll("\n", "\r"))
        expect((yield* seeStream(connect, Script.lineEnds("crlf"))).body).toBe(body.replaceAll("\n", "\r\n"))
      }))

    it.scoped("a body that is no event stream is left alone", () =>
      Effect.gen(function*() {
        const { body } = yield* seeJson(connect, undefined)
        for (
          const fault of [
            Script.duplicate({ event: 0 }),
            Script.truncate({ event: 0 }),
            Script.comments({ every: 1 }),
            Script.lineEnds("cr")
          ]
        ) expect(yield* seeJson(connect, fault)).toMatchObject({ body, end: "done" })
      }))
  })

  describe(`how an answer travels, ${name}`, () => {
    it.scoped("split, dripping, compressed: the same bytes", () =>
      Effect.gen(function*() {
        const stream = yield* whole
        const json = yield* seeJson(inProcess, undefined)
        for (
          const fault of [
            Script.split([1, 2, 3]),
            Script.split([5_000]),
            Script.drip({ bytes: 500, every: "10 millis" }),
            Script.gzip,
            Script.all([Script.split([7]), Script.gzip])
          ]
        ) {
          expect(yield* seeStream(connect, fault)).toMatchObject({ body: stream.body, end: "done" })
          expect(yield* seeJson(connect, fault)).toMatchObject({
            body: json.body,
            end: "done",
            contentType: json.contentType
          })
        }
      }))

    it.scoped("a slow line takes its time", () =>
      Effect.gen(function*() {
        const { body } = yield* whole
        const fault = Script.drip({ bytes: 100, every: "1 second" })
        expect(yield* seeStream(connect, fault, "3500 millis")).toMatchObject({
          body: body.slice(0, 400),
          end: "silent"
        })
      }))

    it.scoped("a compressed body says so, and can break anywhere", () =>
      Effect.gen(function*() {
        const { body } = yield* whole
        expect((yield* seeStream(connect, Script.gzip)).encoding).toBe("gzip")
        for (
          const [end, how] of [
            [Script.cut({ afterBytes: 1_500 }), "done"],
            [Script.stall({ afterBytes: 1_500 }), "silent"]
          ] as const
        ) {
          const seen = yield* seeStream(connect, Script.all([end, Script.gzip]))
          expect(seen).toMatchObject({ encoding: "gzip", body: body.slice(0, 1_500), end: how })
        }
        // Node decompresses on another thread, and forgets what it has not when the connection breaks.
        const reset = yield* seeStream(connect, Script.all([Script.reset({ afterBytes: 1_500 }), Script.gzip]))
        expect(reset).toMatchObject({ encoding: "gzip", end: "TypeError: terminated UND_ERR_SOCKET" })
        expect(body.slice(0, 1_500).startsWith(reset.body)).toBe(true)
      }))

    it.scoped("a real event stream under another name", () =>
      Effect.gen(function*() {
        const { body } = yield* whole
        const client = yield* open(connect, [Script.turn(parts, { latency: "1 second" })])
        yield* client.simulator.inject(Script.contentType("text/plain"))
        const seeing = yield* Effect.fork(see(client, (init) => ask(client, {}, init)))
        yield* eventually(client.simulator.openStreams, (count) => count === 1)
        expect(yield* client.simulator.openStreams).toBe(1)
        expect(yield* Fiber.join(seeing)).toMatchObject({ contentType: "text/plain", end: "done" })
        const harmless = yield* seeStream(connect, Script.contentType("Text/Event-Stream;charset=UTF-8"))
        expect(harmless).toMatchObject({ contentType: "Text/Event-Stream;charset=UTF-8", body, end: "done" })
      }))

    it.scoped("an abort closes what drips, what is kept alive, and what is compressed", () =>
      Effect.gen(function*() {
        for (
          const fault of [
            Script.drip({ bytes: 10, every: "1 second" }),
            Script.stall({ keepalive: "1 second", afterEvents: 1 }),
            Script.all([Script.stall({ afterBytes: 100 }), Script.gzip]),
            Script.all([Script.drip({ bytes: 10, every: "1 second" }), Script.gzip])
          ]
        ) {
          const client = yield* open(connect, [Script.turn(parts, { fault })])
          const aborter = new AbortController()
          const response = yield* Effect.promise(() => ask(client, {}, { signal: aborter.signal }))
          const reader = response.body?.getReader()
          yield* Effect.promise(async () => reader?.read())
          expect(yield* client.simulator.openStreams).toBe(1)
          const failing = yield* Effect.fork(rejection(async () => {
            while ((await reader?.read())?.done === false);
          }))
          yield* client.simulator.advance("5 seconds")
          aborter.abort(new Error("enough"))
          expect(yield* Fiber.join(failing)).toMatchObject({ message: "enough" })
          yield* eventually(client.simulator.openStreams, (count) => count === 0)
          expect(yield* client.simulator.openStreams).toBe(0)
          expect((yield* client.simulator.requests)[0]).toMatchObject({ aborted: true, ended: true })
        }
      }))

    it.scoped("a reader that stops closes them too", () =>
      Effect.gen(function*() {
        for (const fault of [Script.stall({ keepalive: "1 second" }), Script.drip({ bytes: 10, every: "1 second" })]) {
          const client = yield* open(connect, [Script.turn(parts, { fault: Script.all([fault, Script.gzip]) })])
          const response = yield* Effect.promise(() => ask(client))
          yield* Effect.promise(async () => response.body?.cancel())
          yield* eventually(client.simulator.openStreams, (count) => count === 0)
          expect(yield* client.simulator.openStreams).toBe(0)
        }
      }))
  })

  describe(`redirects, ${name}`, () => {
    it.scoped("lead to the page of a login", () =>
      Effect.gen(function*() {
        const client = yield* open(connect, [])
        for (
          const [status, method, secondMethod, body] of [
            [307, "POST", "POST", { metadata: {} }],
            [308, "POST", "POST", { metadata: {} }],
            [301, "POST", "GET", undefined],
            [302, "POST", "GET", undefined],
            [303, "POST", "GET", undefined],
            [302, "DELETE", "DELETE", undefined],
            [303, "DELETE", "GET", undefined],
            [307, "GET", "GET", undefined]
          ] as const
        ) {
          yield* client.simulator.inject(Script.redirect({ status }))
          const response = yield* Effect.promise(() =>
            client.send(method, "/conversations", method === "POST" ? { metadata: {} } : undefined)
          )
          expect(response).toMatchObject({ status: 200, redirected: true })
          expect(response.url).toBe(new URL("/login", client.url).href)
          expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8")
          expect(yield* Effect.promise(() => response.text())).toContain("<h1>Log in")
          const [first, second] = (yield* client.simulator.requests).slice(-2)
          expect(first).toMatchObject({ method, path: "/conversations", status, ended: true, aborted: false })
          expect(second).toMatchObject({ method: secondMethod, path: "/login", status: 200, body })
          expect(second?.headers.authorization).toBe("***")
          const keepsType = secondMethod === method
          expect(second?.headers["content-type"]).toBe(keepsType ? "application/json" : undefined)
        }
        expect(yield* client.simulator.threads).toEqual([])
      }))

    it.scoped("can be a turn, and come after the request is carried out", () =>
      Effect.gen(function*() {
        const client = yield* open(connect, [Script.redirect()])
        const login = yield* see(client, (init) => ask(client, {}, init))
        expect(login).toMatchObject({ status: 200, contentType: "text/html; charset=utf-8", end: "done" })
        yield* client.simulator.inject(Script.redirect({ handled: true }))
        yield* Effect.promise(() => client.send("POST", "/conversations", {}))
        expect(yield* client.simulator.threads).toHaveLength(1)
      }))

    it.scoped("do not give the key to another origin", () =>
      Effect.gen(function*() {
        const client = yield* open(connect, [])
        const elsewhere = yield* client.simulator.serve()
        const location = new URL("/login", elsewhere.url).href
        yield* client.simulator.inject(Script.redirect({ location }))
        const response = yield* Effect.promise(() => client.send("POST", "/conversations", {}))
        expect(response).toMatchObject({ status: 200, url: location })
        const second = (yield* client.simulator.requests)[1]
        expect(second).toMatchObject({ method: "POST", path: "/login", body: {} })
        expect(second?.headers).not.toHaveProperty("authorization")
      }))

    it.scoped("end somewhere", () =>
      Effect.gen(function*() {
        const client = yield* open(connect, [])
        const location = "/v1/conversations"
        const post = () => rejection(() => client.send("POST", "/conversations", {}))
        for (let redirects = 0; redirects <= 20; redirects++) {
          yield* client.simulator.inject(Script.redirect({ location }))
        }
        expect(yield* post()).toMatchObject({
          message: "fetch failed",
          cause: { message: "redirect count exceeded" }
        })
        expect(yield* client.simulator.requests).toHaveLength(21)
        yield* client.simulator.inject(Script.redirect({ location: "ftp://example.com/" }))
        expect(yield* post()).toMatchObject({ cause: { message: "URL scheme must be a HTTP(S) scheme" } })
        yield* client.simulator.inject(Script.redirect({ location: "http://[nowhere" }))
        expect(yield* post()).toMatchObject({ message: "fetch failed", cause: { message: "Invalid URL" } })
      }))

    it.scoped("are followed only where they should be", () =>
      Effect.gen(function*() {
        const client = yield* open(connect, [])
        yield* client.simulator.inject(Script.redirect({ status: 302 }))
        const manual = yield* Effect.promise(() => client.send("POST", "/conversations", {}, { redirect: "manual" }))
        expect(manual).toMatchObject({ status: 302, redirected: false })
        expect(manual.headers.get("location")).toBe("/login")
        yield* client.simulator.inject(Script.redirect())
        const refused = yield* rejection(() => client.send("POST", "/conversations", {}, { redirect: "error" }))
        expect(refused).toMatchObject({ message: "fetch failed", cause: { message: "unexpected redirect" } })
        expect(yield* client.simulator.requests).toHaveLength(2)
      }))
  })

  describe(`several faults, ${name}`, () => {
    it.scoped("what is before the headers goes before the others, wherever it stands", () =>
      Effect.gen(function*() {
        const fault = (last: Script.Fault) => Script.all([Script.gzip, Script.all([Script.cut({}), last])])
        const client = yield* open(connect, [Script.turn("never", { fault: fault(Script.refuse) })])
        yield* client.simulator.inject(fault(Script.reset()), (request) => request.path === "/conversations")
        expect((yield* see(client, (init) => ask(client, {}, init))).end).toMatch(/^TypeError: fetch failed ECONN/)
        expect((yield* see(client, (init) => client.send("POST", "/conversations", {}, init))).end).toMatch(
          /^TypeError: fetch failed ECONNRESET/
        )
        // The one was not carried out, the other was.
        expect(yield* client.simulator.threads).toHaveLength(1)
        expect((yield* client.simulator.requests)[0]).toMatchObject({ status: undefined, ended: true })
      }))

    it.scoped("each meets what those before it leave", () =>
      Effect.gen(function*() {
        const { events } = yield* whole
        const swapped = Script.all([Script.swap({ event: 0 }), Script.cut({ afterEvents: 1 })])
        expect((yield* seeStream(connect, swapped)).body).toBe(events[1])
        const cut = Script.all([Script.cut({ afterEvents: 1 }), Script.swap({ event: 0 })])
        expect((yield* seeStream(connect, cut)).body).toBe(events[0])
      }))
  })
}

describe("faults, in process only", () => {
  it.scoped("an attempt to connect ends after 10 seconds without an effect", () =>
    Effect.gen(function*() {
      const client = yield* open(inProcess, [Script.turn("never", { fault: Script.connectTimeout })])
      yield* client.simulator.inject(Script.connectTimeout, (request) => request.path === "/conversations")
      for (const send of [() => client.send("POST", "/conversations", {}), () => ask(client)]) {
        const failing = yield* Effect.fork(rejection(send))
        yield* client.simulator.advance("9999 millis")
        expect(Option.isNone(yield* Fiber.poll(failing))).toBe(true)
        yield* client.simulator.advance("1 millis")
        const failure = yield* Fiber.join(failing)
        expect(failure).toBeInstanceOf(TypeError)
        expect(failure).toMatchObject({ message: "fetch failed", cause: { code: "UND_ERR_CONNECT_TIMEOUT" } })
      }
      expect(yield* client.simulator.threads).toEqual([])
      expect((yield* client.simulator.requests).map((request) => request.fault?._tag)).toEqual([
        "ConnectTimeout",
        "ConnectTimeout"
      ])
    }))

  it.scoped("a turn that is never connected to leaves nothing in its conversation", () =>
    Effect.gen(function*() {
      const client = yield* open(inProcess, [
        Script.turn("never", { fault: Script.connectTimeout }),
        Script.turn("never", { fault: Script.all([Script.gzip, Script.refuse]) })
      ])
      yield* Effect.promise(() => client.send("POST", "/conversations", {}))
      const conversation = (yield* client.simulator.threads)[0]?.id
      for (const code of ["UND_ERR_CONNECT_TIMEOUT", "ECONNREFUSED"]) {
        const failing = yield* Effect.fork(rejection(() => ask(client, { conversation, stream: false })))
        yield* client.simulator.advance("10 seconds")
        expect(yield* Fiber.join(failing)).toMatchObject({ cause: { code } })
        expect((yield* client.simulator.threads)[0]).toMatchObject({ items: [], locked: false })
      }
    }))

  it.scoped("an abort ends the attempt to connect", () =>
    Effect.gen(function*() {
      const client = yield* open(inProcess, [])
      yield* client.simulator.inject(Script.connectTimeout)
      const aborter = new AbortController()
      const failing = yield* Effect.fork(
        rejection(() => client.send("POST", "/conversations", {}, { signal: aborter.signal }))
      )
      yield* client.simulator.advance("1 second")
      aborter.abort()
      expect(yield* Fiber.join(failing)).toMatchObject({ name: "AbortError" })
    }))

  it.scoped("a read has the size that is asked for", () =>
    Effect.gen(function*() {
      const { body } = yield* whole
      const split = yield* seeStream(inProcess, Script.split([1, 10, 1_000]))
      expect(split.reads.slice(0, 5)).toEqual([1, 10, 1_000, 1, 10])
      expect(sum(split.reads)).toBe(body.length)
      const drip = yield* seeStream(inProcess, Script.drip({ bytes: 300, every: 1 }))
      expect(new Set(drip.reads.slice(0, -1))).toEqual(new Set([300]))
    }))

  it.scoped("bytes of a Buffer stay whole", () =>
    Effect.gen(function*() {
      const bytes = Buffer.from(": from a pool\n\n")
      const client = yield* open(inProcess, [Script.turn([Script.raw(bytes), "Hi"])])
      expect((yield* see(client, (init) => ask(client, {}, init))).body).toContain(": from a pool\n\n")
      expect(bytes.toString()).toBe(": from a pool\n\n")
    }))

  it.scoped("the app compresses as the port does", () =>
    Effect.gen(function*() {
      const { body } = yield* whole
      const simulator = yield* Simulator.make([Script.turn("Hi", { fault: Script.gzip })])
      const runtime = yield* Effect.runtime<never>()
      const handler = HttpApp.toWebHandlerRuntime(runtime)(simulator.app)
      const response = yield* Effect.promise(() =>
        handler(
          new Request("http://localhost/v1/responses", {
            method: "POST",
            headers,
            body: JSON.stringify({ model: "gpt-6", input: "Hello", stream: true })
          }),
          Context.empty()
        )
      )
      expect(response.headers.get("content-encoding")).toBe("gzip")
      const plain = new Response(response.body?.pipeThrough(new DecompressionStream("gzip")))
      const text = yield* Effect.promise(() => plain.text())
      expect(text.slice(0, 30)).toBe(body.slice(0, 30))
      expect(text).toContain("event: response.completed")
    }))
})

describe("faults, on a loopback port only", () => {
  it.scoped("an attempt to connect that gets no answer is a refused one", () =>
    Effect.gen(function*() {
      const client = yield* open(onLoopback, [])
      yield* client.simulator.inject(Script.connectTimeout)
      expect(yield* rejection(() => client.send("POST", "/conversations", {}))).toMatchObject({
        message: "fetch failed",
        cause: { code: "ECONNRESET" }
      })
      expect(yield* client.simulator.threads).toEqual([])
    }))
})
