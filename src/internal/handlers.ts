/** Who answers the calls of a toolkit: the handlers of its layer, or whatever somebody made of it. */
import type * as AiTool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"

type Tools = Record<string, AiTool.Any>
type WithHandler = Toolkit.WithHandler<Tools>

/** What a run may be given. */
export type Source = WithHandler | Effect.Effect<WithHandler>

/** What a handler gave. */
export interface Given {
  readonly encoded: unknown
  readonly isFailure: boolean
  readonly result: unknown
}

export interface Handler {
  /** What it was made with. What belongs to the call comes before that. */
  readonly context: Context.Context<never>
  readonly handle: (decoded: Decoded) => Effect.Effect<Given, unknown>
}

/** The arguments of a call, as they came and as a handler takes them. */
export interface Decoded {
  readonly encoded: unknown
  readonly parameters: unknown
}

export interface Handlers {
  readonly tools: Tools
  readonly of: (tool: AiTool.Any) => Handler
}

/** A toolkit itself, of which its handlers are known, and not what somebody made of one. */
const isToolkit = (source: Source): source is Toolkit.Toolkit<Tools> & Effect.Effect<WithHandler> =>
  "commit" in source && source.commit === commit

const commit = Predicate.hasProperty(Toolkit.empty, "commit") ? Toolkit.empty.commit : undefined

export const handlersOf = (source: Source): Effect.Effect<Handlers> =>
  !Effect.isEffect(source)
    ? Effect.succeed(handledBy(source))
    : isToolkit(source)
    ? Effect.contextWith(({ unsafeMap }) => ({
      tools: source.tools,
      of: (tool) => direct(tool, unsafeMap.get(tool.id))
    }))
    : Effect.map(source, handledBy)

/**
 * In place of `Toolkit.handle` of `@effect/ai` 0.37, which decodes once more what was decoded to tell the model what is
 * wrong with it, puts the parameters on a span, and takes more operations than the rest of a step. It also takes a value of
 * the failure's type for a success, and encodes a failure by the success's schema where that takes it; this does not.
 */
const direct = (tool: AiTool.Any, handler: unknown): Handler => {
  if (!isHandler(handler)) {
    return { context: Context.empty(), handle: () => Effect.dieMessage(`There is no handler of "${tool.name}"`) }
  }
  const encode = ParseResult.encodeUnknown(tool.successSchema as Schema.Schema.AnyNoContext)
  return {
    context: handler.context,
    handle: ({ parameters }) =>
      Effect.flatMap(
        Effect.suspend(() => handler.handler(parameters)),
        (result) =>
          Effect.matchEffect(encode(result), {
            // Not a failure of the handler's, which the failure's schema may take for a declared one.
            onFailure: (issue) => Effect.die(ParseResult.parseError(issue)),
            onSuccess: (encoded): Effect.Effect<Given> => Effect.succeed({ encoded, isFailure: false, result })
          })
      )
  }
}

const isHandler = (handler: unknown): handler is Pick<AiTool.Handler<string>, "context" | "handler"> =>
  Predicate.isRecord(handler) && typeof handler["handler"] === "function" && Context.isContext(handler["context"])

/** Somebody's own way to handle calls. */
const handledBy = ({ handle, tools }: WithHandler): Handlers => ({
  tools,
  of: ({ name }) => ({
    context: Context.empty(),
    handle: ({ encoded }) =>
      Effect.tracerWith((tracer) =>
        Effect.map(
          handle(name, encoded as never) as Effect.Effect<AiTool.HandlerResult<AiTool.Any>, unknown>,
          ({ encodedResult, isFailure, result }): Given => ({ encoded: encodedResult, isFailure, result })
        ).pipe(Effect.withTracer(withoutParameters(tracer)))
      )
  })
})

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
