/** Standard output and standard error as effects. The answer goes to the one, everything else to the other. */
import * as Effect from "effect/Effect"
import type { CliError } from "./CliError.ts"
import { paint } from "./streams.ts"

/** Where text goes. A write waits for a reader that is slower. */
export interface Sink<E = never> {
  readonly write: (text: string) => Effect.Effect<void, E>
  /** Whether a person reads along. */
  readonly isTerminal: () => boolean
}

/** Where an answer goes: standard output or a file. */
export type AnswerSink = Sink<CliError>

const sink = (stream: () => NodeJS.WriteStream, clean: (text: string) => string): Sink => ({
  write: (text) =>
    Effect.async((resume) => {
      const to = stream()
      const taken = to.write(to.isTTY ? clean(text) : text)
      if (taken) return resume(Effect.void)
      const go = () => resume(Effect.void)
      to.once("drain", go)
      return Effect.sync(() => to.off("drain", go))
    }),
  isTerminal: () => stream().isTTY === true
})

/**
 * What a terminal would obey: all control characters but tab, line feed and a carriage return before one. A model's text
 * is no program for it.
 */
const controls = /\r(?!\n)|[^\P{Cc}\t\n\r]/gu

/** A text from elsewhere as a terminal may have it. */
export const harmless = (text: string) => text.replaceAll(controls, "\u{fffd}")

/** What a terminal would obey, or show in another order than it is: also line breaks and marks of direction. */
const unseen = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** A text from elsewhere in one line, with everything in it to be seen. */
export const escaped = (text: string) =>
  text.replaceAll(
    unseen,
    (character) => character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** The same, of at most so many characters. */
export const shortened = (text: string, width: number): string => {
  // A text may be megabytes long, of which a line is seen.
  const characters = Array.from(escaped(text.slice(0, 2 * width)))
  return characters.length <= width ? characters.join("") : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`
}

/** How many characters fit into a line; so many where no terminal says it. */
export const lineWidth = () => process.stderr.columns ?? 120

export const stdout: Sink = sink(() => process.stdout, harmless)

export const stderr: Sink = sink(() => process.stderr, (text) => text)

/** A warning, in one line. */
export const warn = (text: string) => stderr.write(`${paint.yellow("warning:")} ${text}\n`)
