/** The SDK's unions are those that our tables know, no name more and none less. Checked by the compiler only. */
import type { Assistant, Thread } from "effect-openai-threads"
import type { Message } from "openai/resources/conversations/conversations"
import type { ConversationItem } from "openai/resources/conversations/items"
import type {
  EasyInputMessage,
  Response,
  ResponseError,
  ResponseInputImage,
  ResponseOutputItem,
  ResponseStreamEvent,
  ResponseTextConfig
} from "openai/resources/responses/responses"
import { expectTypeOf } from "vitest"
import type { wireEvents } from "../../src/internal/wireEvents.ts"
import type { details, errorCodes, items, reasons, roles, statuses, verbosities } from "../conformance/known.ts"

/** The names that a table gives a certain meaning. */
type With<Table, Meaning> = { [K in keyof Table]: Table[K] extends Meaning ? K : never }[keyof Table]

expectTypeOf<keyof typeof wireEvents>().toEqualTypeOf<ResponseStreamEvent["type"]>()
expectTypeOf<keyof typeof items>().toEqualTypeOf<ConversationItem["type"]>()
// An answer has no items but those that a thread can have; all but one can be in an answer.
expectTypeOf<Exclude<keyof typeof items, ResponseOutputItem["type"]>>().toEqualTypeOf<"configuration_update">()
expectTypeOf<Exclude<ResponseOutputItem["type"], keyof typeof items>>().toEqualTypeOf<never>()
expectTypeOf<keyof typeof statuses>().toEqualTypeOf<NonNullable<Response["status"]>>()
expectTypeOf<keyof typeof errorCodes>().toEqualTypeOf<ResponseError["code"]>()
expectTypeOf<keyof typeof reasons>().toEqualTypeOf<NonNullable<Response.IncompleteDetails["reason"]>>()
expectTypeOf<keyof typeof roles>().toEqualTypeOf<Message["role"]>()

// What we take from a program is what OpenAI takes.
expectTypeOf<With<typeof roles, "written">>().toEqualTypeOf<Thread.Role>()
expectTypeOf<Thread.Role>().toEqualTypeOf<EasyInputMessage["role"]>()
expectTypeOf<keyof typeof details>().toEqualTypeOf<ResponseInputImage["detail"]>()
expectTypeOf<With<typeof details, "offered">>().toEqualTypeOf<Thread.ImageDetail>()
expectTypeOf<keyof typeof verbosities>().toEqualTypeOf<NonNullable<ResponseTextConfig["verbosity"]>>()
expectTypeOf<keyof typeof verbosities>().toEqualTypeOf<NonNullable<Assistant.Sampling["verbosity"]>>()

// These comparisons tell a name that is missing, and one too many.
type Codes = typeof errorCodes
// @ts-expect-error a code is missing
expectTypeOf<keyof Omit<Codes, "bio_policy">>().toEqualTypeOf<ResponseError["code"]>()
// @ts-expect-error a code too many
expectTypeOf<keyof Codes | "no_code">().toEqualTypeOf<ResponseError["code"]>()
