/**
 * Calls of a toolkit's tools: what a model wrote is decoded, the handler runs, and whatever happens becomes a text for the
 * model and an event for the program.
 */
import * as AiTool from "@effect/ai/Tool"
import type * as Toolkit from "@effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import type { FunctionCall } from "../Thread.ts"
import { annotation, type Declaration } from "./declare.ts"
import { issuesOf } from "./issues.ts"
import * as Telemetry from "./telemetry.ts"
import { after } from "./timer.ts"
import { NeedsApproval, Timeout } from "./toolAnnotations.ts"

/** What a call came to. */
export interface Outcome {
  /** What the model is told. */
  readonly output: string
  readonly isFailure: boolean
  /** What the handler gave; undefined where it gave nothing. */
  readonly result?: unknown
  /** A declared failure of a tool whose failures end the run. */
  readonly failure?: { readonly error: unknown } | undefined
  /** A defect, or that it took too long. */
  readonly cause?: Cause.Cause<unknown> | undefined
}

export interface ToolCalls {
  /** Whether the program can answer a call of this name. Of one that nobody declared the model is told so. */
  readonly answers: (name: string) => boolean
  readonly needsApproval: (call: FunctionCall) => Effect.Effect<boolean>
  /** Whether its tool does no harm when it runs twice. */
  readonly mayRepeat: (name: string) => boolean
  readonly run: (call: FunctionCall) => Effect.Effect<Outcome>
}

const told = (output: string): Outcome => ({ output, isFailure: true })

const textOf = (encoded: unknown): string =>
  typeof encoded === "string" ? encoded : JSON.stringify(encoded === undefined ? null : encoded) ?? "null"

/** `Toolkit.handle` of `@effect/ai` 0.37 writes the parameters on its span. They are content, and stay off it. */
const withoutParameters = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (name, parent, context, links, startTime, kind, options) => {
      const span = tracer.span(name, parent, context, links, startTime, kind, options)
      if (name !== "Toolkit.handle") return span
      const attribute = span.attribute.bind(span)
      return Object.assign(span, {
        attribute: (key: string, value: unknown) => {
          if (key !== "parameters") attribute(key, value)
        }
      })
    },
    context: (f, fiber) => tracer.context(f, fiber)
  })

