/** The tools of a toolkit as OpenAI is told of them. */
import * as AiTool from "@effect/ai/Tool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { InvalidInput } from "../OpenAIError.ts"
import * as JsonSchema from "./jsonSchema.ts"
import { Strict } from "./toolAnnotations.ts"

export interface Declaration {
  readonly name: string
  readonly tool: AiTool.Any
  readonly wire: { readonly type: string; readonly [key: string]: unknown }
  /** Of a function that the program has a handler for. */
  readonly input: JsonSchema.Wire | undefined
}

/** Tools of a provider have none. */
export const annotation = <I, A>(tool: AiTool.Any, tag: Context.Reference<I, A>): A =>
  Context.get((tool.annotations as Context.Context<never> | undefined) ?? Context.empty(), tag)

const invalid = (name: string, reason: string) => new InvalidInput({ field: `toolkit.${name}`, reason })

/** Source: OpenAI's API reference, the name of a function. */
const isName = (name: string) => /^[\w-]{1,64}$/.test(name)

const hosted = (tool: AiTool.AnyProviderDefined): Effect.Effect<Declaration, InvalidInput> =>
  !tool.id.startsWith("openai.")
    ? invalid(tool.name, `it is a tool of another provider (${tool.id})`)
    : Effect.succeed({
      name: tool.name,
      tool,
      wire: { ...tool.args as object, type: tool.providerName },
      input: undefined
    })

const functionOf = (tool: AiTool.Any): Effect.Effect<Declaration, InvalidInput> =>
  Effect.gen(function*() {
    const { name } = tool
    if (!isName(name)) {
      return yield* invalid(name, "its name must be 1 to 64 letters, digits, underscores and hyphens")
    }
    const strict = annotation(tool, Strict)
    const input = yield* Effect.try({
      try: () => JsonSchema.fromAst(tool.parametersSchema.ast, strict !== false),
      catch: () => invalid(name, "its parameters cannot be written as JSON Schema; annotate them with `jsonSchema`")
    })
    if (strict === true && input.notStrict !== undefined) {
      return yield* invalid(name, `its parameters cannot be strict: ${input.notStrict}`)
    }
    const description = AiTool.getDescription(tool as never)
    return {
      name,
      tool,
      wire: {
        type: "function",
        name,
        ...(description === undefined ? {} : { description }),
        parameters: input.schema,
        strict: input.notStrict === undefined
      },
      input
    }
  })

/** What was made of the tools of a toolkit, which are the same in each run. */
const declared = new WeakMap<object, ReadonlyArray<Declaration>>()

export const declare = (
  tools: Readonly<Record<string, AiTool.Any>>
): Effect.Effect<ReadonlyArray<Declaration>, InvalidInput> =>
  Effect.suspend(() => {
    const known = declared.get(tools)
    return known !== undefined ? Effect.succeed(known) : Effect.tap(
      Effect.forEach(
        Object.values(tools),
        (tool) => AiTool.isProviderDefined(tool) ? hosted(tool as never) : functionOf(tool)
      ),
      (declarations) => void declared.set(tools, declarations)
    )
  })
