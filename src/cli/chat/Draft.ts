/**
 * A message that is being entered, from the keys and lines of an editor of lines. Lines that come in one piece belong
 * together: those of a bracketed paste, and without it, those that the terminal hands over at once.
 */
export interface Draft {
  /** Before the editor gets a key. Says whether the message goes on in a new line, which then needs its prompt. */
  readonly key: (name: string | undefined) => boolean
  /** A line has ended. Says, as `key` does, whether a new one begins. */
  readonly line: (text: string) => boolean
  /** Everything that came at once has been edited. The message, if it is whole. */
  readonly rest: () => string | undefined
  /** Whether there are lines already. */
  readonly isBegun: () => boolean
  /** The lines so far. */
  readonly text: () => string
}

export const make = (): Draft => {
  const lines: Array<string> = []
  let pasting = false
  /** The last thing that happened is the end of a line, which may have been the last one. */
  let ended = false
  const text = () => lines.join("\n")
  return {
    key: (name) => {
      if (name === "paste-start") pasting = true
      if (name === "paste-end") pasting = false
      // The second half of a line break, or a line without a text.
      if (!ended || name === "enter") return false
      ended = false
      return true
    },
    line: (line) => {
      const goesOn = !pasting && line.endsWith("\\")
      lines.push(goesOn ? line.slice(0, -1) : line)
      ended = !goesOn
      return goesOn
    },
    rest: () => ended && !pasting ? text() : undefined,
    isBegun: () => lines.length > 0,
    text
  }
}
