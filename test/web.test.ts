import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpApp from "@effect/platform/HttpApp"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Schema, Stream } from "effect"
import { Cursor, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { app } from "../examples/web.ts"
import { over } from "./laws/backgroundRun.ts"
import { pass, passing } from "./support/time.ts"
import { answer, slowly } from "./support/web.ts"

/** The chat's server in this process, as a browser sees it. */
const chat = Effect.gen(function*() {
  const handle = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<Threads.Threads>())(
    Effect.provide(app, NodeHttpServer.layerContext)
  )
  const fetch = (path: string, init?: RequestInit) =>
    Effect.promise(() => handle(new Request(`http://localhost${path}`, init)))
  const post = (path: string, body: unknown) => fetch(path, { method: "POST", body: JSON.stringify(body) })
  const ask = (question: { readonly message: string; readonly thread?: Thread.ThreadId }) =>
    post("/runs", question).pipe(
      Effect.flatMap((response) => Effect.promise(() => response.json())),
      Effect.flatMap(Schema.decodeUnknown(Schema.Struct({ cursor: Schema.String, thread: Thread.ThreadId })))
    )
  const open = (cursor: string, lastEventId?: string) =>
    fetch(
      `/runs/events?cursor=${cursor}`,
      lastEventId === undefined ? {} : { headers: { "last-event-id": lastEventId } }
    )
  const read = (cursor: string, lastEventId?: string) =>
    open(cursor, lastEventId).pipe(Effect.flatMap(textOf), Effect.map(parse))
  return { fetch, post, ask, open, read }
})

const textOf = (response: Response) => Effect.promise(() => response.text())

/** The events of a stream; what is no event or comment of the form that is expected is not taken. */
const parse = (stream: string) => {
  const blocks = stream.split("\n\n")
  expect(blocks.pop()).toBe("")
  return blocks.filter((block) => block !== ": still there").map((block) => {
    const [, id, name, data] = /^(?:id: ([\w-]+)\n)?event: (\w+)\ndata: (\{.*\})$/.exec(block) ?? []
    if (name === undefined || data === undefined) return expect.fail(`this is no event:\n${block}`)
    return { id, name, data: JSON.parse(data) }
  })
}

type Told = ReturnType<typeof parse>

const joined = (events: Told) => events.map(({ data }) => data.delta ?? "").join("")

/** More than any answer here takes. */
const long = 60_000

