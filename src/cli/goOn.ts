/** The commands that go on with what was begun. They work as they are printed, but for a text that only a person has. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { RunEvent } from "../RunEvent.ts"
import type { ThreadId } from "../Thread.ts"
import { type Failure, hasAnswer, isWaiting } from "./failure.ts"

const asking = (id: ThreadId) => `openai-threads ask --thread ${id} "…"`

const retrying = (id: ThreadId) => `openai-threads ask --thread ${id} --retry`

export const watching = (cursor: string) => `openai-threads runs watch ${cursor}`

export const cancelling = (cursor: string) => `openai-threads runs cancel ${cursor}`

/** Hears a run, to say afterwards how its thread goes on; `isAsked` is whether the question is in the thread already. */
export const listener = (isAsked: boolean) => {
  let isPending = false
  return {
    hear: (event: RunEvent) => {
      if (event._tag === "RunStarted") isAsked = true
      if (event._tag === "RunCompleted") isPending = event.pending.length > 0
    },
    /** Nothing where the error says it. */
    command: (id: ThreadId, exit: Exit.Exit<unknown, Failure>): string | undefined => {
      if (
        isPending ||
        Option.exists(Exit.causeOption(exit), (cause) => Option.exists(Cause.failureOption(cause), isWaiting))
      ) return undefined
      return isAsked && !hasAnswer(exit) ? retrying(id) : asking(id)
    }
  }
}

/** What is said at the end. */
export const line = (id: ThreadId, command: string | undefined) =>
  `Thread ${id}.${command === undefined ? "" : ` Go on with: ${command}`}`
