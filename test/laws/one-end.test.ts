import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { OpenAI, Run, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { noRetries, threads } from "../support/layers.ts"
import { badEnd, observe } from "../support/observe.ts"

/** Runs once on a new thread. */
const once = (turn: Script.TurnInput, options: Threads.RunOptions = {}) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const thread = yield* service.create()
    return yield* observe(service.run(thread.id, { message: "Go on.", ...options }))
  }).pipe(Effect.provide(threads([turn])))

const rich = (fault?: Script.Fault) =>
  Script.turn(
    [
      Script.reasoning("Let me think — wirklich."),
      Script.comment("ping"),
      Script.keepalive,
      Script.text("Grüße, 世界! 🙂", { chunks: 4 }),
      Script.functionCall("lookup", { key: "ä" })
    ],
    { fault }
  )

describe("law 1: a run that is read to its end", () => {
  it.effect("law 1: emits RunCompleted once, last, with gapless sequence", () =>
    Effect.gen(function*() {
      const seen = yield* once(Script.text("Hello."))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.tags.at(0)).toBe("RunStarted")
      expect(seen.tags.at(-1)).toBe("RunCompleted")
    }))

  it.effect("law 1: response.failed is RunFailed with its code", () =>
    Effect.forEach(
      [{ error: "nested" }, { error: "flat" }, { error: "none" }, { error: "flat", failed: false }] as const,
      (shape) =>
        Effect.gen(function*() {
          const seen = yield* once(Script.turn([Script.text("Well"), Script.failure("server_error", "no", shape)]))
          expect(badEnd(seen)).toBeUndefined()
          expect(seen.error).toMatchObject({ _tag: "RunFailed", code: "server_error" })
          expect(seen.error).toHaveProperty("requestId", expect.stringMatching(/^req_/))
        })
    ))

  it.effect("law 1: in-stream rate limits, quota and overflow have their own errors", () =>
    Effect.forEach(
      [
        ["rate_limit_exceeded", "RateLimited"],
        ["insufficient_quota", "QuotaExceeded"],
        ["context_length_exceeded", "ContextOverflow"]
      ] as const,
      ([code, tag]) =>
        Effect.map(once(Script.failure(code)), (seen) => {
          expect(badEnd(seen)).toBeUndefined()
          expect(seen.error?._tag).toBe(tag)
        })
    ))

  it.effect("law 1: an incomplete answer fails with the text so far", () =>
    Effect.gen(function*() {
      const seen = yield* once(Script.turn([Script.text("Half of"), Script.incomplete("max_output_tokens")]))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "RunIncomplete", reason: "max_output_tokens", partial: "Half of" })
      const empty = yield* once(Script.turn([Script.reasoning(), Script.incomplete("content_filter")]))
      expect(empty.error).toMatchObject({ _tag: "RunIncomplete", reason: "content_filter", partial: "" })
    }))

  it.effect("law 1: a refusal is a completed message with a refusal part", () =>
    Effect.gen(function*() {
      const seen = yield* once(Script.refusal("I will not."))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.tags).toContain("RefusalCompleted")
      expect(seen.events.at(-1)).toMatchObject({
        _tag: "RunCompleted",
        status: "completed",
        text: "",
        messages: [{ content: [{ _tag: "Refusal", refusal: "I will not." }] }]
      })
    }))

  it.effect("law 1: a body that ends early is ConnectionLost with the text so far", () =>
    Effect.gen(function*() {
      const seen = yield* once(
        Script.turn([Script.text("abcdef", { chunks: ["abc", "def"] })], { fault: Script.cut({ afterEvents: 5 }) })
      )
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", phase: "stream", how: "eof", partial: "abc" })
      expect(seen.error).toHaveProperty("requestId", expect.stringMatching(/^req_/))
      const lean = yield* once(
        Script.turn([Script.text("abcdef", { chunks: ["abc", "def"] })], { fault: Script.cut({ afterEvents: 5 }) }),
        { keepPartial: false }
      )
      expect(lean.error).not.toHaveProperty("partial")
    }))

  it.effect("law 1: a 200 that is no event stream, and an event that is no JSON, are UnexpectedResponse", () =>
    Effect.gen(function*() {
      const html = yield* once(Script.notSse("<html>Sign in</html>", "text/html"))
      expect(badEnd(html)).toBeUndefined()
      expect(html.error?._tag).toBe("UnexpectedResponse")
      const garbage = yield* once(Script.turn([Script.text("Well"), Script.garbage("{\"type\":")]))
      expect(badEnd(garbage)).toBeUndefined()
      expect(garbage.error?._tag).toBe("UnexpectedResponse")
      expect(garbage.tags).toContain("TextDelta")
    }))

  it.effect("law 1: a fetch that aborts by itself is a failure, not an end", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      yield* simulator.inject(Script.reset({ afterEvents: 4 }), ({ path }) => path === "/responses")
      const seen = yield* observe(service.run(thread.id))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", how: "reset" })
    }).pipe(Effect.provide(threads([Script.text("Hello there")]))))

  it.effect("law 1: keepalives and comments are no news, unknown events are passed on", () =>
    Effect.gen(function*() {
      const seen = yield* once(
        Script.turn([
          Script.keepalive,
          Script.comment("x"),
          Script.unknownEvent("response.new.thing"),
          Script.text("Hi")
        ])
      )
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.tags.filter((tag) => tag === "Unknown")).toHaveLength(1)
      expect(seen.error).toBeUndefined()
    }))

  it.effect("law 1: HTTP errors fail before any event of the model", () =>
    Effect.forEach(
      [
        [Script.httpError({ status: 401, code: "invalid_api_key" }), "AuthenticationError"],
        [Script.httpError({ status: 429, code: "rate_limit_exceeded" }), "RateLimited"],
        [Script.httpError({ status: 429, code: "insufficient_quota" }), "QuotaExceeded"],
        [Script.httpError({ status: 500, code: "server_error" }), "ServerError"],
        [Script.httpError({ status: 400, code: "context_length_exceeded" }), "ContextOverflow"],
        [Script.httpError({ status: 400, code: "conversation_locked" }), "ThreadBusy"],
        [Script.httpError({ status: 404, code: "model_not_found" }), "ResourceNotFound"]
      ] as const,
      ([turn, tag]) =>
        Effect.map(noRetries(once(turn)), (seen) => {
          expect(badEnd(seen)).toBeUndefined()
          expect(seen.error?._tag).toBe(tag)
          expect(seen.tags).toEqual(["RunStarted"])
        })
    ))

  it.effect("law 1: holds for a fault at every event, and for the terminals too", () =>
    Effect.gen(function*() {
      const whole = yield* once(rich())
      expect(badEnd(whole)).toBeUndefined()
      let completed = 0
      for (let position = 0; position < 40; position++) {
        for (const fault of [Script.cut({ afterEvents: position }), Script.reset({ afterEvents: position })]) {
          const seen = yield* once(rich(fault))
          expect(badEnd(seen), JSON.stringify(fault)).toBeUndefined()
          const result = yield* Effect.gen(function*() {
            const service = yield* Threads.Threads
            const thread = yield* service.create()
            return yield* Effect.exit(Run.result(service.run(thread.id)))
          }).pipe(Effect.provide(threads([rich(fault)])))
          expect(Exit.isSuccess(result), JSON.stringify(fault)).toBe(seen.error === undefined)
          if (seen.error === undefined) completed++
          else expect(seen.error._tag).toBe("ConnectionLost")
        }
      }
      // Some positions are behind the end, most are not.
      expect(completed).toBeGreaterThan(0)
      expect(completed).toBeLessThan(60)
    }), 60_000)

  it.effect("law 1: holds for a cut at every byte of the last events", () =>
    Effect.gen(function*() {
      for (let bytes = 0; bytes < 6000; bytes += 131) {
        const seen = yield* once(rich(Script.cut({ afterBytes: bytes })))
        expect(badEnd(seen), String(bytes)).toBeUndefined()
      }
    }), 60_000)

  it.effect("law 1: the parser gives the same events however the body is cut into reads", () =>
    Effect.gen(function*() {
      const expected = yield* once(Script.text("Grüße, 世界! 🙂"))
      for (const readBytes of [1, 2, 3, 7, 64, 100_000]) {
        const seen = yield* once(Script.turn([Script.text("Grüße, 世界! 🙂")], { readBytes }))
        expect(seen.tags).toEqual(expected.tags)
        expect(seen.events.at(-1)).toMatchObject({ text: "Grüße, 世界! 🙂" })
      }
    }))

  it.effect("law 1: holds over another implementation of OpenAI, whose stream just ends", () =>
    Effect.gen(function*() {
      const openai = yield* OpenAI.OpenAI
      const service = yield* Threads.Threads.pipe(
        Effect.provide(Threads.layer),
        Effect.provideService(OpenAI.OpenAI, {
          ...openai,
          responses: { ...openai.responses, stream: () => Stream.make({ type: "response.in_progress" }) }
        })
      )
      const thread = yield* service.create()
      const seen = yield* observe(service.run(thread.id))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", how: "eof" })
    }).pipe(Effect.provide(threads([]))))

  it.effect("law 1: a reader that stops early ends the run, and the thread goes on", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      yield* Stream.runDrain(Stream.take(service.run(thread.id, { message: "One" }), 4))
      expect(yield* simulator.openStreams).toBe(0)
      const fiber = yield* Effect.fork(
        Stream.runForEach(
          service.run(thread.id, { message: "Two" }),
          ({ _tag }) => _tag === "TextDelta" ? Effect.never : Effect.void
        )
      )
      yield* simulator.advance("1 second")
      yield* Fiber.interrupt(fiber)
      expect(yield* simulator.openStreams).toBe(0)
      expect(yield* Run.text(service.run(thread.id, { message: "Three" }))).toBe("Third")
    }).pipe(Effect.provide(threads([Script.text("First of all"), Script.text("Second"), Script.text("Third")]))))
})

