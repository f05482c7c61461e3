/** What is asked: the arguments are the instruction, standard input is the context, files are attached. */
import * as Effect from "effect/Effect"
import * as Thread from "../Thread.ts"
import * as Attachments from "./attachments.ts"
import { type CliError, usage } from "./CliError.ts"
import { isPiped, readText } from "./stdin.ts"

export interface Prompt {
  /** The arguments; a lone `-` asks for standard input. */
  readonly words: ReadonlyArray<string>
  /** Paths; `-` is standard input. */
  readonly attach: ReadonlyArray<string>
  /** Standard input is the key, so that it is nothing else. */
  readonly keyStdin: boolean
  /** Whether there may be nothing to ask. */
  readonly isOptional: boolean
}

/** Checks what can be checked without reading anything. */
export const check = ({ attach, isOptional, keyStdin, words }: Prompt): Effect.Effect<void, CliError> => {
  const uses = [
    ...(keyStdin ? ["--key-stdin"] : []),
    ...(words.includes("-") ? ["-"] : []),
    ...attach.filter((file) => file === "-").map(() => "-a -")
  ]
  if (uses.length > 1) return Effect.fail(usage(`standard input can be used once only: ${uses.join(", ")}`))
  return !isOptional && words.every((word) => word === "-" || word.trim() === "") && attach.length === 0 &&
      !words.includes("-") &&
      (keyStdin || !isPiped())
    ? nothing
    : Effect.void
}

const nothing = Effect.fail(
  usage("there is nothing to ask", "Give a text, or pipe one in: openai-threads ask \"Hello\"")
)

/** The user's message, if there is one. */
export const message = (prompt: Prompt): Effect.Effect<Thread.MessageInput | undefined, CliError> =>
  Effect.gen(function*() {
    const { attach, isOptional, keyStdin, words } = prompt
    const instruction = words.filter((word) => word !== "-").join(" ").trim()
    const wantsInput = words.includes("-") || (!keyStdin && !attach.includes("-") && isPiped())
    const context = wantsInput ? (yield* readText).replace(/\s+$/, "") : ""
    const files = yield* Attachments.read(attach)
    const texts = [instruction, context].filter((text) => text !== "")
    if (texts.length + files.length === 0) return isOptional ? undefined : yield* nothing
    const text = texts.join("\n\n")
    return { content: [...(text === "" ? [] : [Thread.text(text)]), ...files] }
  })
