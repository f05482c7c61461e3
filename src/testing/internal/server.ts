/** The same exchanges on a real port. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { Exchanges } from "./exchange.ts"
import { compressed } from "./gzip.ts"
import { type Steps, whileTrue } from "./step.ts"

/**
 * The simulator could not listen on the port.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServeError extends Schema.TaggedError<ServeError>("effect-openai-threads/testing/ServeError")(
  "ServeError",
  { port: Schema.Number, reason: Schema.String }
) {
  override get message() {
    return `The simulator cannot listen on port ${this.port}: ${this.reason}`
  }
}

type Run = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

const readBody = (request: Http.IncomingMessage): Effect.Effect<Uint8Array> =>
  Effect.async<Uint8Array>((resume) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
  })

/** Done when the kernel has the bytes, so that a socket destroyed after it still delivers them. */
const write = (response: Http.ServerResponse, bytes: Uint8Array): Effect.Effect<void> =>
  bytes.length === 0
    ? Effect.void
    : Effect.async<void>((resume) => {
      response.write(bytes, () => resume(Effect.void))
    })

/** The last bytes and the end are one write, so that a client that has the one has the other. */
const end = (response: Http.ServerResponse, bytes: Uint8Array): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    response.end(bytes, () => resume(Effect.void))
  })

const nothing = new Uint8Array(0)

const pump = (response: Http.ServerResponse, steps: Steps): Effect.Effect<void> =>
  whileTrue(Effect.flatMap(steps, (step) => {
    switch (step._tag) {
      case "Stall":
        return Effect.never
      case "Reset":
        return Effect.as(Effect.sync(() => response.destroy()), false)
      case "End":
        return Effect.as(end(response, nothing), false)
      case "Bytes":
        return step.last
          ? Effect.as(end(response, step.bytes), false)
          : Effect.as(write(response, step.bytes), true)
    }
  }))

const handler = (exchanges: Exchanges, run: Run): Http.RequestListener => (request, response) => {
  response.sendDate = false
  const exchange = Effect.gen(function*() {
    const body = yield* readBody(request)
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const)
    const outcome = yield* exchanges.open({
      method: request.method ?? "GET",
      url: request.url ?? "/",
      headers: Object.fromEntries(headers),
      body
    })
    switch (outcome._tag) {
      case "Refused":
      case "ConnectTimeout":
      case "Reset":
        request.socket.resetAndDestroy()
        return
      case "Silent":
        return yield* Effect.never
      case "Answered":
        response.writeHead(outcome.status, outcome.headers)
        response.flushHeaders()
        yield* pump(response, outcome.gzip ? compressed(outcome.next) : outcome.next)
    }
  })
  const fiber = run(Effect.scoped(exchange))
  const interrupt = () => fiber.unsafeInterruptAsFork(FiberId.none)
  // A write to a client that is gone is no error here: the close tells it.
  response.on("error", () => interrupt())
  response.on("close", () => {
    if (!response.writableFinished) interrupt()
  })
  fiber.addObserver((exit) => {
    if (exit._tag === "Failure") response.destroy()
  })
}

export const serve = (
  exchanges: Exchanges,
  run: Run,
  port: number
): Effect.Effect<{ readonly url: string; readonly port: number }, ServeError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Http.Server, ServeError>((resume) => {
      const server = Http.createServer(handler(exchanges, run))
      server.once("error", (cause) => resume(Effect.fail(new ServeError({ port, reason: cause.message }))))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      const actual = typeof address === "object" && address !== null ? address.port : port
      return { url: `http://127.0.0.1:${actual}/v1`, port: actual }
    })
  )
