/** Files that go with a question. */
import * as Effect from "effect/Effect"
import { basename } from "node:path"
import * as Thread from "../Thread.ts"
import { type CliError, usage } from "./CliError.ts"
import { readFile } from "./readFile.ts"
import { megabytes, readBytes } from "./stdin.ts"
import { decodeText, maxTextBytes } from "./text.ts"

const kinds = "text in UTF-8, PNG, JPEG, WebP, GIF and PDF"

/** What a file is, by its first bytes: names lie. */
const signatures: ReadonlyArray<readonly [kind: Thread.ImageMediaType | "application/pdf", pattern: RegExp]> = [
  ["image/png", /^\x89PNG/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8/],
  ["image/webp", /^RIFF[^]{4}WEBP/],
  ["application/pdf", /^%PDF-/]
]

const kindOf = (bytes: Uint8Array) => {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1")
  return signatures.find(([, pattern]) => pattern.test(head))?.[0]
}

/**
 * A part of the message for each file; `-` is standard input. A text goes as text with its name, so that every model and
 * every server can read it. Fails for what cannot be sent, before anything is.
 */
export const read = (files: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Thread.PartInput>, CliError> =>
  Effect.gen(function*() {
    const parts: Array<Thread.PartInput> = []
    let room = Thread.maxFileBytes
    for (const file of files) {
      const name = file === "-" ? "standard input" : basename(file)
      const bytes = yield* file === "-" ? readBytes(room) : readFile(
        file,
        room,
        room === Thread.maxFileBytes
          ? `is larger than ${megabytes(room)}, the most that one message can carry`
          : `is too much: the files of one message may have ${megabytes(Thread.maxFileBytes)} together`
      )
      if (bytes.length === 0) return yield* usage(`"${file}" is empty`)
      room -= bytes.length
      parts.push(yield* part(file, name, bytes))
    }
    return parts
  })

const part = (file: string, name: string, bytes: Uint8Array): Effect.Effect<Thread.PartInput, CliError> => {
  const kind = kindOf(bytes)
  if (kind === "application/pdf") {
    return Effect.succeed(
      Thread.fileBytes(bytes, { filename: /\.pdf$/i.test(name) ? name : `${name}.pdf`, mediaType: kind })
    )
  }
  if (kind !== undefined) return Effect.succeed(Thread.imageBytes(bytes, { mediaType: kind }))
  const text = decodeText(bytes)
  if (text === undefined) {
    return Effect.fail(usage(`"${file}" is of a kind that cannot be sent`, `Can be sent: ${kinds}.`))
  }
  if (bytes.length > maxTextBytes) {
    return Effect.fail(usage(`"${file}" is larger than ${megabytes(maxTextBytes)}, the most that a text may have`))
  }
  const end = text.endsWith("\n") ? "" : "\n"
  return Effect.succeed(Thread.text(`<file name=${JSON.stringify(name)}>\n${text}${end}</file>`))
}
