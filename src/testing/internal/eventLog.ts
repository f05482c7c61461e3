/** The events of a background response: written once, read by any number of followers from any place. */
import * as Effect from "effect/Effect"
import { type Body, encoder, type Piece } from "./http.ts"

interface Entry extends Piece {
  readonly wire: number | undefined
}

export class EventLog {
  readonly #entries: Array<Entry> = []
  readonly #waiting = new Set<() => void>()
  #ended = false

  append(entry: Entry): void {
    this.#entries.push(entry)
    if (entry.last) this.#ended = true
    this.#wake()
  }

  /** Nothing will follow, though the last event may be no terminal one. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** The events from the first one numbered above `wire`, then those to come. */
  follow(wire: number): Body {
    let index = this.#entries.findIndex((entry) => entry.wire !== undefined && entry.wire > wire)
    if (index === -1) index = this.#entries.length
    const next: Body = Effect.suspend(() => {
      const entry = this.#entries[index]
      if (entry === undefined) {
        return this.#ended ? Effect.succeed(nothing) : Effect.zipRight(this.#more(index), next)
      }
      index++
      if (entry.wire !== undefined && entry.wire <= wire) return next
      return Effect.succeed(entry)
    })
    return next
  }

  #more(index: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.#ended || this.#entries.length > index) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      this.#waiting.add(wake)
      return Effect.sync(() => this.#waiting.delete(wake))
    })
  }

  #wake(): void {
    const waiting = Array.from(this.#waiting)
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}

const nothing: Piece = { bytes: encoder.encode(""), last: true }
