/**
 * What to do with the events of a run. A run's stream that was not transformed is drained without the machinery of
 * `Stream`, which is faster and otherwise the same.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Stream from "effect/Stream"
import * as Pull from "./internal/pull.ts"
import { ConnectionLost } from "./OpenAIError.ts"
import type { Of, Pending, RunEvent, Tag, Usage } from "./RunEvent.ts"
import type { Message } from "./Thread.ts"

/**
 * What a run came to.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunResult<A = undefined> {
  readonly status: "completed" | "requires_action"
  /** What the run waits for; `Threads.submit` answers it. */
  readonly pending: ReadonlyArray<Pending>
  /** The model's messages. */
  readonly messages: ReadonlyArray<Message>
  /** The text of those of the last step. */
  readonly text: string
  /** That text decoded, where the run has an `output` schema. */
  readonly output: A
  readonly usage: Usage
  /** How many responses it took. */
  readonly steps: number
}

/**
 * The text as it comes, piece by piece.
 *
 * @since 0.1.0
 * @category combinators
 */
export const deltas = <E, R>(run: Stream.Stream<RunEvent, E, R>): Stream.Stream<string, E, R> =>
  Stream.flattenIterables(
    Stream.map(Stream.chunks(run), (chunk) => {
      const texts: Array<string> = []
      for (const event of chunk) if (event._tag === "TextDelta") texts.push(event.delta)
      return texts
    })
  )

/**
 * A file that code has left in its container, and that a message names. Its bytes: `OpenAI.files.content(file)`.
 *
 * @since 0.1.0
 * @category models
 */
export interface OutputFile {
  readonly containerId: string
  readonly fileId: string
  readonly filename: string | undefined
}

/**
 * The files that a run has made with the code interpreter, as far as its messages name them, each once. A container is
 * gone 20 minutes after it was last used, so read them soon. Source: OpenAI's guide "Code Interpreter".
 *
 * @since 0.1.0
 * @category accessors
 */
export const files = (run: { readonly messages: ReadonlyArray<Message> }): ReadonlyArray<OutputFile> => {
  const found = new Map<string, OutputFile>()
  for (const { content } of run.messages) {
    for (const part of content) {
      if (part._tag !== "Text") continue
      for (const { containerId, fileId, filename } of part.annotations) {
        if (containerId !== undefined && fileId !== undefined) {
          found.set(`${containerId}/${fileId}`, { containerId, fileId, filename })
        }
      }
    }
  }
  return [...found.values()]
}

type OutputOf<Event> = Extract<Event, { readonly _tag: "RunCompleted" }> extends { readonly output: infer A } ? A
  : undefined

/** Reads a run to its end; `f` may look at what comes, and holds the stream back while its effect runs. */
const drain = <Event extends RunEvent, E, R, E2 = never, R2 = never>(
  run: Stream.Stream<Event, E, R>,
  f?: (events: ReadonlyArray<RunEvent>) => Effect.Effect<unknown, E2, R2> | void
): Effect.Effect<RunResult<OutputOf<Event>>, E | E2 | ConnectionLost, R | R2> =>
  Effect.suspend(() => {
    let completed: Of<"RunCompleted"> | undefined
    const read = Pull.forEachArray(run, (events) => {
      const last = events[events.length - 1]
      if (last?._tag === "RunCompleted") completed = last
      return f?.(events)
    })
    return Effect.flatMap(read, () => {
      if (completed === undefined) {
        return Effect.fail(new ConnectionLost({ phase: "stream", how: "eof", accepted: "unknown" }))
      }
      const { messages, output, pending, status, step, text, usage } = completed
      return Effect.succeed({
        status,
        pending,
        messages,
        text,
        output: output as OutputOf<Event>,
        usage,
        steps: step + 1
      })
    })
  })

/**
 * Reads a run to its end. A stream that ends without `RunCompleted`, which a run's own never does, is a lost one.
 *
 * @since 0.1.0
 * @category terminals
 */
export const result = <Event extends RunEvent, E, R>(
  run: Stream.Stream<Event, E, R>
): Effect.Effect<RunResult<OutputOf<Event>>, E | ConnectionLost, R> => drain(run)

/**
 * Reads a run to its end and gives the whole text: that of the response itself, not the deltas put together.
 *
 * @since 0.1.0
 * @category terminals
 */
export const text = <E, R>(run: Stream.Stream<RunEvent, E, R>): Effect.Effect<string, E | ConnectionLost, R> =>
  Effect.map(result(run), ({ text }) => text)

/**
 * Functions for some of the events, by their names.
 *
 * @since 0.1.0
 * @category models
 */
export type Handlers = { readonly [T in Tag]?: (event: Of<T>) => Effect.Effect<unknown, unknown, unknown> }

type ErrorOf<H> = {
  [K in keyof H]: H[K] extends (...args: never) => Effect.Effect<unknown, infer E, unknown> ? E : never
}[
  keyof H
]
type ContextOf<H> = {
  [K in keyof H]: H[K] extends (...args: never) => Effect.Effect<unknown, unknown, infer R> ? R : never
}[
  keyof H
]
/** A key that is no event's name does not compile. */
type Exact<H> = H & { readonly [K in Exclude<keyof H, Tag>]: never }

/**
 * Reads a run to its end with a handler for each event that matters. Handlers run one at a time and in order, and hold
 * the stream back meanwhile. A handler's failure fails the run and closes the request.
 *
 * @since 0.1.0
 * @category terminals
 * @example
 * ```ts
 * import { Console } from "effect"
 * import { Run, type Threads, type Thread } from "effect-openai-threads"
 *
 * const print = (threads: Threads.Service, id: Thread.ThreadId) =>
 *   threads.run(id).pipe(Run.handle({ TextDelta: ({ delta }) => Console.log(delta) }))
 * ```
 */
export const handle: {
  <const H extends Handlers>(
    handlers: Exact<H>
  ): <Event extends RunEvent, E, R>(
    run: Stream.Stream<Event, E, R>
  ) => Effect.Effect<RunResult<OutputOf<Event>>, E | ErrorOf<H> | ConnectionLost, R | ContextOf<H>>
  <Event extends RunEvent, E, R, const H extends Handlers>(
    run: Stream.Stream<Event, E, R>,
    handlers: Exact<H>
  ): Effect.Effect<RunResult<OutputOf<Event>>, E | ErrorOf<H> | ConnectionLost, R | ContextOf<H>>
} = dual(
  2,
  <Event extends RunEvent, E, R, E2, R2>(
    run: Stream.Stream<Event, E, R>,
    handlers: Record<string, ((event: RunEvent) => Effect.Effect<unknown, E2, R2>) | undefined>
  ): Effect.Effect<RunResult<OutputOf<Event>>, E | E2 | ConnectionLost, R | R2> =>
    drain(run, (events) => {
      const handled = events.filter((event) => handlers[event._tag] !== undefined)
      const only = handled[0]
      if (only === undefined) return
      return handled.length === 1
        ? handlers[only._tag]!(only)
        : Effect.forEach(handled, (event) => handlers[event._tag]!(event), { discard: true })
    })
)
