import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { Assistants, OpenAI, Run, type RunEvent, Threads, ThreadStore } from "effect-openai-threads"
import { analyst } from "../support/layers.ts"

const deltas = 200_000
const perRead = 100
const at = { item_id: "msg_1", output_index: 0, content_index: 0 }

/** A server that has all of an answer at once, and counts what is taken of it. */
const eager = () => {
  const encoder = new TextEncoder()
  let sequence = 0
  let taken = 0
  const event = (type: string, fields: object) =>
    `data: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const response = { id: "resp_1", object: "response", output: [] }
  const reads = function*() {
    yield event("response.created", { response })
    for (let i = 0; i < deltas; i += perRead) {
      yield Array.from({ length: perRead }, () => event("response.output_text.delta", { ...at, delta: "x" })).join("")
    }
    yield event("response.completed", { response: { ...response, status: "completed" } })
  }
  const answer = () => {
    const iterator = reads()
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = iterator.next()
        if (next.done) return controller.close()
        taken++
        controller.enqueue(encoder.encode(next.value))
      }
    }, { highWaterMark: 0 })
  }
  const fetch: typeof globalThis.fetch = (input) =>
    Promise.resolve(
      String(input).endsWith("/responses")
        ? new Response(answer(), { headers: { "content-type": "text/event-stream" } })
        : Response.json({ id: "conv_1", object: "conversation", created_at: 0, metadata: {} })
    )
  const layer = Threads.layer.pipe(
    Layer.provide([ThreadStore.layerConversations, Assistants.layer([analyst])]),
    Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-test"), fetch }))
  )
  return { layer, taken: () => taken }
}

/** The run's events up to a delta come from so many reads. */
const readsOf = (seen: number) => 1 + Math.ceil(seen / perRead)

describe("law 8: backpressure", () => {
  it.effect("law 8: a stream takes no more than one read ahead of its reader", () => {
    const { layer, taken } = eager()
    return Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      let seen = 0
      let most = 0
      yield* Stream.runForEach(service.run(id, { keepPartial: false }), (event) => {
        if (event._tag !== "TextDelta") return Effect.void
        seen++
        most = Math.max(most, taken() - readsOf(seen))
        // Now and then the reader is slow, and lets everybody else go first.
        return seen % 1_000 === 0 ? Effect.promise(() => new Promise((resolve) => setImmediate(resolve))) : Effect.void
      })
      expect(seen).toBe(deltas)
      expect(most).toBeLessThanOrEqual(1)
    }).pipe(Effect.provide(layer))
  }, 60_000)

  it.effect("law 8: and so does a terminal", () => {
    const { layer, taken } = eager()
    return Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      let seen = 0
      let most = 0
      const slow = (_: RunEvent.Of<"TextDelta">) => {
        seen++
        most = Math.max(most, taken() - readsOf(seen))
        return seen % 1_000 === 0 ? Effect.promise(() => new Promise((resolve) => setImmediate(resolve))) : Effect.void
      }
      yield* Run.handle(service.run(id), { TextDelta: slow })
      expect(seen).toBe(deltas)
      expect(most).toBeLessThanOrEqual(1)
    }).pipe(Effect.provide(layer))
  }, 60_000)

  it.effect("law 8: a reader that stops takes nothing more", () => {
    const { layer, taken } = eager()
    return Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* Stream.runDrain(Stream.take(service.run(id), 500))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(taken()).toBeLessThanOrEqual(readsOf(500) + 1)
    }).pipe(Effect.provide(layer))
  })
})
