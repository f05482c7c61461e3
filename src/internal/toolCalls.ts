/**
 * Calls of a toolkit's tools: what a model wrote is decoded, the handler runs, and whatever happens becomes a text for the
 * model and an event for the program.
 */
import * as AiTool from "@effect/ai/Tool"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import type * as RunLog from "../RunLog.ts"
import type { FunctionCall } from "../Thread.ts"
import { CurrentCall } from "./currentCall.ts"
import { annotation, type Declaration } from "./declare.ts"
import type { Decoded, Handler, Handlers } from "./handlers.ts"
import { issuesOf } from "./issues.ts"
import type * as JsonSchema from "./jsonSchema.ts"
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
  readonly run: (call: FunctionCall, at: RunLog.Call) => Effect.Effect<Outcome>
}

const told = (output: string): Outcome => ({ output, isFailure: true })

const textOf = (encoded: unknown): string =>
  typeof encoded === "string" ? encoded : JSON.stringify(encoded === undefined ? null : encoded) ?? "null"

interface Options {
  /** Names of functions that the program declares as data, and answers by `submit`. */
  readonly declaredElsewhere: ReadonlySet<string>
  readonly context: Context.Context<never>
  readonly timeout: Duration.DurationInput
}

/** A function of the toolkit, with what all of its calls need. */
interface Fn {
  readonly tool: AiTool.Any
  readonly handler: Handler
  readonly timeout: Duration.Duration
  /** The parameters as the handler's own decoding takes them; fails with what is wrong with them. */
  readonly decode: (text: string) => Effect.Effect<Decoded, string>
}

const toFunction = (tool: AiTool.Any, input: JsonSchema.Wire, handler: Handler, options: Options): Fn => {
  const decodeUnknown = ParseResult.decodeUnknown(tool.parametersSchema as Schema.Schema.AnyNoContext)
  return {
    tool,
    handler,
    timeout: Duration.decode(annotation(tool, Timeout) ?? options.timeout),
    decode: (text) => {
      let sent: unknown
      try {
        sent = JSON.parse(text === "" ? "{}" : text)
      } catch {
        return Either.left("they are not valid JSON")
      }
      const encoded = input.restore(sent)
      const decoded = decodeUnknown(encoded, { errors: "all" })
      // A schema without effects decodes at once.
      const inContext = Either.isEither(decoded)
        ? decoded as Effect.Effect<unknown, ParseResult.ParseIssue>
        : Effect.mapInputContext(
          decoded,
          (context: Context.Context<never>) => Context.merge(options.context, context)
        )
      return Effect.mapBoth(inContext, {
        onFailure: (issue) => issuesOf(ParseResult.parseError(issue)).join("\n"),
        onSuccess: (parameters) => ({ encoded, parameters })
      })
    }
  }
}

