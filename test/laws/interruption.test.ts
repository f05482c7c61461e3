import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { Assistants, OpenAI, Run, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { analyst, threads } from "../support/layers.ts"

const silent = {
  "before the headers": Script.stall({ headers: true }),
  "before the first event": Script.stall(),
  "in the middle": Script.stall({ afterEvents: 5 })
}

const tries = 3

const hanging = (fault: Script.Fault) => Script.turn([Script.text("a b c d e")], { fault })

describe("law 7: interruption", () => {
  for (const [where, fault] of Object.entries(silent)) {
    for (const read of ["stream", "terminal"] as const) {
      it.effect(`law 7: reaches the request while the server is silent ${where} (${read})`, () =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const simulator = yield* Simulator.Simulator
          const thread = yield* service.create()
          const run = service.run(thread.id, { message: "Hello?" })
          const fiber = yield* Effect.fork(read === "stream" ? Stream.runDrain(run) : Run.text(run))
          yield* simulator.advance("10 seconds")
          yield* Fiber.interrupt(fiber)
          const last = (yield* simulator.requests).at(-1)
          expect(last).toMatchObject({ path: "/responses", aborted: true })
          expect(yield* simulator.openStreams).toBe(0)
          // The lock is free and the thread usable.
          expect(yield* Run.text(service.run(thread.id))).toBe("Again")
        }).pipe(Effect.provide(
          threads([hanging(fault), Script.text("Again")])
        )))

      it.live(`law 7: closes the socket while the server is silent ${where} (${read}, real port)`, () =>
        Effect.gen(function*() {
          const simulator = yield* Simulator.Simulator
          const { url } = yield* simulator.serve()
          yield* Effect.gen(function*() {
            const service = yield* Threads.Threads
            const thread = yield* service.create()
            const run = service.run(thread.id, { message: "Hello?" })
            const closing = Effect.gen(function*() {
              const before = (yield* simulator.requests).length
              const last = Effect.map(simulator.requests, (all) => all.length > before ? all.at(-1) : undefined)
              const fiber = yield* Effect.fork(read === "stream" ? Stream.runDrain(run) : Run.text(run))
              yield* Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), last), {
                until: (request) => request?.path === "/responses" && request.ended === false
              })
              yield* Effect.sleep("30 millis")
              const [took] = yield* Effect.timed(Fiber.interrupt(fiber))
              const [closed] = yield* Effect.timed(
                Effect.repeat(Effect.zipRight(Effect.sleep("2 millis"), last), {
                  until: (request) => request?.aborted === true
                })
              )
              return Duration.toMillis(took) + Duration.toMillis(closed)
            })
            // A busy machine may hold one of them up, but not all.
            const times = yield* Effect.replicateEffect(closing, tries)
            expect(Math.min(...times)).toBeLessThan(100)
          }).pipe(Effect.provide(
            Threads.layer.pipe(
              Layer.provide([ThreadStore.layerConversations, Assistants.layer([analyst])]),
              Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-test"), baseUrl: url }))
            )
          ))
        }).pipe(
          Effect.provide(Simulator.layer(Array.from({ length: tries }, () => hanging(fault)))),
          Effect.scoped
        ))
    }
  }

  it.effect("law 7: a handler's failure fails the run and closes the request", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      const error = yield* Effect.flip(Run.handle(service.run(thread.id), { TextDelta: () => Effect.fail("enough") }))
      expect(error).toBe("enough")
      yield* simulator.advance("1 milli")
      expect(yield* simulator.openStreams).toBe(0)
      expect(yield* Run.text(service.run(thread.id))).toBe("Again")
    }).pipe(Effect.provide(threads([Script.text("a b c d e f"), Script.text("Again")]))))
})
