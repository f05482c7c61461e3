/** `fetch` in process, with the semantics of the real one. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Scope from "effect/Scope"
import type { Exchanges, RawRequest } from "./exchange.ts"
import { following, isRedirect, maxRedirects } from "./redirect.ts"
import { whileTrue } from "./step.ts"
import { type Answered, networkError } from "./transport.ts"

const terminated = () => new TypeError("terminated", { cause: networkError("UND_ERR_SOCKET", "other side closed") })

const failed = (cause: unknown) => new TypeError("fetch failed", { cause })

const refused = () => failed(networkError("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:443"))

const dropped = () => failed(networkError("ECONNRESET", "read ECONNRESET"))

const notFollowed = (why: string) => failed(new Error(why))

const connectTimedOut = () =>
  failed(Object.assign(
    networkError(
      "UND_ERR_CONNECT_TIMEOUT",
      "Connect Timeout Error (attempted address: 127.0.0.1:443, timeout: 10000ms)"
    ),
    { name: "ConnectTimeoutError" }
  ))

type Run = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

/** What the reader holds: it asks for bytes one read at a time, and gets them, an end or an error. */
class Reader {
  readonly stream: ReadableStream<Uint8Array>
  readonly #demand = Effect.unsafeMakeLatch()
  #controller: ReadableByteStreamController | undefined
  #over = false

  constructor(onCancel: () => void) {
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller
      },
      pull: () => this.#demand.unsafeOpen(),
      cancel: () => {
        this.#over = true
        onCancel()
      }
    }, { highWaterMark: 0 })
  }

  /** Waits until somebody reads. */
  readonly asked = Effect.zipRight(this.#demand.await, Effect.sync(() => this.#demand.unsafeClose()))

  /** A reader owns what it gets (enqueueing detaches the buffer), so it gets a copy. An empty chunk is not allowed. */
  give(bytes: Uint8Array): void {
    if (this.#over) return
    if (bytes.length === 0) this.#demand.unsafeOpen()
    else this.#controller?.enqueue(new Uint8Array(bytes))
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#controller?.close()
    this.#controller?.byobRequest?.respond(0)
  }

  fail(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#controller?.error(reason)
  }
}

/** An answer of known length is given at once, as the network would; anything else as it is read. */
const pump = (reader: Reader, outcome: Answered): Effect.Effect<void> => {
  const asked = outcome.headers["content-length"] === undefined ? reader.asked : Effect.void
  return whileTrue(Effect.flatMap(Effect.zipRight(asked, outcome.next), (step) => {
    if (step._tag === "Stall") return Effect.never
    if (step._tag === "Bytes") reader.give(step.bytes)
    if (step._tag === "Reset") reader.fail(terminated())
    const more = step._tag === "Bytes" && !step.last
    if (!more) reader.end()
    return Effect.succeed(more)
  }))
}

/**
 * One fiber per call: it answers, where it is redirected from there, and then gives what the reader asks for. Abort and
 * cancel interrupt it, which ends the exchange; when it ends early for another reason, the reader's body fails.
 */
export const makeFetch = (exchanges: Exchanges, run: Run): typeof globalThis.fetch => (input, init) =>
  new Promise((resolve, reject) => {
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
    if (signal?.aborted) return reject(signal.reason)
    // The signal is followed here: a Request does not pass an abort on to the body of its answer.
    const request = new Request(input, { ...init, signal: null })
    const reader = new Reader(() => interrupt())
    const fail = (reason: unknown) => {
      reject(reason)
      reader.fail(reason)
    }
    const respond = (asked: RawRequest, outcome: Answered, redirects: number): Effect.Effect<void> => {
      const response = new Response(reader.stream, { status: outcome.status, headers: outcome.headers })
      const url = new URL(asked.url)
      url.hash = ""
      resolve(Object.defineProperties(response, { url: { value: url.href }, redirected: { value: redirects > 0 } }))
      return pump(reader, outcome)
    }
    const redirected = (asked: RawRequest, outcome: Answered, redirects: number): Either.Either<RawRequest, string> =>
      request.redirect === "error"
        ? Either.left("unexpected redirect")
        : redirects === maxRedirects
        ? Either.left("redirect count exceeded")
        : following(asked, outcome)
    /** One request and its answer. Gives the request that follows where the answer is a redirect. */
    const ask = (asked: RawRequest, redirects: number): Effect.Effect<RawRequest | undefined, unknown, Scope.Scope> =>
      Effect.gen(function*() {
        const outcome = yield* exchanges.open(asked)
        switch (outcome._tag) {
          case "Refused":
            return yield* Effect.fail(refused())
          case "ConnectTimeout":
            return yield* Effect.delay(Effect.fail(connectTimedOut()), "10 seconds")
          case "Reset":
            return yield* Effect.fail(dropped())
          case "Silent":
            return yield* Effect.never
          case "Answered": {
            if (isRedirect(outcome) && request.redirect !== "manual") {
              return yield* Either.mapLeft(redirected(asked, outcome, redirects), notFollowed)
            }
            return yield* Effect.as(respond(asked, outcome, redirects), undefined)
          }
        }
      })
    const exchange = Effect.gen(function*() {
      let asked: RawRequest | undefined = {
        method: request.method,
        url: request.url,
        headers: Object.fromEntries(request.headers),
        body: new Uint8Array(yield* Effect.tryPromise({ try: () => request.arrayBuffer(), catch: (cause) => cause }))
      }
      for (let redirects = 0; asked !== undefined; redirects++) asked = yield* Effect.scoped(ask(asked, redirects))
    }).pipe(Effect.catchAll((cause) => Effect.sync(() => fail(cause))))

    const fiber = run(exchange)
    const interrupt = () => fiber.unsafeInterruptAsFork(FiberId.none)
    const onAbort = () => {
      fail(signal?.reason)
      interrupt()
    }
    signal?.addEventListener("abort", onAbort, { once: true })
    fiber.addObserver((exit) => {
      signal?.removeEventListener("abort", onAbort)
      if (Exit.isFailure(exit)) fail(Cause.isInterruptedOnly(exit.cause) ? terminated() : Cause.squash(exit.cause))
    })
  })
