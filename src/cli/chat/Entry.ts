/** What a person enters in a chat: a message, or a command that begins with a slash. */
import { nearest } from "../nearest.ts"

/** The commands, in the order in which `/help` lists them. */
const commands = {
  help: { argument: "", description: "This list" },
  thread: { argument: "[id|new]", description: "Show the thread, go on with another one, or begin one" },
  assistant: { argument: "[id]", description: "Show who answers, or let another assistant answer" },
  instructions: {
    argument: "[text|@file|-]",
    description: "Show or set the instructions; - takes the assistant's own"
  },
  attach: {
    argument: "[file]",
    description: "Send a text, image or PDF with the next message, or show what goes with it"
  },
  retry: { argument: "", description: "Ask again what got no answer" },
  save: { argument: "<file>", description: "Write the thread to a file, as threads export does" },
  quit: { argument: "", description: "Leave; so does Ctrl-D" }
} as const

export type Command = keyof typeof commands

export type Entry =
  | { readonly _tag: "Nothing" }
  | { readonly _tag: "Message"; readonly text: string }
  | { readonly _tag: "Command"; readonly command: Command; readonly argument: string }
  | { readonly _tag: "Invalid"; readonly message: string; readonly hint: string }

const isCommand = (word: string): word is Command => Object.hasOwn(commands, word)

const invalid = (message: string): Entry => ({
  _tag: "Invalid",
  message,
  hint: "/help lists the commands; a message that begins with a slash begins with two."
})

/**
 * A single line that begins with a slash and a word is a command, so that nothing that was meant for one is sent to the
 * model. What has several lines was pasted and is a message, as is a path such as `/etc/hosts is empty`.
 */
export const parse = (text: string): Entry => {
  const trimmed = text.trim()
  if (trimmed === "") return { _tag: "Nothing" }
  if (trimmed.startsWith("//")) return { _tag: "Message", text: trimmed.slice(1) }
  const [, word, rest = ""] = /^\/([a-z]*)(?:[ \t]+(.*))?$/i.exec(trimmed) ?? []
  if (word === undefined) return { _tag: "Message", text: text.trimEnd() }
  const command = word.toLowerCase()
  if (!isCommand(command)) {
    const meant = nearest(command, Object.keys(commands))
    return invalid(`there is no command "/${word}"${meant === undefined ? "" : `. Did you mean "/${meant}"?`}`)
  }
  const argument = rest.trim()
  const wanted = commands[command].argument
  if (argument !== "" && wanted === "") return invalid(`/${command} takes nothing behind it`)
  if (argument === "" && wanted.startsWith("<")) return invalid(`/${command} needs ${wanted}`)
  return { _tag: "Command", command, argument }
}

/** A path as it is typed, or dropped on a terminal: with quotes, a home, escaped spaces. */
export const path = (argument: string, home: string | undefined): string => {
  const quoted = /^(['"])(.*)\1$/.exec(argument)?.[2]
  if (quoted !== undefined) return quoted
  const plain = argument.replaceAll(/\\(.)/g, "$1")
  return home !== undefined && plain.startsWith("~/") ? `${home}${plain.slice(1)}` : plain
}

/** What `/help` says. */
export const help = (): string => {
  const rows = Object.entries(commands).map(([name, { argument, description }]) =>
    [`/${name} ${argument}`.trimEnd(), description] as const
  )
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    "  What is pasted is one message, sent by Enter; a line that ends with \\ goes on in the next.",
    "  Ctrl-C cancels an answer, or drops what is typed; twice at an empty prompt it quits.",
    "  What was typed before is found with the arrow keys, and forgotten at the end.",
    ""
  ].join("\n")
}
