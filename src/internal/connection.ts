/**
 * One request on its way: sent, waited for, and aborted by the end of its line. One timer serves its whole life, however
 * many reads it takes, and counts only while somebody waits for the server.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { RequestError } from "../OpenAIError.ts"
import type { Line } from "./line.ts"
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
  /** What the end of the line does to the request. It aborts before anything is awaited. */
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

/** It ends with the line. */
export const open = (clock: Clock.Clock, limits: Limits, line: Line): Connection => {
  const connection = new Connection(clock, limits)
  const stop = connection.watch()
  line.add(() => {
    stop()
    connection.end()
  })
  return connection
}