export const make = (
  handlers: Handlers,
  declarations: ReadonlyArray<Declaration>,
  options: Options
): ToolCalls => {
  const functions = new Map(
    declarations.flatMap(({ input, name, tool }) =>
      input === undefined ? [] : [[name, toFunction(tool, input, handlers.of(tool), options)] as const]
    )
  )
  const elsewhere = new Set([
    ...options.declaredElsewhere,
    ...declarations.flatMap(({ input, name }) => input === undefined ? [name] : [])
  ])

  /** What was decoded already, to find out whether it needs approval. */
  const known = new WeakMap<FunctionCall, Either.Either<Decoded, string>>()

  const handle = (call: RunLog.Call, { handler, timeout, tool }: Fn, decoded: Decoded, span: Tracer.Span) => {
    const handled = Effect.matchCauseEffect(Effect.suspend(() => handler.handle(decoded)), {
      onFailure: (cause) => failedWith(tool, cause),
      onSuccess: ({ encoded, isFailure, result }): Effect.Effect<Outcome> =>
        Effect.succeed({ output: textOf(encoded), isFailure, result })
    })
    return inFiber(handled, {
      change: (context) => {
        const services = new Map<string, unknown>(handler.context.unsafeMap)
        const add = (service: unknown, key: string) => void services.set(key, service)
        options.context.unsafeMap.forEach(add)
        if (context !== options.context) context.unsafeMap.forEach(add)
        return Context.unsafeMake(services.set(CurrentCall.key, call).set(Tracer.ParentSpan.key, span))
      },
      timeout,
      onTimeout: (): Outcome => {
        const time = Duration.format(timeout)
        return {
          ...told(`The tool took longer than ${time} and was stopped. Whether it had an effect is not known.`),
          cause: Cause.fail(new Cause.TimeoutException(`Tool "${tool.name}" took longer than ${time}`))
        }
      }
    })
  }

  return {
    answers: (name) => !elsewhere.has(name),
    mayRepeat: (name) => {
      const tool = functions.get(name)?.tool
      return tool !== undefined && (annotation(tool, AiTool.Idempotent) || annotation(tool, AiTool.Readonly))
    },
    needsApproval: (call) => {
      const found = functions.get(call.name)
      if (found === undefined) return Effect.succeed(false)
      const needs = annotation(found.tool, NeedsApproval)
      if (typeof needs === "boolean") return Effect.succeed(needs)
      return Effect.suspend(() => found.decode(call.arguments)).pipe(
        Effect.either,
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
    run: (call, at) =>
      Effect.useSpan(
        `execute_tool ${call.name}`,
        { captureStackTrace: false, attributes: Telemetry.toolStart(call) },
        (span) =>
          Effect.catchAllCause(
            Effect.suspend(() => {
              const found = functions.get(call.name)
              if (found === undefined) {
                const names = Array.from(functions.keys()).join(", ")
                return Effect.succeed(told(`There is no tool "${call.name}". There are: ${names}.`))
              }
              return Effect.matchEffect(known.get(call) ?? found.decode(call.arguments), {
                onFailure: (why) => Effect.succeed(told(`The tool was not called, because of its arguments:\n${why}`)),
                onSuccess: (decoded) => handle(at, found, decoded, span)
              })
            }),
            (cause) => Effect.succeed({ ...told(failed), cause })
          )
      )
  }
}

/** What a handler's failure comes to. */
const failedWith = (tool: AiTool.Any, cause: Cause.Cause<unknown>): Effect.Effect<Outcome> => {
  const schema = tool.failureSchema as Schema.Schema.AnyNoContext
  const failure = Cause.failureOption(cause)
  return Option.isSome(failure) && Schema.is(schema)(failure.value)
    ? Effect.map(Effect.option(Schema.encodeUnknown(schema)(failure.value)), (encoded) => ({
      ...told(Option.match(encoded, { onNone: () => failed, onSome: textOf })),
      result: failure.value,
      ...(tool.failureMode === "error" ? { failure: { error: failure.value } } : {})
    }))
    : Effect.succeed({ ...told(failed), cause })
}

/**
 * Runs a handler in a fiber of its own, begun with all that it is to know, which costs less than to change what the fiber
 * of the run knows and to change it back. One that takes too long, or that nobody waits for any more, is given up: it is
 * interrupted then, and one that cannot be holds nobody.
 */
const inFiber = (
  handled: Effect.Effect<Outcome>,
  { change, onTimeout, timeout }: {
    readonly change: (context: Context.Context<never>) => Context.Context<never>
    readonly timeout: Duration.Duration
    readonly onTimeout: () => Outcome
  }
): Effect.Effect<Outcome> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime((parent, { runtimeFlags }) => {
      const runtime = Runtime.make({
        context: change(parent.currentContext),
        runtimeFlags: RuntimeFlags.enable(runtimeFlags, RuntimeFlags.Interruption),
        fiberRefs: parent.getFiberRefs()
      })
      const fiber = Runtime.runFork(runtime, handled)
      const giveUp = () => fiber.unsafeInterruptAsFork(FiberId.none)
      let stop: (() => void) | undefined
      const waited = Effect.async<Outcome>((resume) => {
        let isDone = false
        fiber.addObserver((exit) => {
          isDone = true
          stop?.()
          resume(Exit.isSuccess(exit) ? exit : Effect.succeed({ ...told(failed), cause: exit.cause }))
        })
        if (isDone) return
        stop = after(Context.get(parent.currentDefaultServices, Clock.Clock), timeout, () => {
          resume(Effect.sync(onTimeout))
          giveUp()
        })
      })
      return Effect.tapErrorCause(restore(waited), () =>
        Effect.sync(() => {
          stop?.()
          giveUp()
        }))
    })
  )

/** No word of the defect: what is in it is not for the model. */
const failed = "The tool failed unexpectedly."

/** Of a run without a toolkit: whatever is called waits for the program. */
export const none: ToolCalls = {
  answers: () => false,
  needsApproval: () => Effect.succeed(false),
  mayRepeat: () => false,
  run: (call) => Effect.succeed(told(`There is no tool "${call.name}".`))
}
