/**
 * One request on its way: sent, waited for, and aborted by the end of its scope. One timer serves its whole life, however
 * many reads it takes, and counts only while somebody waits for the server.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"
import type { RequestError } from "../OpenAIError.ts"

/** How long a server may be silent: until its answer begins, and in the middle of it. */
export interface Limits {
  readonly firstByte: Duration.DurationInput
  readonly idle: Duration.DurationInput
}

export class Connection {
  readonly #controller = new AbortController()
  readonly #clock: Clock.Clock
  readonly #idle: number
  /** The timer looks this often, so that a limit that has become shorter holds. */
  readonly #tick: number
  /** The limit of the silence now. */
  #limit: number
  #onSilence: (() => void) | undefined
  #since = 0
  /** What the end of the scope does to the request. It aborts before anything is awaited. */
  ending: Effect.Effect<void>

  constructor(clock: Clock.Clock, limits: Limits) {
    this.#clock = clock
    this.#limit = Duration.toMillis(limits.firstByte)
    this.#idle = Duration.toMillis(limits.idle)
    this.#tick = Math.min(this.#limit, this.#idle)
    this.ending = this.abort
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get abort(): Effect.Effect<void> {
    return Effect.sync(() => this.#controller.abort())
  }

  /** Somebody waits for the server from now on; `onSilence` is called once if that takes too long. */
  wait(onSilence: () => void): void {
    this.#onSilence = onSilence
    this.#since = this.#clock.unsafeCurrentTimeMillis()
  }

  /** The server was heard, or nobody waits any more. */
  rest(): void {
    this.#onSilence = undefined
  }

  /** The answer has begun: what counts from now on is silence in the middle of it. */
  begun(): void {
    this.#limit = this.#idle
  }

  /** Waits for one thing. */
  awaiting<A>(
    start: () => Promise<A>,
    failed: (error: unknown) => RequestError,
    silent: () => RequestError
  ): Effect.Effect<A, RequestError> {
    return Effect.async((resume) => {
      const settle = (result: Effect.Effect<A, RequestError>) => {
        this.rest()
        resume(result)
      }
      this.wait(() => settle(Effect.fail(silent())))
      start().then((value) => settle(Effect.succeed(value)), (error: unknown) => settle(Effect.fail(failed(error))))
    })
  }

  /** The timer. */
  get watch(): Effect.Effect<void> {
    const sleep = (time: number): Effect.Effect<void> =>
      Effect.flatMap(Effect.sleep(time), () => {
        const silence = this.#clock.unsafeCurrentTimeMillis() - this.#since
        const left = this.#onSilence === undefined ? this.#tick : this.#limit - silence
        // Less than a microsecond is a rounding error, and may be too short to be slept at all.
        if (left > 0.001) return sleep(Math.min(left, this.#tick))
        this.#onSilence?.()
        return Effect.void
      })
    return this.#tick === Number.POSITIVE_INFINITY ? Effect.void : sleep(this.#tick)
  }
}

export const make = (limits: Limits): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.uninterruptible(Effect.gen(function*() {
    const connection = new Connection(yield* Effect.clock, limits)
    const watcher = yield* Effect.forkDaemon(Effect.interruptible(connection.watch))
    // Not `acquireRelease`, which compares all of the fiber's references when it releases.
    const release = Effect.zipRight(
      Effect.suspend(() => connection.ending),
      Fiber.interruptAsFork(watcher, FiberId.none)
    )
    yield* Scope.addFinalizer(yield* Effect.scope, release)
    return connection
  }))
