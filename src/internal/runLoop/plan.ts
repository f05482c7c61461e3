/** What is decided about a run before its thread is ours, and the words that its stages share. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Response, ResponseCreateParamsStreaming } from "openai/resources/responses/responses"
import type { Cursor } from "../../Cursor.ts"
import type * as OpenAI from "../../OpenAI.ts"
import type { ResumeError, RunError } from "../../RunError.ts"
import type { Pending, RunEvent } from "../../RunEvent.ts"
import type * as RunLog from "../../RunLog.ts"
import type { ResponseId, RunId, ThreadId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import type * as ActiveRuns from "../activeRuns.ts"
import type { Answer } from "../answers.ts"
import type * as Lineage from "../lineage.ts"
import type { outcome } from "../projection.ts"
import type * as Pull from "../pull.ts"
import type * as ToolSteps from "../toolSteps.ts"

/** A run with everything decided that can be decided before the thread is ours. */
export interface Plan {
  readonly runId: RunId
  readonly threadId: ThreadId
  readonly assistant: { readonly id: string; readonly name?: string | undefined }
  readonly params: Params
  /** Written to the thread before the model is asked. */
  readonly message: ThreadStore.WireItem | undefined
  /** What answers what waits in the thread. */
  readonly answers: ReadonlyArray<Answer>
  readonly waiting: ThreadStore.Waiting
  /** Whether the run that has the thread is to end, once this one has a place in the queue. */
  readonly interrupts: boolean
  /** What is done with calls that wait in the thread. */
  readonly onPending: "reject" | "close"
  readonly keepPartial: boolean
  readonly idleTimeout: Duration.DurationInput | undefined
  /** From `RunStarted` on. */
  readonly timeout: Duration.DurationInput | undefined
  /** What the program does itself of what the model asks for. */
  readonly tools: ToolSteps.Tools | undefined
  /** Turns the text of the last step into the run's output. */
  readonly decode: ((result: Outcome) => Effect.Effect<unknown, RunError>) | undefined
  /** Whether its answers are cancelled when its reader stops; without a connection only those in the background go on. */
  readonly cancelOnStop: boolean
  /** What other processes can know of the run. */
  readonly log: RunLog.Service
  /** Who this is, here and for the log. */
  readonly owner: string
  /** Where it goes on, if it was begun before. */
  readonly from: From | undefined
}

/** What each of its requests asks for. */
export type Params = Omit<ResponseCreateParamsStreaming, "stream"> & { readonly model: string }

/** A run that was begun before, by this process or another. */
export interface From {
  readonly cursor: Cursor
  /** The response of the cursor's step, as it was found. */
  readonly response: Response
  /** Of the steps before that one. */
  readonly before: Lineage.Before
  readonly steps: ReadonlyArray<ResponseId>
  /** Who drives the run, if somebody does: then it is only read along. */
  readonly leader: ActiveRuns.Leader | undefined
  /** There is nothing left to do, so that it is told without the thread's lock. */
  readonly isSettled: boolean
  /** What the calls of its steps gave, as far as it is known. */
  readonly outputOf: ActiveRuns.OutputOf
}

/** What runs need of the program. */
export interface Services {
  readonly openai: OpenAI.Service
  readonly store: ThreadStore.Service
  readonly active: ActiveRuns.ActiveRuns
}

/** A stage of a run: gives the next events, and says what comes after them. */
export type RunPull = Pull.Pull<RunEvent, ResumeError>

/** What a step came to. */
export type Outcome = Omit<ReturnType<typeof outcome>, "pending"> & { readonly pending: ReadonlyArray<Pending> }

/** A turn with the one who took it. */
export type Turn = ThreadStore.Turn & { readonly writer: ThreadStore.Writer }

/** Whoever reads along writes nothing. */
export const readingAlong: Turn = {
  params: {},
  commit: () => Effect.void,
  writer: {
    append: () => Effect.succeed([]),
    answer: () => Effect.void,
    pending: Effect.succeed([]),
    reconcile: () => Effect.succeed({ closed: [], removed: [] }),
    turn: () => Effect.succeed(readingAlong)
  }
}

/** A turn whose answer is in the thread already. */
export const committed = (turn: Turn): Turn => ({ ...turn, commit: () => Effect.void })
