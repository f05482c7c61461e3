/** Requests conform whatever the assistant, the messages and the options are. */
import { describe, expect, it } from "@effect/vitest"
import { Assistant, Run, Thread, Threads } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { threads } from "../support/layers.ts"
import { isMissing, suiteName } from "./document.ts"
import { operations } from "./operations.ts"

const text = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
const word = FastCheck.string({ minLength: 1, maxLength: 64 }).filter((word) => word.trim() !== "")
const bytes = FastCheck.uint8Array({ minLength: 1, maxLength: 64 })
const detail = FastCheck.constantFrom("auto" as const, "low" as const, "high" as const)
const mediaType = FastCheck.constantFrom(
  "image/png" as const,
  "image/jpeg" as const,
  "image/webp" as const,
  "image/gif" as const
)

const part: FastCheck.Arbitrary<Thread.PartInput> = FastCheck.oneof(
  text.map(Thread.text),
  FastCheck.tuple(FastCheck.webUrl(), detail).map(([url, detail]) => Thread.imageUrl(url, { detail })),
  FastCheck.tuple(word, detail).map(([id, detail]) => Thread.imageFile(id, { detail })),
  FastCheck.tuple(bytes, mediaType, detail).map(([bytes, mediaType, detail]) =>
    Thread.imageBytes(bytes, { mediaType, detail })
  ),
  word.map(Thread.fileId),
  FastCheck.tuple(bytes, word).map(([bytes, filename]) =>
    Thread.fileBytes(bytes, { filename, mediaType: "text/plain" })
  )
)

const message: FastCheck.Arbitrary<string | Thread.MessageInput> = FastCheck.oneof(
  text,
  FastCheck.record({
    role: FastCheck.constantFrom("user" as const, "system" as const, "developer" as const),
    content: FastCheck.array(part, { minLength: 1, maxLength: 5 })
  }, { requiredKeys: ["content"] }),
  FastCheck.record({
    role: FastCheck.constant("assistant" as const),
    content: FastCheck.oneof(text, FastCheck.array(text.map(Thread.text), { minLength: 1, maxLength: 3 }))
  })
)

const metadata = FastCheck.dictionary(
  FastCheck.string({ unit: "grapheme", maxLength: 8 }).filter((key) => key.length <= 64),
  FastCheck.string({ maxLength: 512 }),
  { maxKeys: 8 }
)

const sampling: {
  readonly [K in keyof Assistant.Sampling]-?: FastCheck.Arbitrary<NonNullable<Assistant.Sampling[K]>>
} = {
  temperature: FastCheck.double({ min: 0, max: 2, noNaN: true }),
  topP: FastCheck.double({ min: 0, max: 1, noNaN: true }),
  maxOutputTokens: FastCheck.integer({ min: 16 }),
  reasoning: FastCheck.record({
    effort: FastCheck.constantFrom("none", "minimal", "low", "medium", "high", "xhigh"),
    summary: FastCheck.constantFrom("auto", "concise", "detailed")
  }, { requiredKeys: [] }),
  verbosity: FastCheck.constantFrom("low", "medium", "high")
}

const tool: FastCheck.Arbitrary<Assistant.Tool> = FastCheck.oneof(
  FastCheck.constant({ type: "web_search" }),
  FastCheck.array(word, { maxLength: 3 }).map((ids) => ({ type: "file_search", vector_store_ids: ids })),
  FastCheck.constant({ type: "code_interpreter", container: { type: "auto" } }),
  FastCheck.record({
    type: FastCheck.constant("function"),
    name: word,
    description: text,
    strict: FastCheck.constant(false),
    parameters: FastCheck.dictionary(text, FastCheck.jsonValue())
  }),
  // What is not strict in the whole is refused as strict.
  FastCheck.record({
    type: FastCheck.constant("function"),
    name: word,
    strict: FastCheck.constant(true),
    parameters: FastCheck.uniqueArray(word, { maxLength: 4 }).map((keys) => ({
      type: "object",
      properties: Object.fromEntries(keys.map((key) => [key, { type: "string" }])),
      required: keys,
      additionalProperties: false
    }))
  })
)

const shared = { instructions: FastCheck.string(), model: word, metadata, ...sampling }
const assistant = FastCheck.record({
  id: word,
  name: FastCheck.string(),
  tools: FastCheck.array(tool, { maxLength: 4 }),
  ...shared
}, { requiredKeys: ["id", "model"] }).map(Assistant.make)
const options = FastCheck.record({ message, additionalInstructions: FastCheck.string(), ...shared }, {
  requiredKeys: []
})

describe.skipIf(isMissing)(suiteName("any request conforms"), () => {
  it.effect.prop(
    "of a thread that is made, written to and run twice",
    {
      store: FastCheck.constantFrom("conversations" as const, "memory" as const),
      metadata,
      messages: FastCheck.array(message, { minLength: 1, maxLength: 22 }),
      assistant,
      options
    },
    ({ assistant, messages, metadata, options, store }) =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create({ metadata, messages })
        yield* service.addMessage(id, messages[0]!)
        yield* Run.text(service.run(id, { assistant, ...options }))
        yield* Run.text(service.run(id, { assistant }))
        expect((yield* operations).filter((operation) => operation === "POST /responses")).toHaveLength(2)
      }).pipe(Effect.provide(threads([Script.always(Script.turn([Script.reasoning("Well."), "Hello."]))], { store }))),
    { timeout: 120_000, fastCheck: { numRuns: 200 } }
  )
})