describe("requires_action", () => {
  it.effect("a function call ends the run, and submit carries its output on", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create()
      const first = yield* Run.result(service.run(thread.id, { message: "Weather?" }))
      expect(first.status).toBe("requires_action")
      const [pending] = first.pending
      if (pending?._tag !== "PendingCall") throw new Error("no call is pending")
      expect(pending.call).toMatchObject({ name: "weather", arguments: "{\"city\":\"Rome\"}" })
      const rejected = yield* observe(service.run(thread.id, { message: "Hello?" }))
      expect(rejected.error).toMatchObject({ _tag: "ThreadBusy", why: "requires_action" })
      const second = yield* Run.result(
        service.submit(thread.id, [{ callId: pending.call.callId, output: "sunny" }])
      )
      expect(second).toMatchObject({ status: "completed", text: "It is sunny." })
      const orphan = yield* observe(
        service.submit(thread.id, [{ callId: Thread.CallId.make("call_unknown"), output: "x" }])
      )
      expect(orphan.error).toMatchObject({ _tag: "InvalidInput", field: "answers" })
      expect((yield* observe(service.submit(thread.id, []))).error?._tag).toBe("InvalidInput")
    }).pipe(
      Effect.provide(threads([Script.functionCall("weather", { city: "Rome" }), Script.text("It is sunny.")]))
    ))
})
