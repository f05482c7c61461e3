/** `fetch` in process, with the semantics of the real one. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type { Exchanges } from "./exchange.ts"
import { networkError, type Outcome, whileTrue } from "./transport.ts"

const terminated = () => new TypeError("terminated", { cause: networkError("UND_ERR_SOCKET", "other side closed") })

const refused = () =>
  new TypeError("fetch failed", { cause: networkError("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:443") })

const dropped = () => new TypeError("fetch failed", { cause: networkError("ECONNRESET", "read ECONNRESET") })

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
    else this.#controller?.enqueue(bytes.slice())
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
const pump = (reader: Reader, outcome: Extract<Outcome, { readonly _tag: "Answered" }>): Effect.Effect<void> => {
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
 * One fiber per exchange: it answers, and then gives what the reader asks for. Abort and cancel interrupt it, which
 * ends the exchange; when it ends early for another reason, the reader's body fails.
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
    const exchange = Effect.gen(function*() {
      const body = yield* Effect.tryPromise({ try: () => request.text(), catch: (cause) => cause })
      const outcome = yield* exchanges.open({
        method: request.method,
        url: request.url,
        headers: Object.fromEntries(request.headers),
        body
      })
      switch (outcome._tag) {
        case "Refused":
          return fail(refused())
        case "Reset":
          return fail(dropped())
        case "Silent":
          return yield* Effect.never
        case "Answered": {
          const response = new Response(reader.stream, { status: outcome.status, headers: outcome.headers })
          resolve(Object.defineProperty(response, "url", { value: request.url }))
          yield* pump(reader, outcome)
        }
      }
    }).pipe(Effect.scoped, Effect.catchAll((cause) => Effect.sync(() => fail(cause))))

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
