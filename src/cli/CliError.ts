/** What the terminal itself has to say: what happened, what to do, and the exit code that goes with it. */
import * as Data from "effect/Data"
import { type ExitCode, exitCodes } from "./exitCodes.ts"

export class CliError extends Data.TaggedError("CliError")<{
  readonly exitCode: ExitCode
  readonly message: string
  /** What to do about it, on a line of its own. */
  readonly hint?: string | undefined
}> {}

/** The command line cannot be used as it is. */
export const usage = (message: string, hint?: string): CliError =>
  new CliError({ exitCode: exitCodes.usage, message, hint })

/** Something has to be set up first. */
export const configuration = (message: string, hint?: string): CliError =>
  new CliError({ exitCode: exitCodes.configuration, message, hint })

/** There is no whole answer, though nothing broke. */
export const incomplete = (message: string, hint?: string): CliError =>
  new CliError({ exitCode: exitCodes.incomplete, message, hint })
