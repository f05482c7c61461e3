/** Standard input, read to its end. */
import * as Effect from "effect/Effect"
import { fstatSync } from "node:fs"
import { usage } from "./CliError.ts"
import { stderr } from "./terminal.ts"
import { decodeText, maxTextBytes } from "./text.ts"

/** Whether something is piped in. A terminal, `/dev/null` and a closed input have nothing to give. */
export const isPiped = (): boolean => {
  try {
    const input = fstatSync(0)
    return input.isFIFO() || input.isFile() || input.isSocket()
  } catch {
    return false
  }
}

const lineFeed = 10

/** All bytes, or those until a chunk that is the last one wanted; more than `limit` are refused. */
export const readBytes = (limit: number, isLast: (chunk: Uint8Array) => boolean = () => false) =>
  Effect.async<Uint8Array, ReturnType<typeof usage>>((resume) => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) {
        end(Effect.fail(usage(`standard input is larger than ${megabytes(limit)}, the most that can be sent`)))
      } else if (isLast(chunk)) onEnd()
    }
    const onEnd = () => end(Effect.sync(() => Buffer.concat(chunks)))
    const onError = () => end(Effect.fail(usage("standard input cannot be read")))
    const stop = () => {
      process.stdin.off("data", onData).off("end", onEnd).off("error", onError)
      process.stdin.pause()
    }
    const end = (result: Effect.Effect<Uint8Array, ReturnType<typeof usage>>) => {
      stop()
      resume(result)
    }
    process.stdin.on("data", onData).on("end", onEnd).on("error", onError)
    return Effect.sync(stop)
  }).pipe(Effect.raceFirst(sayThatWeWait))

/** A pipe that nobody closes looks like a program that hangs. */
const sayThatWeWait = Effect.zipRight(
  Effect.delay(stderr.write("Waiting for the end of standard input …\n"), "3 seconds"),
  Effect.never
)

export const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MiB`

/** The text that is piped in. */
export const readText = Effect.flatMap(
  readBytes(maxTextBytes),
  (bytes) => {
    const text = decodeText(bytes)
    return text === undefined
      ? Effect.fail(
        usage(
          "standard input is not text in UTF-8",
          "A file of another kind goes with -a FILE, or -a - for standard input."
        )
      )
      : Effect.succeed(text)
  }
)

/** The first line, as soon as it is there: whoever writes it may keep the pipe open. */
export const readLine = Effect.map(
  readBytes(maxTextBytes, (chunk) => chunk.includes(lineFeed)),
  (bytes) => Buffer.from(bytes).toString().split("\n", 1)[0] ?? ""
)
