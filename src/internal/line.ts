/**
 * The line to the server that an answer comes by: what is let go with it, and streams that are opened on a line.
 *
 * As a `Scope` with what it holds, but for plain functions, so that beginning and ending one takes no operations.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { RequestError } from "../OpenAIError.ts"
import { type Policy, RetryPolicy } from "../RetryPolicy.ts"
import { type Limits, Timeouts } from "../Timeouts.ts"
import * as Pull from "./pull.ts"

type End = (exit: Exit.Exit<unknown, unknown>) => void

export class Line {
  readonly #ends = new Set<End>()
  #exit: Exit.Exit<unknown, unknown> | undefined

  get hasEnded(): boolean {
    return this.#exit !== undefined
  }

  /** Calls it when the line ends, or at once; the function that it gives takes it back. */
  add(end: End): () => void {
    if (this.#exit !== undefined) end(this.#exit)
    else this.#ends.add(end)
    return () => void this.#ends.delete(end)
  }

  /** The last that was added ends first. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    this.#exit ??= exit
    const ends = Array.from(this.#ends).toReversed()
    this.#ends.clear()
    for (const end of ends) end(exit)
  }
}

/** A line that ends with the scope. */
export const scoped: Effect.Effect<Line, never, Scope.Scope> = Effect.flatMap(Effect.scope, (scope) => {
  const line = new Line()
  return Effect.as(Scope.addFinalizerExit(scope, (exit) => Effect.sync(() => line.end(exit))), line)
})

/** Does something on a line that ends with it. */
export const using = <A, E, R>(f: (line: Line) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const line = new Line()
    return Effect.onExit(f(line), (exit) => Effect.sync(() => line.end(exit)))
  })

/** A span that ends with the line. */
export const span = (
  line: Line,
  name: string,
  attributes: Readonly<Record<string, unknown>>,
  kind: Tracer.SpanKind
): Effect.Effect<Tracer.Span> =>
  Effect.uninterruptible(Effect.withFiberRuntime((fiber) => {
    const clock = Context.get(fiber.currentDefaultServices, Clock.Clock)
    const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
    const options = { kind, captureStackTrace: false, attributes } as const
    return Effect.tap(Effect.makeSpan(name, options), (span) => {
      line.add((exit) => {
        if (span.status._tag === "Started") span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit)
      })
    })
  }))

/** What a stream is opened on, and what it would find in its context otherwise. */
export interface Terms {
  readonly line: Line
  readonly policy: Policy
  readonly limits: Limits
}

type OpenOn<A> = (terms: Terms) => Effect.Effect<Pull.Pull<A, RequestError>, RequestError>

const OpenOnId: unique symbol = Symbol.for("effect-openai-threads/OpenOn")

export const toStream = <A>(openOn: OpenOn<A>): Stream.Stream<A, RequestError> => {
  const open = Effect.flatMap(
    scoped,
    (line) =>
      Effect.contextWithEffect((context: Context.Context<never>) =>
        openOn({ line, policy: Context.get(context, RetryPolicy), limits: Context.get(context, Timeouts) })
      )
  )
  return Object.assign(Pull.toStream(open), { [OpenOnId]: openOn })
}

/** How to open it, unless it was made otherwise, or was transformed since. */
export const openOn = <A>(stream: Stream.Stream<A, RequestError>): OpenOn<A> | undefined =>
  OpenOnId in stream ? stream[OpenOnId] as OpenOn<A> : undefined
