/** The lines that are piped in. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usage } from "../CliError.ts"
import { megabytes } from "../stdin.ts"
import { decodeText, maxTextBytes } from "../text.ts"

const lineFeed = 10

/** The lines of a stream of bytes, whatever pieces it comes in; one that is larger than `limit` bytes ends it. */
async function* split(input: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let held: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of input) {
    let from = 0
    for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, from)) {
      yield Buffer.concat([...held, chunk.subarray(from, at)])
      held = []
      size = 0
      from = at + 1
    }
    held.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > limit) {
      throw usage(`a line of standard input is larger than ${megabytes(limit)}, the most that can be sent`)
    }
  }
  if (size > 0) yield Buffer.concat(held)
}

/** The next line each time, and nothing after the last. */
export const make = (input: AsyncIterable<Uint8Array>) => {
  const lines = split(input, maxTextBytes)
  return Effect.flatMap(
    Effect.tryPromise({
      try: () => lines.next(),
      catch: (error) =>
        (error as { _tag?: string })._tag === "CliError"
          ? error as ReturnType<typeof usage>
          : usage("standard input cannot be read")
    }),
    ({ done, value }) => {
      if (done === true) return Effect.succeed(Option.none<string>())
      const text = decodeText(value)
      return text === undefined
        ? Effect.fail(usage("standard input is not text in UTF-8"))
        : Effect.succeed(Option.some(text))
    }
  )
}
