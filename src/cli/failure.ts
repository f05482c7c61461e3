/** What a command fails with, and the exit code of each. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { AssistantsFileInvalid } from "../Assistants.ts"
import type { ResumeError } from "../RunError.ts"
import type { CliError } from "./CliError.ts"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { escaped } from "./terminal.ts"

/** Everything that a command fails with. */
export type Failure = CliError | ResumeError | AssistantsFileInvalid

const byTag: Record<Exclude<Failure["_tag"], "CliError" | "InvalidInput">, ExitCode> = {
  AssistantNotFound: exitCodes.usage,
  AssistantsFileInvalid: exitCodes.configuration,
  AuthenticationError: exitCodes.configuration,
  PermissionDenied: exitCodes.configuration,
  ResourceNotFound: exitCodes.failed,
  InvalidRequest: exitCodes.failed,
  RateLimited: exitCodes.limited,
  QuotaExceeded: exitCodes.limited,
  ServerError: exitCodes.failed,
  ConnectionFailed: exitCodes.failed,
  ConnectionLost: exitCodes.failed,
  TimedOut: exitCodes.failed,
  UnexpectedResponse: exitCodes.failed,
  PartlyWritten: exitCodes.failed,
  ThreadNotFound: exitCodes.failed,
  ThreadBusy: exitCodes.busy,
  ThreadConflict: exitCodes.busy,
  StoreFailed: exitCodes.failed,
  Unsupported: exitCodes.failed,
  ContextOverflow: exitCodes.failed,
  HistoryRejected: exitCodes.failed,
  RunFailed: exitCodes.failed,
  RunIncomplete: exitCodes.incomplete,
  RunCancelled: exitCodes.failed,
  ToolFailed: exitCodes.failed,
  TooManySteps: exitCodes.failed,
  NotResumable: exitCodes.failed,
  OutputRefused: exitCodes.incomplete,
  OutputInvalid: exitCodes.failed
}

/** The inputs that come from the configuration, and not from the command line. */
const configured = new Set(["apiKey", "baseUrl", "model"])

/** Whether the thread waits for an answer that somebody has to give. */
export const isWaiting = (error: Failure): boolean => error._tag === "ThreadBusy" && error.why === "requires_action"

/** What to do about it, where its message does not say. */
export const hintOf = (error: Failure): string | undefined =>
  error._tag === "CliError"
    ? error.hint
    : error._tag === "ResourceNotFound" && error.resource === "endpoint"
    ? "A base URL mostly ends with /v1."
    : error._tag === "ResourceNotFound" && error.resource === "model"
    ? "Name another one with -m or in OPENAI_MODEL."
    : isWaiting(error)
    ? "Decide an approval with ask --approve always (or never); go on without it with ask --close-pending, in a chat with /retry."
    : error._tag === "OutputInvalid"
    ? escaped(error.reason)
    : undefined

/** Whether there is an answer in the thread, though it may not be the one that was wanted. */
export const hasAnswer = (exit: Exit.Exit<unknown, Failure>): boolean =>
  Exit.isSuccess(exit) ||
  Option.exists(
    Cause.failureOption(exit.cause),
    ({ _tag }) => ["CliError", "RunIncomplete", "OutputRefused", "OutputInvalid"].includes(_tag)
  )

export const exitCodeOf = (error: Failure): ExitCode =>
  error._tag === "CliError"
    ? error.exitCode
    : error._tag === "InvalidInput"
    ? configured.has(error.field) ? exitCodes.configuration : exitCodes.usage
    : error._tag === "PartlyWritten"
    ? exitCodeOf(error.cause)
    : byTag[error._tag] ?? exitCodes.unexpected
