/** What an error of a request means for the thread it was about. */
import type { PartlyWritten, RequestError } from "../OpenAIError.ts"
import { ContextOverflow, HistoryRejected, type RunError } from "../RunError.ts"
import type { ThreadId } from "../Thread.ts"
import { ThreadBusy, type ThreadError, ThreadNotFound } from "../ThreadError.ts"

export const toThreadError = (threadId: ThreadId) => (error: RequestError | PartlyWritten): ThreadError => {
  if (error._tag === "ResourceNotFound" && error.resource === "conversation") return new ThreadNotFound({ threadId })
  if (error._tag === "InvalidRequest" && error.kind === "locked") return new ThreadBusy({ threadId, why: "locked" })
  return error
}

export const toRunError = (threadId: ThreadId) => (error: RequestError): RunError => {
  if (error._tag !== "InvalidRequest") return toThreadError(threadId)(error)
  const { kind, requestId } = error
  switch (kind) {
    case "context":
      return new ContextOverflow({ threadId, requestId })
    case "orphanCall":
    case "orphanOutput":
    case "pairing":
    case "duplicate":
      return new HistoryRejected({ threadId, why: kind, requestId })
    default:
      return toThreadError(threadId)(error)
  }
}
