/** A run as the person or the next program reads it. */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cursor from "../Cursor.ts"
import * as Run from "../Run.ts"
import type { ResumeError } from "../RunError.ts"
import type { RunEvent, Usage } from "../RunEvent.ts"
import type { ThreadId } from "../Thread.ts"
import { type CliError, incomplete } from "./CliError.ts"
import { exitCodes } from "./exitCodes.ts"
import { exitCodeOf, type Failure } from "./failure.ts"
import * as Pending from "./pending.ts"
import type { Spinner } from "./spinner.ts"
import { type AnswerSink, lineWidth, stderr } from "./terminal.ts"
import * as ToolLines from "./toolLines.ts"

/** `output` is the answer as JSON of a schema, once it is checked. */
export type Format = "text" | "output" | "json" | "events"

export interface Rendering {
  readonly format: Format
  /** Where the answer goes; everything else goes to standard error. */
  readonly answer: AnswerSink
  readonly usage: boolean
  /** Whether the calls of tools are told as they come. */
  readonly tools: boolean
  /** Stopped before anything else is said. */
  readonly spinner: Spinner
  /** Hears each event before it is shown. */
  readonly hear: (event: RunEvent) => void
  /** Whether each event comes with the cursor behind it: the run is in the background, and can be gone on with. */
  readonly withCursors?: boolean | undefined
}

/** The version of what `--json` and `--events` print. */
const v = 1

/** Prints a run as it comes. Fails as the run does, and with exit code 6 where it ended without a whole answer. */
export const render = (
  run: Stream.Stream<RunEvent, ResumeError>,
  threadId: ThreadId,
  rendering: Rendering
): Effect.Effect<void, ResumeError | CliError> =>
  Effect.gen(function*() {
    const { answer, format, spinner } = rendering
    const text = plainText(answer)
    const line = (object: object) => answer.write(`${JSON.stringify({ v, ...object })}\n`)
    const encodeEvent = format === "events" ? yield* eventEncoder : undefined
    const cursorOf = (event: RunEvent) =>
      rendering.withCursors === true ? { cursor: Cursor.encode(Cursor.fromEvent(event)) } : {}
    const toolLine = ToolLines.make()
    let seen = ""
    let last: RunEvent | undefined
    const refusals: Array<string> = []

    const show = (delta: string) =>
      format !== "text" || delta === "" ? Effect.void : Effect.zipRight(spinner.stop, text.write(delta))

    /** Something else is said in the middle of the text. */
    const aside = (line: string) => Effect.zipRight(text.interrupt, spinner.say(line))

    const onEvents = (events: ReadonlyArray<RunEvent>) =>
      Effect.gen(function*() {
        let delta = ""
        const flush = Effect.suspend(() => {
          const text = delta
          seen += text
          delta = ""
          return show(text)
        })
        for (const event of events) {
          last = event
          rendering.hear(event)
          if (event._tag === "TextDelta") delta += event.delta
          else if (event._tag === "RefusalCompleted") refusals.push(event.refusal)
          else if (event._tag === "HostedToolProgress") spinner.label(`${event.tool}: ${event.phase}`)
          else if (event._tag === "RunQueued") {
            yield* spinner.say(`The thread is in use; ${event.place} before this one.`)
          } else if (event._tag === "Reconnected") {
            yield* flush
            yield* aside("The connection was lost; there is another one.")
          } else if (event._tag === "RunCompleted" && seen === "" && delta === "") delta = event.text
          if (event._tag === "StepStarted") yield* Effect.zipRight(flush, text.begin)
          if (event._tag === "ApprovalRequested") {
            // Somebody may be asked next.
            yield* flush
            yield* Effect.zipRight(spinner.stop, text.interrupt)
          }
          if (!rendering.tools) continue
          const told = toolLine(event, yield* Clock.currentTimeMillis, lineWidth())
          if (told !== undefined) yield* Effect.zipRight(flush, aside(told))
        }
        yield* flush
        if (encodeEvent !== undefined) {
          yield* spinner.stop
          const lines = events.map((event) => JSON.stringify({ v, ...encodeEvent(event), ...cursorOf(event) }))
          yield* answer.write(lines.map((line) => `${line}\n`).join(""))
        }
      })

    const endOfText = (isWhole: boolean) =>
      Effect.suspend(() => Effect.zipRight(spinner.stop, format === "text" ? text.end(isWhole) : Effect.void))

    const onFailure = (cause: Cause.Cause<ResumeError | CliError>) =>
      Effect.zipRight(endOfText(false), printFailure(format, answer, cause, { threadId, last, text: seen }))

    const events = Stream.mapChunksEffect(run, (chunk) => Effect.as(onEvents(Chunk.toReadonlyArray(chunk)), chunk))
    const result = yield* Effect.onError(
      Run.result(events),
      // Where this cannot be written either, the run's own error is the one to tell.
      (cause) => Effect.ignore(onFailure(cause))
    )
    yield* endOfText(true)
    if (format === "json") {
      const { messages, output, pending, status, text, usage } = result
      yield* line({ threadId, runId: last?.runId, status, text, output, messages, usage, pending })
    }
    if (format === "output" && result.status === "completed") {
      yield* answer.write(`${JSON.stringify(result.output, null, answer.isTerminal() ? 2 : 0)}\n`)
    }
    if (rendering.usage) yield* stderr.write(`${usageLine(result.usage)}\n`)
    if (result.status === "requires_action") {
      return yield* Pending.failure(threadId, result.pending)
    }
    if (refusals.length > 0) return yield* refused(refusals)
  }).pipe(Effect.catchTag("OutputRefused", ({ refusal }) => refused([refusal])))