export const make = (
  toolkit: Toolkit.WithHandler<Record<string, AiTool.Any>>,
  declarations: ReadonlyArray<Declaration>,
  options: {
    /** Names of functions that the program declares as data, and answers by `submit`. */
    readonly declaredElsewhere: ReadonlySet<string>
    readonly context: Context.Context<never>
    readonly timeout: Duration.DurationInput
  }
): ToolCalls => {
  const functions = new Map(declarations.flatMap((one) => one.input === undefined ? [] : [[one.name, one] as const]))
  const elsewhere = new Set([
    ...options.declaredElsewhere,
    ...declarations.flatMap(({ input, name }) => input === undefined ? [name] : [])
  ])

  /** What was decoded already, to find out whether it needs approval. */
  const known = new WeakMap<FunctionCall, Either.Either<Decoded, string>>()

  /** The parameters as the handler's own decoding takes them, or what is wrong with them. */
  const decode = ({ input, tool }: Declaration, text: string): Effect.Effect<Either.Either<Decoded, string>> =>
    Effect.suspend(() => {
      let sent: unknown
      try {
        sent = JSON.parse(text === "" ? "{}" : text)
      } catch {
        return Effect.succeed(Either.left("they are not valid JSON"))
      }
      const encoded = input!.restore(sent)
      return Schema.decodeUnknown(tool.parametersSchema as Schema.Schema.AnyNoContext)(encoded, { errors: "all" }).pipe(
        Effect.map((parameters) => ({ encoded, parameters: parameters as unknown })),
        Effect.mapError((error) => issuesOf(error).join("\n")),
        Effect.either
      )
    }).pipe(Effect.mapInputContext((input: Context.Context<never>) => Context.merge(options.context, input)))

  const handle = ({ name, tool }: Declaration, encoded: unknown): Effect.Effect<Outcome> => {
    const timeout = annotation(tool, Timeout) ?? options.timeout
    const isDeclared = Schema.is(tool.failureSchema as Schema.Schema.AnyNoContext)
    const handled = Effect.suspend(() => toolkit.handle(name, encoded as never)) as Effect.Effect<
      AiTool.HandlerResult<AiTool.Any>,
      unknown
    >
    return handled.pipe(
      Effect.map(({ encodedResult, isFailure, result }): Outcome => ({
        output: textOf(encodedResult),
        isFailure,
        result
      })),
      Effect.mapInputContext((input: Context.Context<never>) => Context.merge(options.context, input)),
      (effect) => Effect.flatMap(Effect.tracer, (tracer) => Effect.withTracer(effect, withoutParameters(tracer))),
      within(timeout, (): Outcome => ({
        ...told(
          `The tool took longer than ${
            Duration.format(timeout)
          } and was stopped. Whether it had an effect is not known.`
        ),
        cause: Cause.fail(new Cause.TimeoutException(`Tool "${name}" took longer than ${Duration.format(timeout)}`))
      })),
      Effect.catchAllCause((cause): Effect.Effect<Outcome> => {
        const failure = Cause.failureOption(cause)
        if (Option.isSome(failure) && isDeclared(failure.value)) {
          return Effect.map(
            Effect.option(Schema.encodeUnknown(tool.failureSchema as Schema.Schema.AnyNoContext)(failure.value)),
            (encoded) => ({
              ...told(Option.match(encoded, { onNone: () => failed, onSome: textOf })),
              result: failure.value,
              failure: { error: failure.value }
            })
          )
        }
        return Effect.succeed({ ...told(failed), cause })
      })
    )
  }

  return {
    answers: (name) => !elsewhere.has(name),
    mayRepeat: (name) => {
      const tool = functions.get(name)?.tool
      return tool !== undefined && (annotation(tool, AiTool.Idempotent) || annotation(tool, AiTool.Readonly))
    },
    needsApproval: (call) => {
      const declaration = functions.get(call.name)
      if (declaration === undefined) return Effect.succeed(false)
      const needs = annotation(declaration.tool, NeedsApproval)
      if (typeof needs === "boolean") return Effect.succeed(needs)
      return decode(declaration, call.arguments).pipe(
        Effect.tap((decoded) => void known.set(call, decoded)),
        Effect.map(Either.match({ onLeft: () => false, onRight: ({ parameters }) => needs(parameters) })),
        // A doubt is no permission.
        Effect.catchAllCause(() =>
          Effect.as(
            Effect.logWarning(`Whether a call of the tool "${call.name}" needs approval could not be found out`),
            true
          )
        )
      )
    },
    run: (call) =>
      Effect.gen(function*() {
        const declaration = functions.get(call.name)
        if (declaration === undefined) {
          return told(`There is no tool "${call.name}". There are: ${Array.from(functions.keys()).join(", ")}.`)
        }
        const decoded = known.get(call) ?? (yield* decode(declaration, call.arguments))
        return Either.isLeft(decoded)
          ? told(`The tool was not called, because of its arguments:\n${decoded.left}`)
          : yield* handle(declaration, decoded.right.encoded)
      }).pipe(
        Effect.catchAllCause((cause) => Effect.succeed({ ...told(failed), cause })),
        Effect.withSpan(`execute_tool ${call.name}`, {
          captureStackTrace: false,
          attributes: Telemetry.toolStart(call)
        })
      )
  }
}

/**
 * Gives up a handler that takes too long, or that nobody waits for any more. It is interrupted then, and one that cannot
 * be holds nobody.
 */
const within = <A>(time: Duration.DurationInput, onTimeout: () => A) => <E, R>(handled: Effect.Effect<A, E, R>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.zip(Effect.clock, Effect.forkDaemon(restore(handled))), ([clock, fiber]) => {
      const giveUp = () => fiber.unsafeInterruptAsFork(FiberId.none)
      const waited = Effect.async<A, E>((resume) => {
        const stop = after(clock, Duration.decode(time), () => {
          resume(Effect.sync(onTimeout))
          giveUp()
        })
        fiber.addObserver((exit) => {
          stop()
          resume(exit)
        })
        return Effect.sync(stop)
      })
      return Effect.onInterrupt(restore(waited), () => Effect.sync(giveUp))
    })
  )

interface Decoded {
  readonly encoded: unknown
  readonly parameters: unknown
}

/** No word of the defect: what is in it is not for the model. */
const failed = "The tool failed unexpectedly."

/** Of a run without a toolkit: whatever is called waits for the program. */
export const none: ToolCalls = {
  answers: () => false,
  needsApproval: () => Effect.succeed(false),
  mayRepeat: () => false,
  run: (call) => Effect.succeed(told(`There is no tool "${call.name}".`))
}
