/** Standard output and standard error. The answer goes to the one, everything else to the other. */
import * as Effect from "effect/Effect"
import type { CliError } from "./CliError.ts"

/** Where text goes. A write waits for a reader that is slower. */
export interface Sink<E = never> {
  readonly isTerminal: boolean
  readonly write: (text: string) => Effect.Effect<void, E>
}

/** Where an answer goes: standard output or a file. */
export type AnswerSink = Sink<CliError>

/** What a terminal would obey: all control characters but tab and line feed. A model's text is no program for it. */
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

const sink = (stream: NodeJS.WriteStream, clean: (text: string) => string): Sink => ({
  get isTerminal() {
    return stream.isTTY === true
  },
  write: (text) =>
    Effect.async((resume) => {
      const taken = stream.write(stream.isTTY ? clean(text) : text)
      if (taken) return resume(Effect.void)
      const go = () => resume(Effect.void)
      stream.once("drain", go)
      return Effect.sync(() => stream.off("drain", go))
    })
})

export const stdout: Sink = sink(process.stdout, (text) => text.replaceAll(controls, "\u{fffd}"))

export const stderr: Sink = sink(process.stderr, (text) => text)

/** Whether standard error understands cursor movements. */
export const isLively = () => process.stderr.isTTY === true && process.env["TERM"] !== "dumb"

export type When = "auto" | "always" | "never"

const color: { when: When } = { when: "auto" }

/** One process has one terminal, so this is said once for all. */
export const setColor = (when: When) => {
  color.when = when
}

/** Whether to colour what goes to a stream. Source: no-color.org. */
export const isColored = (stream: NodeJS.WriteStream): boolean =>
  color.when === "always" ||
  (color.when === "auto" && stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb")

// oxlint-disable-next-line no-control-regex
const escapes = /\u001b\[[0-9;]*m/g

export const withoutColor = (text: string) => text.replaceAll(escapes, "")

const paint = (code: number) => (text: string) =>
  isColored(process.stderr) ? `\u001b[${code}m${text}\u001b[0m` : text

export const red = paint(31)
export const yellow = paint(33)
export const dim = paint(2)

/** A warning, in one line. */
export const warn = (text: string) => stderr.write(`${yellow("warning:")} ${text}\n`)

/** A reader that went away, as behind `| head -1`, ends the program quietly; nothing is left to be said to it. */
export const watchReaders = () => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    process.stderr.write(`error: standard output cannot be written (${error.code})\n`)
    process.exit(1)
  })
  // Without a reader of standard error there is nobody to tell.
  process.stderr.on("error", () => {})
}
