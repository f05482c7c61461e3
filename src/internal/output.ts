/** Structured output: an answer that is asked for as JSON of a schema, and decoded. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import type { ResponseFormatTextJSONSchemaConfig } from "openai/resources/responses/responses"
import { InvalidInput } from "../OpenAIError.ts"
import { OutputInvalid, OutputRefused, type RunError } from "../RunError.ts"
import { type Message, textOf, type ThreadId } from "../Thread.ts"
import { issuesOf } from "./issues.ts"
import * as JsonSchema from "./jsonSchema.ts"

export interface Output {
  readonly wire: ResponseFormatTextJSONSchemaConfig
  /** Decodes what the last step came to. */
  readonly decode: (
    step: { readonly messages: ReadonlyArray<Message> }
  ) => Effect.Effect<unknown, RunError>
}

/** Source: OpenAI's API reference, `text.format.name`. */
const nameOf = (ast: AST.AST) =>
  Option.getOrElse(AST.getIdentifierAnnotation(ast), () => "output").replaceAll(/[^\w-]/g, "_").slice(0, 64)

export const make = (
  threadId: ThreadId,
  schema: Schema.Schema.AnyNoContext
): Effect.Effect<Output, InvalidInput> =>
  Effect.gen(function*() {
    const invalid = () =>
      new InvalidInput({
        field: "output",
        reason: "it cannot be written as JSON Schema; annotate it with `jsonSchema`"
      })
    const written = (schema: Schema.Schema.AnyNoContext) =>
      Effect.try({ try: () => JsonSchema.fromAst(schema.ast), catch: invalid })
    const plain = yield* written(schema)
    // OpenAI asks for an object: anything else is put into one.
    const isObject = plain.schema["type"] === "object"
    const target: Schema.Schema.AnyNoContext = isObject ? schema : Schema.Struct({ value: schema })
    const { notStrict, restore, schema: json } = isObject ? plain : yield* written(target)
    const context = yield* Effect.context<never>()
    const decodeJson = Schema.decodeUnknown(target, { errors: "all" })
    return {
      wire: { type: "json_schema", name: nameOf(schema.ast), schema: { ...json }, strict: notStrict === undefined },
      decode: ({ messages }) => {
        // The model may comment on what it does before it answers.
        const answer = messages.findLast(({ phase }) => phase === "final_answer") ?? messages.at(-1)
        const text = answer === undefined ? "" : textOf(answer)
        const refusal = answer?.content.flatMap((part) => part._tag === "Refusal" ? [part.refusal] : []) ?? []
        if (refusal.length > 0) {
          return Effect.fail(new OutputRefused({ threadId, refusal: refusal.join("\n") }))
        }
        const invalid = (reason: string) => new OutputInvalid({ threadId, raw: text, reason })
        return Either.match(Either.try((): unknown => JSON.parse(text)), {
          onLeft: () => Effect.fail(invalid("it is not valid JSON")),
          onRight: (sent) =>
            decodeJson(restore(sent)).pipe(
              Effect.provide(context),
              Effect.mapBoth({
                onFailure: (error) => invalid(issuesOf(error).join("; ")),
                onSuccess: (decoded: unknown) => isObject ? decoded : (decoded as { readonly value: unknown }).value
              })
            )
        })
      }
    }
  })
