/**
 * Where a reader of a run's events stands, as one opaque string that can be stored and sent.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { lazy } from "./internal/lazy.ts"
import type { RunEvent } from "./RunEvent.ts"
import { ResponseId, RunId, ThreadId } from "./Thread.ts"

/**
 * The position behind one event of a run.
 *
 * @since 0.1.0
 * @category models
 */
export const Cursor = Schema.Struct({
  v: Schema.Literal(1),
  threadId: ThreadId,
  runId: RunId,
  step: Schema.Int,
  responseId: Schema.optional(ResponseId),
  wire: Schema.Int,
  sequence: Schema.Int,
  /** The step's response has told all of itself. */
  over: Schema.optional(Schema.Boolean)
}).annotations({ identifier: "Cursor" })

/**
 * @since 0.1.0
 * @category models
 */
export type Cursor = typeof Cursor.Type

/**
 * A cursor as an opaque string of characters that are safe in a URL and in a header.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FromString: Schema.Schema<Cursor, string> = Schema.transformOrFail(
  Schema.String,
  Schema.parseJson(Cursor),
  {
    strict: true,
    decode: (text, _, ast) =>
      Effect.mapError(Encoding.decodeBase64UrlString(text), () => new ParseResult.Type(ast, text, "not a cursor")),
    encode: (json) => Effect.succeed(Encoding.encodeBase64Url(json))
  }
)

/**
 * The position behind an event.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEvent = (event: RunEvent): Cursor => ({
  v: 1,
  threadId: event.threadId,
  runId: event.runId,
  step: event.step,
  ...(event.responseId === undefined ? {} : { responseId: event.responseId }),
  wire: event.wire,
  sequence: event.sequence,
  ...(isOver(event) ? { over: true } : {})
})

const isOver = ({ _tag }: RunEvent) =>
  _tag === "StepCompleted" || _tag === "ToolCallCompleted" || _tag === "RunCompleted"

const decoder = lazy(() => Schema.decode(FromString))

/**
 * A cursor as a string.
 *
 * @since 0.1.0
 * @category conversions
 */
export const encode = (cursor: Cursor): string => {
  // A server encodes one for each event that it sends, and there is nothing in a cursor that a Schema would change.
  const json = JSON.stringify(cursor)
  return "Buffer" in globalThis ? Buffer.from(json).toString("base64url") : Encoding.encodeBase64Url(json)
}

/**
 * The cursor in a string; fails with a `ParseError` when there is none in it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const decode = (text: string): Effect.Effect<Cursor, ParseResult.ParseError> => decoder()(text)
