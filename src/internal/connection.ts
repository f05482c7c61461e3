/**
 * One request on its way: sent, waited for, and aborted by the end of its scope. One timer serves its whole life, however
 * many reads it takes, and counts only while somebody waits for the server.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Scope from "effect/Scope"
import type { RequestError } from "../OpenAIError.ts"
import { after } from "./timer.ts"

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
  end: () => void = () => this.abort()

  constructor(clock: Clock.Clock, limits: Limits) {
    this.#clock = clock
    this.#limit = Duration.toMillis(limits.firstByte)
    this.#idle = Duration.toMillis(limits.idle)
    this.#tick = Math.min(this.#limit, this.#idle)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(): void {
    this.#controller.abort()
  }

  /** Aborts after a while, unless the function that it gives is called before. */
  abortAfter(time: Duration.DurationInput): () => void {
    return after(this.#clock, Duration.decode(time), () => this.abort())
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

  /** Sets the timer; the function that it gives stops it. */
  watch(): () => void {
    let stop = () => {}
    const set = (time: number) => {
      stop = after(this.#clock, Duration.millis(time), () => {
        const silence = this.#clock.unsafeCurrentTimeMillis() - this.#since
        const left = this.#onSilence === undefined ? this.#tick : this.#limit - silence
        // Less than a microsecond is a rounding error, and may be too short to be slept at all.
        if (left > 0.001) set(Math.min(left, this.#tick))
        else this.#onSilence?.()
      })
    }
    if (this.#tick !== Number.POSITIVE_INFINITY) set(this.#tick)
    return () => stop()
  }
}

export const make = (limits: Limits): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.uninterruptible(Effect.withFiberRuntime((fiber) => {
    const clock = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
    const scope = Context.unsafeGet(fiber.getFiberRef(FiberRef.currentContext), Scope.Scope)
    const connection = new Connection(clock, limits)
    const stop = connection.watch()
    // Not `acquireRelease`, which compares all of the fiber's references when it releases.
    const release = Effect.sync(() => {
      stop()
      connection.end()
    })
    return Effect.as(Scope.addFinalizer(scope, release), connection)
  }))
