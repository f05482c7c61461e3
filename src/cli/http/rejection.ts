/**
 * What the server said when it last rejected a request. It may quote what was sent, so that no error has it: it is shown
 * to the person who asks for it with `--debug`, and to nobody else.
 */
import * as Predicate from "effect/Predicate"

interface Rejection {
  readonly requestId: string | undefined
  readonly body: string
}

let last: Rejection | undefined

export const note = (rejection: Rejection) => {
  last = rejection
}

/** Another request is sent. */
export const forget = () => {
  last = undefined
}

/** The server's own words about the request that an error is about. */
export const wordsAbout = (requestId: string | undefined): string | undefined => {
  if (last === undefined || last.requestId !== requestId) return undefined
  try {
    const body: unknown = JSON.parse(last.body)
    const error = Predicate.isRecord(body) ? body["error"] : undefined
    const message = Predicate.isRecord(error) ? error["message"] : error
    return typeof message === "string" && message !== "" ? message : undefined
  } catch {
    return undefined
  }
}
