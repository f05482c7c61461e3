/** What the person reads when something failed: what happened, what to do. No stack unless it is asked for. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { exitCodeOf, type Failure, hintOf } from "./failure.ts"
import { hide } from "./secrets.ts"
import { paint } from "./streams.ts"
import { harmless, stderr } from "./terminal.ts"

/** In one line. A part of it may come from the server or the model. */
const oneLine = (text: string) => harmless(text.trim().replaceAll(/\s*\n\s*/g, " "))

const lines = (error: Failure): ReadonlyArray<string> => {
  const hint = hintOf(error)
  return [oneLine(error.message), ...(hint === undefined ? [] : [`  ${hint}`])]
}

/** Says why it failed, and gives the exit code for it. */
export const report = (cause: Cause.Cause<Failure>, debug: boolean): Effect.Effect<ExitCode> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.succeed(exitCodes.interrupted)
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  const said = failure === undefined
    ? [
      `unexpected: ${oneLine(Cause.prettyErrors(cause)[0]?.message ?? "unknown")}`,
      "  --debug shows where it comes from."
    ]
    : lines(failure)
  // What did not fit was paid for, and may be of use.
  const raw = failure?._tag === "OutputInvalid" ? ["The answer was:", harmless(failure.raw)] : []
  const stack = debug ? [Cause.pretty(cause, { renderErrorCause: true })] : []
  return Effect.as(
    stderr.write(hide([`${paint.red("error:")} ${said.join("\n")}`, ...raw, ...stack, ""].join("\n"))),
    failure === undefined ? exitCodes.unexpected : exitCodeOf(failure)
  )
}
