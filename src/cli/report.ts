/** What the person reads when something failed: what happened, what to do. No stack unless it is asked for. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { exitCodeOf, type Failure, hintOf } from "./failure.ts"
import * as Rejection from "./http/rejection.ts"
import { hide } from "./secrets.ts"
import { paint } from "./streams.ts"
import { harmless, stderr } from "./terminal.ts"

/** In one line. A part of it may come from the server or the model. */
const oneLine = (text: string) => harmless(text.trim().replaceAll(/\s*\n\s*/g, " "))

/** What of a rejected request its error does not tell. */
const isUntold = ({ _tag }: Failure) =>
  _tag === "InvalidRequest" || _tag === "PermissionDenied" || _tag === "HistoryRejected"

const lines = (error: Failure, debug: boolean): ReadonlyArray<string> => {
  const hint = hintOf(error)
  const words = error._tag === "CliError"
    ? undefined
    : Rejection.wordsAbout("requestId" in error ? error.requestId : undefined)
  return [
    oneLine(error.message),
    ...(hint === undefined ? [] : [`  ${hint}`]),
    ...(words === undefined
      ? []
      : debug
      ? [`  The server said: ${oneLine(words)}`]
      : isUntold(error)
      ? ["  --debug shows what the server said about it."]
      : [])
  ]
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
    : lines(failure, debug)
  // What did not fit was paid for, and may be of use.
  const raw = failure?._tag === "OutputInvalid" ? ["The answer was:", harmless(failure.raw)] : []
  const stack = debug ? [Cause.pretty(cause, { renderErrorCause: true })] : []
  return Effect.as(
    stderr.write(hide([`${paint.red("error:")} ${said.join("\n")}`, ...raw, ...stack, ""].join("\n"))),
    failure === undefined ? exitCodes.unexpected : exitCodeOf(failure)
  )
}
