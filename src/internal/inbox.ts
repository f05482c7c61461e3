/** What others put in for one who takes all of it at once. As `Queue`, which takes five times as many operations. */
import * as Effect from "effect/Effect"

export class Inbox<A> {
  #values: Array<A> = []
  #hasEnded = false
  #wake: (() => void) | undefined

  put(value: A): void {
    this.#values.push(value)
    this.#wake?.()
  }

  /** Whoever waits is let go, and nobody waits any more. */
  end(): void {
    this.#hasEnded = true
    this.#wake?.()
  }

  /** All that was put in since; waits while there is nothing. */
  readonly take: Effect.Effect<ReadonlyArray<A>> = Effect.async((resume) => {
    const answer = () => {
      this.#wake = undefined
      resume(Effect.sync(() => this.#values.splice(0)))
    }
    if (this.#values.length > 0 || this.#hasEnded) answer()
    else this.#wake = answer
  })
}
