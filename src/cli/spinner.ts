/** A sign of life on standard error while nothing has come yet. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { isLively, paint } from "./streams.ts"
import { lineWidth, shortened, stderr } from "./terminal.ts"

export interface Spinner {
  /** What it says that it waits for. */
  readonly label: (text: string) => void
  /** A line that stays, above it. */
  readonly say: (line: string) => Effect.Effect<void>
  /** Clears its line and ends it; says and does nothing the second time. */
  readonly stop: Effect.Effect<void>
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
const clearLine = "\r\u001b[K"

const write = (line: string) => stderr.write(`${paint.dim(line)}\n`)

/** Its lines alone, or not even those. */
export const still = (quiet: boolean): Spinner => ({
  label: () => {},
  say: quiet ? () => Effect.void : write,
  stop: Effect.void
})

/** Spins on a terminal only. Its scope stops it. */
export const spin = (text: string, quiet: boolean) =>
  quiet || !isLively() ? Effect.succeed(still(quiet)) : Effect.gen(function*() {
    let label = text
    let frame = 0
    let stopped = false
    // What is wrapped into a second line is not cleared with the first. Some terminals wrap behind the last column.
    const draw = Effect.suspend(() =>
      stderr.write(
        `${clearLine}${paint.dim(`${frames[frame++ % frames.length]} ${shortened(label, lineWidth() - 3)}`)}`
      )
    )
    const fiber = yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("80 millis")))
    const stop = Effect.suspend(() => {
      if (stopped) return Effect.void
      stopped = true
      return Effect.zipRight(Fiber.interrupt(fiber), stderr.write(clearLine))
    })
    yield* Effect.addFinalizer(() => stop)
    const spinner: Spinner = {
      label: (text) => {
        label = text
      },
      say: (line) =>
        Effect.suspend(() => Effect.zipRight(stopped ? Effect.void : stderr.write(clearLine), write(line))),
      stop
    }
    return spinner
  })