/** What is printed of a run that did not come to its end, or not to its beginning: a program has something to read too. */
export const printFailure = (
  format: Format,
  answer: AnswerSink,
  cause: Cause.Cause<Failure>,
  { last, text = "", threadId }: {
    readonly threadId: ThreadId | undefined
    readonly last?: RunEvent | undefined
    readonly text?: string | undefined
  }
): Effect.Effect<void, CliError> => {
  const { shown, status } = errorOf(cause)
  const runId = last?.runId
  const object = format === "json"
    ? { threadId, runId, status, text, error: shown }
    : format === "events"
    ? { type: "Error", seq: (last?.sequence ?? -1) + 1, threadId, runId, error: shown }
    : undefined
  return object === undefined ? Effect.void : answer.write(`${JSON.stringify({ v, ...object })}\n`)
}

/** The schemas of all events are loaded for those who print them. */
const eventEncoder = Effect.map(Effect.promise(() => import("./eventEncoder.ts")), ({ encodeEvent }) => encodeEvent)

const refused = (refusals: ReadonlyArray<string>) => incomplete(`the model refused: ${refusals.join(" ")}`)

/** A text that ends with one line break, however many the model sent. */
const plainText = (answer: AnswerSink) => {
  let written = false
  let isMidLine = false
  let held = ""
  return {
    write: (delta: string) => {
      const text = held + delta
      const whole = text.replace(/[\r\n]+$/, "")
      held = text.slice(whole.length)
      if (whole === "") return Effect.void
      written = true
      isMidLine = true
      return answer.write(whole)
    },
    /** What comes now is no part of the same message. */
    begin: Effect.sync(() => {
      if (written && held === "") held = "\n"
    }),
    /** Where both are on one terminal, what standard error has to say begins a line. */
    interrupt: Effect.suspend(() => {
      const breaks = isMidLine && answer.isTerminal() && stderr.isTerminal()
      isMidLine = false
      return breaks ? stderr.write("\n") : Effect.void
    }),
    /** An answer without a text is written too, where it came to its end. */
    end: (isWhole: boolean) =>
      Effect.suspend(() => written || isWhole ? answer.write(written ? "\n" : "") : Effect.void)
  }
}

const errorOf = (cause: Cause.Cause<Failure>) => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (error === undefined) {
    return Cause.isInterrupted(cause)
      ? {
        status: "cancelled",
        shown: { tag: "Cancelled", message: "the run was cancelled", exitCode: exitCodes.interrupted }
      }
      : { status: "failed", shown: { tag: "Unexpected", message: "unexpected", exitCode: exitCodes.unexpected } }
  }
  const reason = error._tag === "OutputInvalid" ? error.reason : undefined
  const requestId = "requestId" in error ? error.requestId : undefined
  return {
    status: error._tag === "RunIncomplete" ? "incomplete" : "failed",
    shown: { tag: error._tag, message: error.message, reason, requestId, exitCode: exitCodeOf(error) }
  }
}

const usageLine = ({ cachedInput, input, output, reasoning, total }: Usage) =>
  `tokens: ${input} input (${cachedInput} cached), ${output} output (${reasoning} reasoning), ${total} in total`