describe("a chat in a web server", () => {
  it.effect("serves its page", () =>
    Effect.gen(function*() {
      const { fetch } = yield* chat
      const response = yield* fetch("/")
      expect(response.headers.get("content-type")).toMatch("text/html")
      expect(yield* textOf(response)).toMatch(/new EventSource\(/)
    }).pipe(over([])))

  it.effect("tells a run as server-sent events", () =>
    Effect.gen(function*() {
      const { ask, open } = yield* chat
      const { cursor, thread } = yield* passing(ask({ message: "Hi" }), long)
      expect((yield* Cursor.decode(cursor)).threadId).toBe(thread)
      const response = yield* passing(open(cursor), long)
      expect(response.status).toBe(200)
      expect(response.headers.get("content-type")).toBe("text/event-stream")
      const events = parse(yield* passing(textOf(response), long))
      expect(joined(events)).toBe(answer)
      expect(events.filter(({ name }) => name !== "TextDelta").map(({ name }) => name)).toEqual([
        "MessageStarted",
        "TextCompleted",
        "MessageCompleted",
        "StepCompleted",
        "RunCompleted",
        "end"
      ])
      expect(events.slice(-2).map(({ data }) => data)).toEqual([{ status: "completed", text: answer }, {}])
      for (const { id, name } of events) {
        if (name === "end") expect(id).toBeUndefined()
        else expect((yield* Cursor.decode(id!)).threadId).toBe(thread)
      }
    }).pipe(over(slowly("100 millis"))))

  it.effect("goes on behind any event, whatever the address says", () =>
    Effect.gen(function*() {
      const { ask, read } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const events = yield* passing(read(cursor), long)
      for (const [index, { id, name }] of events.entries()) {
        if (id === undefined) continue
        const rest = yield* passing(read(cursor, id), long)
        expect(joined(events.slice(0, index + 1)) + joined(rest), `${index}, ${name}`).toBe("one two three")
        expect(rest.slice(-2).map(({ name }) => name)).toEqual(["RunCompleted", "end"])
      }
    }).pipe(over(["one two three"])))

  it.effect("sends something every 15 seconds", () =>
    Effect.gen(function*() {
      const { ask, open } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const stream = yield* passing(Effect.flatMap(open(cursor), textOf), 300_000)
      expect(stream.startsWith(": still there\n\n")).toBe(true)
      expect(stream.match(/: still there/g)?.length).toBeGreaterThan(8)
      expect(joined(parse(stream))).toBe("one two")
    }).pipe(over([Script.turn("one two", { latency: "20 seconds" })])))

  it.effect("goes on when its reader goes away", () =>
    Effect.gen(function*() {
      const { ask, open, read } = yield* chat
      const { cursor, thread } = yield* passing(ask({ message: "Hi" }), long)
      const simulator = yield* Simulator.Simulator
      const driven = yield* simulator.openStreams
      const response = yield* passing(open(cursor), long)
      const reader = response.body!.getReader()
      let text = ""
      while (!text.includes("TextDelta")) {
        const { value } = yield* passing(Effect.promise(() => reader.read()), long)
        text += new TextDecoder().decode(value)
      }
      expect(yield* simulator.openStreams).toBe(driven + 1)
      yield* Effect.promise(() => reader.cancel())
      yield* pass(10)
      expect(yield* simulator.openStreams).toBe(driven)
      yield* pass(long)
      const { messages } = yield* Threads.Threads
      const texts = yield* passing(Stream.runCollect(Stream.map(messages(thread), Thread.textOf)), long)
      expect([...texts]).toEqual(["Hi", answer])
      expect(joined(yield* passing(read(cursor), long))).toBe(answer)
    }).pipe(over(slowly("100 millis"))))

  it.effect("tells two readers the same, and a third who comes later", () =>
    Effect.gen(function*() {
      const { ask, read } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const first = yield* Effect.fork(read(cursor))
      const second = yield* Effect.fork(read(cursor))
      yield* pass(2000)
      const third = yield* passing(read(cursor), long)
      for (const one of [yield* first, yield* second, third]) expect(joined(one)).toBe(answer)
      expect(yield* first).toEqual(yield* second)
    }).pipe(over(slowly("100 millis"))))

  it.effect("cancels, and takes the next question in the thread", () =>
    Effect.gen(function*() {
      const { ask, post, read } = yield* chat
      const { cursor, thread } = yield* passing(ask({ message: "Hi" }), long)
      const reader = yield* Effect.fork(read(cursor))
      yield* pass(2000)
      const response = yield* passing(post("/runs/cancel", { cursor }), long)
      expect(yield* Effect.promise(() => response.json())).toEqual({ status: "cancelled" })
      const events = yield* passing(Fiber.join(reader), long)
      expect(answer.startsWith(joined(events))).toBe(true)
      expect(events.slice(-2)).toMatchObject([{ name: "failed", data: { _tag: "RunCancelled" } }, { name: "end" }])
      const next = yield* passing(ask({ message: "And now?", thread }), long)
      expect(next.thread).toBe(thread)
      expect(joined(yield* passing(read(next.cursor), long))).toBe(answer)
    }).pipe(over(slowly("100 millis"))))

  it.effect("tells a failure in one event: its name and a sentence", () =>
    Effect.gen(function*() {
      const { ask, read } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const events = yield* passing(read(cursor), long)
      expect(events.slice(-2)).toEqual([
        { name: "failed", data: { _tag: "RunFailed", message: expect.stringMatching(/^\S.*$/) } },
        { name: "end", data: {} }
      ])
    }).pipe(over([Script.turn([Script.text("Half"), Script.failure("server_error")], { latency: "1 second" })])))

  it.effect("tells that there is nothing to go on with", () =>
    Effect.gen(function*() {
      const { read } = yield* chat
      const gone = Cursor.encode({
        v: 1,
        threadId: Thread.ThreadId.make("conv_1"),
        runId: Thread.RunId.make("run_1"),
        responseId: Thread.ResponseId.make("resp_1"),
        step: 0,
        wire: 3,
        sequence: 4
      })
      expect(yield* passing(read(gone), long)).toEqual([
        { name: "failed", data: { _tag: "NotResumable", message: expect.stringContaining("cannot be resumed") } },
        { name: "end", data: {} }
      ])
    }).pipe(over([])))

  it.effect("tells a refusal like a text", () =>
    Effect.gen(function*() {
      const { ask, read } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const events = yield* passing(read(cursor), long)
      expect(joined(events)).toBe("I would rather not.")
      expect(events.find(({ name }) => name === "RefusalCompleted")?.data.refusal).toBe("I would rather not.")
    }).pipe(over([Script.turn([Script.refusal("I would rather not.")], { latency: "1 second" })])))

  it.effect("keeps to itself what tools are called with", () =>
    Effect.gen(function*() {
      const { ask, read } = yield* chat
      const { cursor } = yield* passing(ask({ message: "Hi" }), long)
      const events = yield* passing(read(cursor), long)
      expect(events.map(({ name }) => name)).toContain("ToolCallRequested")
      expect(JSON.stringify(events.map(({ data }) => data))).not.toContain("secret")
    }).pipe(
      over([Script.turn([Script.functionCall("note", { text: "secret" })], { latency: "1 second" })])
    ))

  it.effect("refuses what it cannot use in one sentence", () =>
    Effect.gen(function*() {
      const { fetch, post } = yield* chat
      const cases = [
        [400, post("/runs", {})],
        [400, post("/runs", { message: " " })],
        [400, post("/runs", { message: "Hi", thread: 7 })],
        [400, fetch("/runs", { method: "POST", body: "Hi" })],
        [404, post("/runs", { message: "Hi", thread: "conv_unknown" })],
        [400, fetch("/runs/events")],
        [400, fetch("/runs/events?cursor=nonsense")],
        [400, fetch(`/runs/events?cursor=a&cursor=b`)],
        [400, fetch("/runs/events", { headers: { "last-event-id": "nonsense" } })],
        [400, post("/runs/cancel", {})],
        [400, post("/runs/cancel", { cursor: "nonsense" })]
      ] as const
      for (const [index, [status, request]] of cases.entries()) {
        const response = yield* passing(request, long)
        expect({ index, status: response.status }).toEqual({ index, status })
        expect(yield* Effect.promise(() => response.json())).toEqual({
          _tag: expect.any(String),
          message: expect.stringMatching(/^[A-Z].*$/)
        })
      }
      for (const [path, method] of [["/nothing", "GET"], ["/runs", "GET"], ["/", "POST"]] as const) {
        expect((yield* fetch(path, { method })).status).toBe(404)
      }
    }).pipe(over([])))
})

describe("serve-web", () => {
  /** Starts it as a person does, without a key. */
  const start = (env: Record<string, string>) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("OPENAI_"))
        const server = spawn(process.execPath, ["--import", "tsx", "examples/serve-web.ts"], {
          cwd: fileURLToPath(new URL("../", import.meta.url)),
          env: { ...Object.fromEntries(inherited), ...env }
        })
        let stderr = ""
        server.stderr.on("data", (chunk) => stderr += String(chunk))
        return { server, said: () => stderr, ended: once(server, "exit") }
      }),
      ({ server }) => Effect.sync(() => server.kill("SIGKILL"))
    )

  it.scopedLive(
    "says that it is simulated and where it is, and ends at once while somebody reads",
    () =>
      Effect.gen(function*() {
        const { ended, said, server } = yield* start({ PORT: "0" })
        yield* Effect.promise(() =>
          expect.poll(said, { timeout: 30_000 }).toMatch(
            /^OPENAI_API_KEY is not set: .*simulated.*\nThe chat is at \S+\n$/
          )
        )
        const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(said()) ?? []
        yield* Effect.promise(async () => {
          const begun = await fetch(`${url}/runs`, { method: "POST", body: JSON.stringify({ message: "Hi" }) })
          const { cursor } = await begun.json()
          const events = await fetch(`${url}/runs/events?cursor=${cursor}`)
          const reading = events.text().then(() => "read to its end", () => "hung up")
          const interrupted = performance.now()
          server.kill("SIGINT")
          expect(await reading).toBe("hung up")
          expect(await ended).toEqual([0, null])
          expect(performance.now() - interrupted).toBeLessThan(3000)
        })
      }),
    60_000
  )

  it.scopedLive("says in one sentence what is wrong with a port", () =>
    Effect.gen(function*() {
      const { ended, said } = yield* start({ PORT: "http" })
      expect(yield* Effect.promise(() => ended)).toEqual([1, null])
      expect(said()).toMatch(/^OPENAI_API_KEY is not set.*\n.*PORT.*\n$/)
    }), 60_000)
})
