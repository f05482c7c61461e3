/** The process's standard output and standard error, and their colour. */

export type When = "auto" | "always" | "never"

const color: { when: When } = { when: "auto" }

/** One process has one terminal, so this is said once for all. */
export const setColor = (when: When) => {
  color.when = when
}

/** Whether standard error moves a cursor and shows colours. */
export const isLively = () => process.stderr.isTTY === true && process.env["TERM"] !== "dumb"

/** Whether somebody can be asked: a question is shown on standard error, so that standard output has the answer alone. */
export const isInteractive = () => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Source: no-color.org. */
const isColored = () => color.when === "always" || (color.when === "auto" && isLively() && !process.env["NO_COLOR"])

const painter = (code: number) => (text: string) => isColored() ? `\u001b[${code}m${text}\u001b[0m` : text

/** Colours for standard error; the answer has none. */
export const paint = { red: painter(31), yellow: painter(33), dim: painter(2) }

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
