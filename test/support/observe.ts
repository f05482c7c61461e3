import type { RunError, RunEvent } from "effect-openai-threads"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"

/** Everything that a reader of a run sees: its events, and how it ended. */
export interface Seen<E> {
  readonly events: ReadonlyArray<RunEvent.RunEvent>
  readonly tags: ReadonlyArray<string>
  readonly error: E | undefined
  readonly defect: unknown
}

export const observe = <E, R>(run: Stream.Stream<RunEvent.RunEvent, E, R>): Effect.Effect<Seen<E>, never, R> =>
  Effect.gen(function*() {
    const events: Array<RunEvent.RunEvent> = []
    const exit = yield* Effect.exit(Stream.runForEach(run, (event) => Effect.sync(() => void events.push(event))))
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    const defect = Exit.isFailure(exit) && error === undefined ? Cause.pretty(exit.cause) : undefined
    return { events, tags: events.map((event) => event._tag), error, defect }
  })

/** Law 1: what is wrong with an end, or nothing. */
export const badEnd = (seen: Seen<RunError.RunError>): string | undefined => {
  const ends = seen.tags.filter((tag) => tag === "RunCompleted").length
  if (seen.defect !== undefined) return `it died: ${String(seen.defect)}`
  if (seen.error === undefined && ends !== 1) return `${ends} ends and no error`
  if (seen.error !== undefined && ends !== 0) return "an end and an error"
  if (ends === 1 && seen.tags.at(-1) !== "RunCompleted") return "something after the end"
  const gap = seen.events.findIndex((event, index) => event.sequence !== index)
  return gap === -1 ? undefined : `a gap before event ${gap}`
}

/** Keeps every span that was made. */
export const collectSpans = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const events: Array<unknown> = []
      const span: Tracer.Span = {
        _tag: "Span",
        spanId: String(spans.length),
        traceId: "trace",
        name,
        parent,
        context,
        links,
        kind,
        sampled: true,
        status: { _tag: "Started", startTime },
        attributes,
        attribute: (key, value) => void attributes.set(key, value),
        event: (name, time, fields) => void events.push({ name, time, fields }),
        addLinks: () => {},
        end(endTime, exit) {
          Object.assign(span, { status: { _tag: "Ended", startTime, endTime, exit } })
        }
      }
      spans.push(span)
      return span
    },
    context: (f) => f()
  })
  return { spans, layer: Layer.setTracer(tracer) }
}

/** Keeps every line that was logged, as JSON and as text. */
export const collectLogs = () => {
  const lines: Array<string> = []
  const logger = Logger.make((options) => {
    lines.push(Logger.logfmtLogger.log(options), JSON.stringify(Logger.structuredLogger.log(options)))
  })
  return {
    lines,
    layer: Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.All))
  }
}

export const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.map(Stream.runCollect(stream), Chunk.toReadonlyArray)
