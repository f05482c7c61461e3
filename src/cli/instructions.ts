/** `--instructions`: a text, or `@file`. */
import * as Effect from "effect/Effect"
import { usage } from "./CliError.ts"
import { readFile } from "./readFile.ts"
import { megabytes } from "./stdin.ts"
import { decodeText, maxTextBytes } from "./text.ts"

export const read = (value: string) => {
  if (!value.startsWith("@")) return Effect.succeed(value)
  const file = value.slice(1)
  const tooLarge = `is larger than ${megabytes(maxTextBytes)}, the most that a text may have`
  return Effect.mapError(
    Effect.flatMap(readFile(file, maxTextBytes, tooLarge), (bytes) => {
      const text = decodeText(bytes)
      return text === undefined ? Effect.fail(usage(`"${file}" is not text in UTF-8`)) : Effect.succeed(text)
    }),
    ({ message }) => usage(`--instructions: ${message}`)
  )
}
