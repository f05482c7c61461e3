/**
 * The prompt on a terminal. Each message has an editor of its own, so that between them the terminal is as it was: while
 * an answer comes, Ctrl-C is a signal like everywhere, and what is typed waits for the next prompt.
 */
import * as Effect from "effect/Effect"
import * as readline from "node:readline"
import { isLively } from "../streams.ts"
import * as Draft from "./Draft.ts"

export type Entered =
  | { readonly _tag: "Text"; readonly text: string }
  /** Ctrl-C, with something typed. */
  | { readonly _tag: "Dropped" }
  /** Ctrl-C at an empty prompt. */
  | { readonly _tag: "Interrupted" }
  /** Ctrl-D, or the terminal is gone. */
  | { readonly _tag: "End" }

/** The terminal marks what is pasted. Source: xterm's control sequences, "Bracketed Paste Mode". */
const pasteMarks = { on: "\u001b[?2004h", off: "\u001b[?2004l" }

const goesOn = "… "

/** How many messages are remembered. */
const remembered = 100

/** Where messages are entered. What was entered is remembered in memory only: it may be private. */
export const make = (prompt: string): Effect.Effect<Entered> => {
  let history: Array<string> = []
  return Effect.async((resume) => {
    const { stderr: output, stdin: input } = process
    const marks = isLively()
    const draft = Draft.make()
    if (marks) output.write(pasteMarks.on)
    const editor = readline.createInterface({
      input,
      output,
      terminal: true,
      prompt,
      // A copy, to which the editor adds each line of a message: they are one entry, once it is whole.
      history: history.slice(),
      historySize: remembered,
      removeHistoryDuplicates: true,
      crlfDelay: Infinity
    })
    let closed = false
    const close = () => {
      closed = true
      input.off("keypress", onKey).off("data", onChunk)
      editor.close()
      if (marks) output.write(pasteMarks.off)
    }
    const end = (entered: Entered, line: string) => {
      if (closed) return
      close()
      if (line !== "") output.write(line)
      if (entered._tag === "Text" && entered.text.trim() !== "") {
        history = [entered.text, ...history.filter((text) => text !== entered.text)].slice(0, remembered)
      }
      resume(Effect.succeed(entered))
    }
    const nextLine = () => {
      editor.setPrompt(goesOn)
      editor.prompt()
    }
    const onKey = (_: unknown, key: readline.Key) => {
      if (draft.key(key.name)) nextLine()
    }
    // Comes after the editor's own listener, when all of the chunk has become keys.
    const onChunk = () => {
      const text = draft.rest()
      if (text !== undefined) end({ _tag: "Text", text }, "")
    }
    input.prependListener("keypress", onKey).on("data", onChunk)
    editor
      .on("line", (line) => {
        // A remembered message of several lines comes with other line breaks from Node 24.
        if (draft.line(line.replaceAll("\r", "\n"))) nextLine()
      })
      // Back after Ctrl-Z: the editor is paused, and nothing else would keep the process.
      .on("SIGCONT", () => editor.prompt(true))
      .on("SIGINT", () =>
        end(
          draft.isBegun() || editor.line !== "" ? { _tag: "Dropped" } : { _tag: "Interrupted" },
          "^C\n"
        ))
      .on("close", () => end(draft.isBegun() ? { _tag: "Text", text: draft.text() } : { _tag: "End" }, "\n"))
    editor.prompt()
    return Effect.sync(() => {
      if (!closed) close()
      output.write("\n")
    })
  })
}
