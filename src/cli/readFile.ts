/** A file that somebody names, as far as it can be sent. */
import * as Effect from "effect/Effect"
import { createReadStream } from "node:fs"
import { type CliError, usage } from "./CliError.ts"

const reasons: Record<string, string> = {
  ENOENT: "does not exist",
  EISDIR: "is a directory",
  EACCES: "cannot be read: permission denied"
}

/**
 * No more than `limit` is read, so that a device or a pipe without an end is refused too; `tooLarge` says what is wrong
 * with more.
 */
export const readFile = (file: string, limit: number, tooLarge: string): Effect.Effect<Uint8Array, CliError> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: async (signal) => {
        const chunks: Array<Uint8Array> = []
        for await (const chunk of createReadStream(file, { end: limit, signal })) chunks.push(chunk as Uint8Array)
        return Buffer.concat(chunks)
      },
      catch: (error) => {
        const code = (error as NodeJS.ErrnoException).code ?? ""
        return usage(`"${file}" ${reasons[code] ?? `cannot be read (${code})`}`)
      }
    }),
    (bytes) => bytes.length > limit ? Effect.fail(usage(`"${file}" ${tooLarge}`)) : Effect.succeed(bytes)
  )
