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
import * as Line from "./line.ts"
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
  /** Is interrupted when the line ends before it is done. */
  readonly run: (call: FunctionCall, at: RunLog.Call, line: Line.Line) => Effect.Effect<Outcome>
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

  /** What a call comes to: its arguments are decoded and its handler runs. */
  const handle = (call: FunctionCall): Effect.Effect<Outcome> => {
    const found = functions.get(call.name)
    if (found === undefined) {
      const names = Array.from(functions.keys()).join(", ")
      return Effect.succeed(told(`There is no tool "${call.name}". There are: ${names}.`))
    }
    const { decode, handler, tool } = found
    return Effect.matchEffect(known.get(call) ?? decode(call.arguments), {
      onFailure: (why) => Effect.succeed(told(`The tool was not called, because of its arguments:\n${why}`)),
      onSuccess: (decoded) =>
        Effect.matchCauseEffect(handler.handle(decoded), {
          onFailure: (cause) => failedWith(tool, cause),
          onSuccess: ({ encoded, isFailure, result }): Effect.Effect<Outcome> =>
            Effect.succeed({ output: textOf(encoded), isFailure, result })
        })
    })
  }

  /** What its fiber knows: what the handler was made with, then what the run was given, then whoever reads the run. */
  const contextOf = (call: FunctionCall, at: RunLog.Call, span: Tracer.Span, reader: Context.Context<never>) => {
    const services = new Map<string, unknown>(functions.get(call.name)?.handler.context.unsafeMap)
    const add = (service: unknown, key: string) => void services.set(key, service)
    options.context.unsafeMap.forEach(add)
    reader.unsafeMap.forEach(add)
    return Context.unsafeMake(services.set(CurrentCall.key, at).set(Tracer.ParentSpan.key, span))
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
    run: (call, at, line) =>
      inFiber(Effect.suspend(() => handle(call)), {
        call,
        line,
        contextOf: (span, reader) => contextOf(call, at, span, reader),
        timeout: functions.get(call.name)?.timeout ?? Duration.infinity
      })
  }
}

/** What a handler's failure comes to. One that comes with a defect is a defect. */
const failedWith = (tool: AiTool.Any, cause: Cause.Cause<unknown>): Effect.Effect<Outcome> => {
  const schema = tool.failureSchema as Schema.Schema.AnyNoContext
  const failure = Cause.failureOption(cause)
  if (Option.isNone(failure) || Option.isSome(Cause.dieOption(cause)) || !Schema.is(schema)(failure.value)) {
    return Effect.succeed({ ...told(failed), cause })
  }
  const { value: error } = failure
  const declared = { result: error, ...(tool.failureMode === "error" ? { failure: { error } } : {}) }
  return Effect.matchCause(Effect.suspend(() => Schema.encodeUnknown(schema)(error)), {
    onFailure: (cause) => ({ ...told(failed), ...declared, cause }),
    onSuccess: (encoded) => ({ ...told(textOf(encoded)), ...declared })
  })
}

/**
 * Makes a call in a fiber of its own, begun with all that its handler is to know, which costs less than to change what the
 * fiber of the run knows and to change it back. One that takes too long, or that nobody waits for any more, is given up:
 * it is interrupted then, and one that cannot be holds nobody. It is interrupted with the line too.
 */
const inFiber = (
  made: Effect.Effect<Outcome>,
  { call, contextOf, line, timeout }: {
    readonly call: FunctionCall
    readonly contextOf: (span: Tracer.Span, reader: Context.Context<never>) => Context.Context<never>
    readonly line: Line.Line
    readonly timeout: Duration.Duration
  }
): Effect.Effect<Outcome> =>
  Effect.uninterruptibleMask((restore) => {
    if (line.hasEnded) return Effect.interrupt
    const own = new Line.Line()
    const span = Line.span(own, `execute_tool ${call.name}`, Telemetry.toolStart(call), "internal")
    return Effect.flatMap(span, (span) =>
      Effect.withFiberRuntime((parent, { runtimeFlags }) => {
        const runtime = Runtime.make({
          context: contextOf(span, parent.currentContext),
          runtimeFlags: RuntimeFlags.enable(runtimeFlags, RuntimeFlags.Interruption),
          fiberRefs: parent.getFiberRefs()
        })
        const fiber = Runtime.runFork(runtime, made)
        let settle = (_: Effect.Effect<Outcome>): void => {}
        let outcome: Effect.Effect<Outcome> | undefined
        let isGivenUp = false
        fiber.addObserver((exit) => {
          if (isGivenUp) return
          const came = Exit.isSuccess(exit) ? exit.value : { ...told(failed), cause: exit.cause }
          Telemetry.toolEnd(span, came)
          own.end(Exit.void)
          outcome = Effect.succeed(came)
          settle(outcome)
        })
        if (outcome !== undefined) return outcome
        const giveUp = (exit: Exit.Exit<unknown, unknown>) => {
          isGivenUp = true
          fiber.unsafeInterruptAsFork(FiberId.none)
          own.end(exit)
        }
        const waited = Effect.async<Outcome>((resume) => {
          if (outcome !== undefined) return resume(outcome)
          settle = resume
          own.add(line.add((exit) => {
            resume(Effect.interrupt)
            giveUp(exit)
          }))
          own.add(after(Context.get(parent.currentDefaultServices, Clock.Clock), timeout, () => {
            const late = tooLong(call, timeout)
            Telemetry.toolEnd(span, late)
            giveUp(Exit.void)
            resume(Effect.succeed(late))
          }))
        })
        return Effect.tapErrorCause(restore(waited), (cause) => Effect.sync(() => giveUp(Exit.failCause(cause))))
      }))
  })

const tooLong = ({ name }: FunctionCall, timeout: Duration.Duration): Outcome => {
  const time = Duration.format(timeout)
  return {
    ...told(`The tool took longer than ${time} and was stopped. Whether it had an effect is not known.`),
    cause: Cause.fail(new Cause.TimeoutException(`Tool "${name}" took longer than ${time}`))
  }
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
