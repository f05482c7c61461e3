/** What the process ends with, and what each code means. */
import type { AssistantsFileInvalid } from "../Assistants.ts"
import type { RunError } from "../RunError.ts"
import type { CliError } from "./CliError.ts"

export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  configuration: 3,
  failed: 4,
  limited: 5,
  incomplete: 6,
  busy: 7,
  interrupted: 130
} as const

export type ExitCode = typeof exitCodes[keyof typeof exitCodes]

/** For `--help`. */
export const meanings: ReadonlyArray<readonly [code: ExitCode, meaning: string]> = [
  [0, "all went well"],
  [1, "unexpected: a defect of this program"],
  [2, "usage: an option, an argument or a file that cannot be used"],
  [3, "configuration or authentication"],
  [4, "OpenAI or the run failed"],
  [5, "rate limit or quota"],
  [6, "incomplete: cut off, refused, or waiting for a tool"],
  [7, "the thread is busy"],
  [130, "interrupted"]
]

/** Everything that a command fails with. */
export type Failure = CliError | RunError | AssistantsFileInvalid

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
  RunCancelled: exitCodes.failed
}

/** The inputs that come from the configuration, and not from the command line. */
const configured = new Set(["apiKey", "baseUrl", "model"])

export const exitCodeOf = (error: Failure): ExitCode =>
  error._tag === "CliError"
    ? error.exitCode
    : error._tag === "InvalidInput"
    ? configured.has(error.field) ? exitCodes.configuration : exitCodes.usage
    : error._tag === "PartlyWritten"
    ? exitCodeOf(error.cause)
    : byTag[error._tag] ?? exitCodes.unexpected
