/** Clients of a simulator over each of its transports, and everything that such a client sees of an answer. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import type * as Script from "../../src/testing/Script.ts"
import * as Simulator from "../../src/testing/Simulator.ts"

export interface Client {
  readonly simulator: Simulator.Service
  readonly url: string
  readonly fetch: typeof globalThis.fetch
  readonly send: (method: string, path: string, body?: unknown, init?: RequestInit) => Promise<Response>
}

export type Connect = (simulator: Simulator.Service) => Effect.Effect<Client, Simulator.ServeError, Scope.Scope>

export const headers = { authorization: "Bearer sk-test", "content-type": "application/json" }

const clientOf = (simulator: Simulator.Service, url: string, fetch: typeof globalThis.fetch): Client => ({
  simulator,
  url,
  fetch,
  send: (method, path, body, init) =>
    fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...init })
})

export const inProcess: Connect = (simulator) =>
  Effect.succeed(clientOf(simulator, "https://api.openai.com/v1", simulator.fetch))

export const onLoopback: Connect = (simulator) =>
  Effect.map(simulator.serve(), ({ url }) => clientOf(simulator, url, globalThis.fetch))

export const transports = [["in process", inProcess], ["on a loopback port", onLoopback]] as const

/** The same ids and times for every client, so that two of them can be compared. */
export const open = (connect: Connect, script: Script.Script) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(0)
    return yield* connect(yield* Effect.withRandom(Simulator.make(script), Random.make("wire")))
  })

export const ask = (client: Client, body: object = {}, init?: RequestInit) =>
  client.send("POST", "/responses", { model: "gpt-6", input: "Hello", stream: true, ...body }, init)

/** What a promise rejects with. */
export const rejection = (promise: () => Promise<unknown>) =>
  Effect.promise(() => promise().then(() => undefined, (error: unknown) => error))

/** Real time, for what crosses a socket. */
export const eventually = <A>(effect: Effect.Effect<A>, holds: (value: A) => boolean): Effect.Effect<A> =>
  Effect.promise(async () => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const value = await Effect.runPromise(effect)
      if (holds(value)) return value
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return Effect.runPromise(effect)
  })

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? ` ${String(cause.code)}` : ""

const nameOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}${codeOf(error.cause)}` : String(error)

export interface Seen {
  readonly status: number | undefined
  readonly contentType: string | null | undefined
  readonly encoding: string | null | undefined
  /** Each byte a character. */
  readonly body: string
  readonly reads: ReadonlyArray<number>
  /** "done", what it failed with, or "silent". */
  readonly end: string
}

/**
 * Reads an answer to its end; what has none for so long is given up. What crosses a socket takes real time, so so many
 * bytes are waited for.
 */
export const see = (
  client: Client,
  send: (init: RequestInit) => Promise<Response>,
  options?: { readonly patience?: Duration.DurationInput; readonly bytes?: number }
): Effect.Effect<Seen> =>
  Effect.gen(function*() {
    const aborter = new AbortController()
    const reads: Array<Uint8Array> = []
    let response: Response | undefined
    const reading = yield* Effect.fork(Effect.promise(async () => {
      try {
        response = await send({ signal: aborter.signal })
        for await (const chunk of response.body ?? []) reads.push(chunk)
        return "done"
      } catch (error) {
        return error === "silent" ? "silent" : nameOf(error)
      }
    }))
    yield* client.simulator.advance(options?.patience ?? "1 minute")
    const isEnded = (yield* client.simulator.requests).every((request) => request.ended)
    const hasBytes = () => reads.reduce((total, chunk) => total + chunk.length, 0) >= (options?.bytes ?? 0)
    yield* eventually(Fiber.poll(reading), (exit) => Option.isSome(exit) || (!isEnded && hasBytes()))
    aborter.abort("silent")
    return {
      end: yield* Fiber.join(reading),
      status: response?.status,
      contentType: response?.headers.get("content-type"),
      encoding: response?.headers.get("content-encoding"),
      body: Buffer.concat(reads).toString("latin1"),
      reads: reads.map((chunk) => chunk.length)
    }
  })
