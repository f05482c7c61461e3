import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as readline from "node:readline"
import { PassThrough } from "node:stream"
import * as Draft from "../../src/cli/chat/Draft.ts"
import * as Entry from "../../src/cli/chat/Entry.ts"
import * as Lines from "../../src/cli/chat/lines.ts"

describe("what is entered", () => {
  const message = (text: string) => ({ _tag: "Message", text })
  const command = (command: string, argument = "") => ({ _tag: "Command", command, argument })

  it("is a message, unless it begins with a slash and a word", () => {
    expect(Entry.parse("Hello /quit")).toEqual(message("Hello /quit"))
    expect(Entry.parse("  indented\n\n")).toEqual(message("  indented"))
    expect(Entry.parse("/etc/hosts is empty")).toEqual(message("/etc/hosts is empty"))
    expect(Entry.parse("//quit")).toEqual(message("/quit"))
    expect(Entry.parse("/quit\nand more")).toEqual(message("/quit\nand more"))
    expect(Entry.parse(" \n ")).toEqual({ _tag: "Nothing" })
  })

  it("is a command with its argument", () => {
    expect(Entry.parse("/quit")).toEqual(command("quit"))
    expect(Entry.parse("  /QUIT ")).toEqual(command("quit"))
    expect(Entry.parse("/attach  a file.txt ")).toEqual(command("attach", "a file.txt"))
    expect(Entry.parse("/thread")).toEqual(command("thread"))
    expect(Entry.parse("/thread\tnew")).toEqual(command("thread", "new"))
  })

  it("is refused rather than sent where it looks like a command", () => {
    const refused = (text: string) => {
      const entry = Entry.parse(text)
      return entry._tag === "Invalid" ? entry.message : entry
    }
    expect(refused("/atach x")).toBe("there is no command \"/atach\". Did you mean \"/attach\"?")
    expect(refused("/")).toContain("there is no command \"/\"")
    expect(refused("/retry now")).toBe("/retry takes nothing behind it")
    expect(refused("/save")).toBe("/save needs <file>")
  })

  it("names a file as it is typed or dropped", () => {
    expect(Entry.path("a b.txt", "/home/me")).toBe("a b.txt")
    expect(Entry.path("'/tmp/a b.txt'", "/home/me")).toBe("/tmp/a b.txt")
    expect(Entry.path("/tmp/a\\ b.txt", "/home/me")).toBe("/tmp/a b.txt")
    expect(Entry.path("~/x.pdf", "/home/me")).toBe("/home/me/x.pdf")
    expect(Entry.path("~/x.pdf", undefined)).toBe("~/x.pdf")
  })
})

/** What an editor of lines makes of these chunks of bytes: the messages that are sent, and what is left. */
const edit = (...chunks: ReadonlyArray<string>) => {
  const input = new PassThrough()
  const editor = readline.createInterface({ input, output: new PassThrough(), terminal: true, crlfDelay: Infinity })
  const sent: Array<string> = []
  let draft = Draft.make()
  input.prependListener("keypress", (_: unknown, key: readline.Key) => draft.key(key.name))
  editor.on("line", (line) => draft.line(line))
  for (const chunk of chunks) {
    input.emit("data", Buffer.from(chunk))
    const text = draft.rest()
    if (text === undefined) continue
    sent.push(text)
    draft = Draft.make()
  }
  const left = [...(draft.isBegun() ? [draft.text()] : []), editor.line].join("\n")
  editor.close()
  return { sent, left }
}

describe("a message of several lines", () => {
  const paste = (text: string) => `\u001b[200~${text}\u001b[201~`

  it("is what is pasted, and waits for Enter", () => {
    expect(edit(paste("one\rtwo\r\rfour"))).toEqual({ sent: [], left: "one\ntwo\n\nfour" })
    expect(edit(paste("one\rtwo\r\rfour"), "\r")).toEqual({ sent: ["one\ntwo\n\nfour"], left: "" })
    expect(edit(paste("one\rtwo\r"), "\r")).toEqual({ sent: ["one\ntwo\n"], left: "" })
    expect(edit(paste("one\r\ntwo\nthree"), "\r")).toEqual({ sent: ["one\ntwo\nthree"], left: "" })
  })

  it("whatever chunks the paste comes in, also between its marks' bytes", () => {
    const whole = `${paste("one\rtwo\rthree")}`
    for (let at = 1; at < whole.length; at++) {
      expect(edit(whole.slice(0, at), whole.slice(at), "\r")).toEqual({ sent: ["one\ntwo\nthree"], left: "" })
    }
    expect(edit(...whole, "\r")).toEqual({ sent: ["one\ntwo\nthree"], left: "" })
  })

  it("goes on where typing goes on", () => {
    expect(edit("Look: ", paste("one\rtwo"), "!", "\r")).toEqual({ sent: ["Look: one\ntwo!"], left: "" })
  })

  it("is what comes at once, where the terminal does not mark it", () => {
    expect(edit("one\rtwo\r")).toEqual({ sent: ["one\ntwo"], left: "" })
    expect(edit("one\rtwo", "\r")).toEqual({ sent: ["one\ntwo"], left: "" })
    expect(edit("one\r", "two\r")).toEqual({ sent: ["one", "two"], left: "" })
  })

  it("goes on behind a backslash", () => {
    expect(edit("one\\\r", "two\r")).toEqual({ sent: ["one\ntwo"], left: "" })
    expect(edit(paste("one\\\rtwo"), "\r")).toEqual({ sent: ["one\\\ntwo"], left: "" })
  })
})

describe("lines that are piped in", () => {
  const read = (...chunks: ReadonlyArray<Uint8Array | string>) =>
    Effect.gen(function*() {
      const next = Lines.make((async function*() {
        for (const chunk of chunks) yield Buffer.from(chunk)
      })())
      const lines: Array<string> = []
      for (let line = yield* next; Option.isSome(line); line = yield* next) lines.push(line.value)
      return lines
    })

  it.effect("are whole, whatever pieces they come in", () =>
    Effect.gen(function*() {
      expect(yield* read("one\ntwo", "\n", "thr", "ee")).toEqual(["one", "two", "three"])
      expect(yield* read("\n\n")).toEqual(["", ""])
      expect(yield* read()).toEqual([])
      const euro = Buffer.from("€\n€")
      for (let at = 1; at < euro.length; at++) {
        expect(yield* read(euro.subarray(0, at), euro.subarray(at))).toEqual(["€", "€"])
      }
    }))

  it.effect("are text, and end somewhere", () =>
    Effect.gen(function*() {
      expect(yield* Effect.flip(read(Buffer.of(0xff, 0x0a)))).toMatchObject({ exitCode: 2 })
      const megabyte = new Uint8Array(1024 * 1024).fill(97)
      const error = yield* Effect.flip(read(...Array.from({ length: 11 }, () => megabyte)))
      expect(error.message).toBe("a line of standard input is larger than 10 MiB, the most that can be sent")
    }))
})
