/** The tools of a run: how they are declared, which is chosen, and how they are called. */
import type * as Tool from "@effect/ai/Tool"
import type * as Toolkit from "@effect/ai/Toolkit"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { InvalidInput } from "../../OpenAIError.ts"
import type { Approvable } from "../../RunEvent.ts"
import { RunLog } from "../../RunLog.ts"
import type { RunId, ThreadId } from "../../Thread.ts"
import type { Approval } from "../../Tools.ts"
import { type Declaration, declare } from "../declare.ts"
import type { Params } from "../runLoop/plan.ts"
import * as ToolCalls from "../toolCalls.ts"
import type * as ToolSteps from "../toolSteps.ts"
import * as Validate from "../validate.ts"

type WithHandler = Toolkit.WithHandler<Record<string, Tool.Any>>

/** What of a run's options is about its tools, whose types are the caller's concern. */
export interface ToolOptions {
  readonly toolkit?: WithHandler | Effect.Effect<WithHandler> | undefined
  readonly toolConcurrency?: number | undefined
  readonly toolTimeout?: Duration.DurationInput | undefined
  readonly onToolDefect?: "inform" | "fail" | undefined
  readonly approve?: ((pending: Approvable) => Effect.Effect<Approval>) | undefined
  readonly maxSteps?: number | undefined
}

export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string }

interface Known {
  readonly source: object
  readonly handlers: ReadonlyArray<unknown>
  readonly toolkit: WithHandler
}

/** By the first of their handlers, with which they are forgotten. */
const known = new WeakMap<object, Known>()

/**
 * A toolkit with its handlers. A `Toolkit` of `@effect/ai` 0.37 makes its schemas anew each time that it is asked, and only
 * looks for the handlers of its tools; so it is asked once for the same ones.
 */
const withHandlers = (source: Effect.Effect<WithHandler>): Effect.Effect<WithHandler> =>
  !("tools" in source) ? source : Effect.withFiberRuntime(({ currentContext: { unsafeMap } }) => {
    const handlers = Object.values(source.tools as WithHandler["tools"]).map(({ id }) => unsafeMap.get(id))
    const [first] = handlers
    if (!Predicate.isObject(first)) return source
    const found = known.get(first)
    const isSame = found?.source === source && handlers.every((handler, index) => handler === found.handlers[index])
    return isSame
      ? Effect.succeed(found.toolkit)
      : Effect.tap(source, (toolkit) => void known.set(first, { source, handlers, toolkit }))
  })

/** The toolkit with its handlers, and how its tools are declared. */
export const toolsOf = Effect.fnUntraced(function*(
  options: ToolOptions,
  declared: ReadonlyArray<{ readonly type: string; readonly name?: unknown }>,
  /** They are the tools of the run, and so those of the toolkit too. */
  isResumed = false
) {
  if (options.toolkit === undefined) return undefined
  const toolkit = yield* Effect.isEffect(options.toolkit)
    ? withHandlers(options.toolkit)
    : Effect.succeed(options.toolkit)
  const declarations = yield* declare(toolkit.tools)
  const own = new Set(declarations.map(({ name }) => name))
  const declaredElsewhere = new Set(
    declared.flatMap(({ name, type }) =>
      type === "function" && !(isResumed && own.has(String(name))) ? [String(name)] : []
    )
  )
  const twice = declarations.find(({ name }) => declaredElsewhere.has(name))
  if (twice !== undefined) {
    return yield* new InvalidInput({
      field: `toolkit.${twice.name}`,
      reason: "the assistant has a tool of this name"
    })
  }
  const calls = ToolCalls.make(toolkit, declarations, {
    declaredElsewhere,
    context: yield* Effect.context<never>(),
    timeout: options.toolTimeout ?? "5 minutes"
  })
  return { calls, declarations }
})

export const choiceOf = (
  choice: ToolChoice,
  declarations: ReadonlyArray<Declaration>
): Effect.Effect<Params["tool_choice"], InvalidInput> => {
  if (typeof choice === "string") return Effect.succeed(choice)
  const declaration = declarations.find(({ name }) => name === choice.tool)
  if (declaration === undefined) {
    return new InvalidInput({ field: "toolChoice", reason: `there is no tool "${choice.tool}"` })
  }
  const { name, wire: { type } } = declaration
  return Effect.succeed((type === "function" ? { type, name } : { type }) as Params["tool_choice"])
}

/** What the program does itself of what the model asks for, if it does anything. */
export const toolSteps = (
  options: ToolOptions,
  calls: ToolCalls.ToolCalls | undefined,
  run: { readonly runId: RunId; readonly threadId: ThreadId }
): Effect.Effect<ToolSteps.Tools | undefined, InvalidInput> =>
  Effect.gen(function*() {
    const { approve, maxSteps = 20, onToolDefect = "inform", toolConcurrency = 4 } = options
    yield* Validate.count("maxSteps", maxSteps)
    yield* Validate.count("toolConcurrency", toolConcurrency)
    if (calls === undefined && approve === undefined) return undefined
    return {
      calls: calls ?? ToolCalls.none,
      approve,
      concurrency: toolConcurrency,
      maxSteps,
      onDefect: onToolDefect,
      log: yield* RunLog,
      ...run
    }
  })
