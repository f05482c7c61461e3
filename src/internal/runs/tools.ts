/** The tools of a run: how they are declared, which is chosen, and how they are called. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidInput } from "../../OpenAIError.ts"
import type { Approvable } from "../../RunEvent.ts"
import { RunLog } from "../../RunLog.ts"
import type { RunId, ThreadId } from "../../Thread.ts"
import type { Approval } from "../../Tools.ts"
import { type Declaration, declare } from "../declare.ts"
import { handlersOf, type Source } from "../handlers.ts"
import { Line } from "../line.ts"
import type { Params } from "../runLoop/plan.ts"
import * as ToolCalls from "../toolCalls.ts"
import type * as ToolSteps from "../toolSteps.ts"
import * as Validate from "../validate.ts"

/** What of a run's options is about its tools, whose types are the caller's concern. */
export interface ToolOptions {
  readonly toolkit?: Source | undefined
  readonly toolConcurrency?: number | undefined
  readonly toolTimeout?: Duration.DurationInput | undefined
  readonly onToolDefect?: "inform" | "fail" | undefined
  readonly approve?: ((pending: Approvable) => Effect.Effect<Approval>) | undefined
  readonly maxSteps?: number | undefined
}

export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string }

/** How long a call may take, unless its tool or the run says otherwise. */
const timeoutByDefault = Duration.minutes(5)

/** The toolkit with its handlers, and how its tools are declared. */
export const toolsOf = Effect.fnUntraced(function*(
  options: ToolOptions,
  declared: ReadonlyArray<{ readonly type: string; readonly name?: unknown }>,
  /** They are the tools of the run, and so those of the toolkit too. */
  isResumed = false
) {
  if (options.toolkit === undefined) return undefined
  const handlers = yield* handlersOf(options.toolkit)
  const declarations = yield* declare(handlers.tools)
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
  const calls = ToolCalls.make(handlers, declarations, {
    declaredElsewhere,
    context: yield* Effect.context<never>(),
    timeout: options.toolTimeout ?? timeoutByDefault
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
export const toolSteps = Effect.fnUntraced(function*(
  options: ToolOptions,
  calls: ToolCalls.ToolCalls | undefined,
  run: { readonly runId: RunId; readonly threadId: ThreadId }
) {
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
    line: new Line(),
    ...run
  } satisfies ToolSteps.Tools
})
