import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Schedule, Stream } from "effect"
import {
  OpenAI,
  type OpenAIError,
  RetryPolicy,
  type RunEvent,
  Thread,
  Threads,
  ThreadStore
} from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { badEnd, collect, observe } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const isModelCall = ({ method, path }: Simulator.InjectionTarget) => method === "POST" && path === "/responses"
const isItemWrite = ({ method, path }: Simulator.InjectionTarget) => method === "POST" && path.endsWith("/items")

const modelCalls = Effect.gen(function*() {
  const simulator = yield* Simulator.Simulator
  return (yield* simulator.requests).filter(isModelCall).length
})

const retries = (events: ReadonlyArray<RunEvent.RunEvent>) => events.filter((event) => event._tag === "Retrying")

const runOnce = (policy?: RetryPolicy.Policy) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const thread = yield* service.create()
    const run = observe(service.run(thread.id, { message: "Hi" }))
    return yield* (policy === undefined ? run : Effect.provideService(run, RetryPolicy.RetryPolicy, policy))
  })

const limited = (headers: Record<string, string> = {}) =>
  Script.httpError({ status: 429, code: "rate_limit_exceeded", headers })

describe("law 6: what was certainly not taken is sent again", () => {
  const cases: Record<string, readonly [Script.Fault | Script.HttpError, string]> = {
    "429 rate_limit_exceeded": [limited(), "RateLimited"],
    "429 slow_down": [Script.httpError({ status: 429, code: "slow_down" }), "RateLimited"],
    "400 conversation_locked": [Script.httpError({ status: 400, code: "conversation_locked" }), "ThreadBusy"],
    "503 with retry-after": [Script.httpError({ status: 503, headers: { "retry-after": "1" } }), "ServerError"],
    "503 server_is_overloaded": [Script.httpError({ status: 503, code: "server_is_overloaded" }), "ServerError"],
    "a refused connection": [Script.refuse, "ConnectionFailed"],
    "a connection that takes too long": [Script.connectTimeout, "TimedOut"]
  }
  for (const [name, [fault, reason]] of Object.entries(cases)) {
    it.effect(`law 6: ${name}, for a call of the model`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        yield* simulator.inject(fault, isModelCall)
        yield* simulator.inject(fault, isModelCall)
        const seen = yield* advancing(runOnce(), "1 minute")
        expect(badEnd(seen)).toBeUndefined()
        expect(seen.error).toBeUndefined()
        expect(retries(seen.events)).toMatchObject([{ attempt: 1, reason, step: 0 }, { attempt: 2, reason, step: 0 }])
        expect(yield* modelCalls).toBe(3)
        expect((yield* simulator.threads)[0]!.items).toHaveLength(2)
      }).pipe(Effect.provide(threads(["Hello"]))))

    it.effect(`law 6: ${name}, for a write to the thread`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        yield* simulator.inject(fault, isItemWrite)
        const seen = yield* advancing(runOnce(), "1 minute")
        expect(seen.error).toBeUndefined()
        expect(seen.tags.slice(0, 2)).toEqual(["Retrying", "RunStarted"])
        expect((yield* simulator.threads)[0]!.items).toHaveLength(2)
      }).pipe(Effect.provide(threads(["Hello"]))))
  }
})

describe("law 6: what may have been taken is not", () => {
  const cases: Record<string, readonly [Script.Fault | Script.HttpError, Partial<OpenAIError.RequestError>]> = {
    "500": [Script.httpError({ status: 500 }), { _tag: "ServerError", accepted: "unknown" }],
    "502 of a gateway": [Script.httpError({ status: 502, body: "<html>" }), {
      _tag: "ServerError",
      accepted: "unknown"
    }],
    "503 without a word": [Script.httpError({ status: 503 }), { _tag: "ServerError", accepted: "unknown" }],
    // A proxy's words are not the server's: only a header says that the request was not taken.
    "503 that tells a wait in words only": [
      Script.httpError({ status: 503, message: "Upstream timed out, please try again in 5s." }),
      { _tag: "ServerError", accepted: "unknown" }
    ],
    "504": [Script.httpError({ status: 504, handled: true }), { _tag: "ServerError", accepted: "unknown" }],
    "a reset before the headers": [Script.reset(), { _tag: "ConnectionLost", phase: "request", accepted: "unknown" }],
    "headers that do not come": [
      Script.stall({ headers: true }),
      { _tag: "TimedOut", phase: "firstByte", accepted: "unknown" }
    ],
    "no quota": [Script.httpError({ status: 429, code: "insufficient_quota" }), { _tag: "QuotaExceeded" }]
  }
  for (const [name, [fault, error]] of Object.entries(cases)) {
    it.effect(`law 6: ${name}: the model is asked once`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        yield* simulator.inject(fault, isModelCall)
        const seen = yield* advancing(runOnce(), "10 minutes")
        expect(badEnd(seen)).toBeUndefined()
        expect(seen.error).toMatchObject({ ...error, isRetryable: false })
        expect(retries(seen.events)).toEqual([])
        expect(yield* modelCalls).toBe(1)
      }).pipe(Effect.provide(threads([Script.always("Hello")]))))
  }

  it.effect("law 6: an error inside a stream is not answered with another call", () =>
    Effect.gen(function*() {
      const seen = yield* advancing(runOnce(), "1 minute")
      expect(seen.error?._tag).toBe("RateLimited")
      expect(yield* modelCalls).toBe(1)
    }).pipe(Effect.provide(threads([Script.failure("rate_limit_exceeded")]))))
})

describe("law 6: waits", () => {
  const delays = (events: ReadonlyArray<RunEvent.RunEvent>) =>
    retries(events).map(({ delay }) => Duration.toMillis(delay))

  it.effect("law 6: retry-after is honoured beyond a minute, retry-after-ms as well, with jitter on top", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(limited({ "retry-after": "120" }), isModelCall)
      yield* simulator.inject(limited({ "retry-after-ms": "2500" }), isModelCall)
      const seen = yield* advancing(runOnce(), "5 minutes")
      expect(seen.error).toBeUndefined()
      const [first, second] = delays(seen.events)
      expect(first).toBeGreaterThanOrEqual(120_250)
      expect(first).toBeLessThanOrEqual(120_500)
      expect(second).toBeGreaterThanOrEqual(3_000)
      expect(second).toBeLessThanOrEqual(3_500)
    }).pipe(Effect.provide(threads(["Hello"]))))

  it.effect("law 6: a wait beyond the budget is not begun", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(limited({ "retry-after": "200" }), isModelCall)
      yield* simulator.inject(limited({ "retry-after": "200" }), isModelCall)
      const seen = yield* advancing(runOnce(), "4 minutes")
      expect(seen.error).toMatchObject({ _tag: "RateLimited", retryAfter: Duration.seconds(200) })
      expect(delays(seen.events)).toHaveLength(1)
    }).pipe(Effect.provide(threads([]))))

  it.effect("law 6: the backoff doubles up to 8 seconds and ends after five more attempts", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      for (let i = 0; i < 6; i++) yield* simulator.inject(Script.refuse, isModelCall)
      const seen = yield* advancing(runOnce(), "1 minute")
      expect(seen.error?._tag).toBe("ConnectionFailed")
      const waited = delays(seen.events)
      expect(waited).toHaveLength(5)
      for (const [index, delay] of waited.entries()) {
        const backoff = Math.min(500 * 2 ** index, 8_000)
        expect(delay).toBeGreaterThanOrEqual(backoff / 2)
        expect(delay).toBeLessThanOrEqual(backoff)
      }
      expect(new Set(waited.map((delay, index) => delay / 2 ** index)).size).toBeGreaterThan(1)
    }).pipe(Effect.provide(threads([]))))

  it.effect("law 6: any schedule can be the policy, but it cannot resend what must not be", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const policy = Schedule.spaced("1 second")
      for (let i = 0; i < 9; i++) yield* simulator.inject(Script.refuse, isModelCall)
      const seen = yield* advancing(runOnce(policy), "9 seconds")
      expect(seen.error).toBeUndefined()
      expect(delays(seen.events)).toEqual(Array.from({ length: 9 }, () => 1_000))
      yield* simulator.inject(Script.httpError({ status: 500 }), isModelCall)
      expect(retries((yield* advancing(runOnce(policy), "9 seconds")).events)).toEqual([])
      yield* simulator.inject(Script.refuse, isModelCall)
      expect((yield* runOnce(RetryPolicy.none)).error?._tag).toBe("ConnectionFailed")
    }).pipe(Effect.provide(threads([Script.always("Hello")]))))

  it.effect("law 6: the layer of a policy counts for what it is provided to", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const { conversations } = yield* OpenAI.OpenAI
      yield* simulator.inject(Script.refuse)
      expect((yield* Effect.flip(conversations.create()))._tag).toBe("ConnectionFailed")
    }).pipe(Effect.provide(Layer.merge(OpenAITest.layer([]), RetryPolicy.layer(RetryPolicy.none)))))

  it.effect("law 6: a thread that stays locked is ThreadBusy in the end", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      for (let i = 0; i < 6; i++) {
        yield* simulator.inject(Script.httpError({ status: 400, code: "conversation_locked" }), isModelCall)
      }
      const seen = yield* advancing(runOnce(), "1 minute")
      expect(seen.error).toMatchObject({ _tag: "ThreadBusy", why: "locked" })
      expect(retries(seen.events)).toHaveLength(5)
    }).pipe(Effect.provide(threads([]))))

  it.effect("law 7: a wait can be interrupted", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(limited({ "retry-after": "100" }), isModelCall)
      const fiber = yield* Effect.fork(runOnce())
      yield* simulator.advance("1 second")
      yield* Fiber.interrupt(fiber)
      expect(yield* modelCalls).toBe(1)
    }).pipe(Effect.provide(threads([]))))
})

describe("law 6: reads", () => {
  it.effect("law 6: are sent again after any 5xx, a reset or a silence", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const { conversations, responses } = yield* OpenAI.OpenAI
      const { id } = yield* conversations.create({ items: [{ role: "user", content: "Hi" }] })
      for (
        const fault of [
          Script.httpError({ status: 500 }),
          Script.httpError({ status: 502, body: "<html>" }),
          Script.reset(),
          Script.stall({ headers: true })
        ]
      ) {
        yield* simulator.inject(fault)
        expect((yield* advancing(conversations.retrieve(Thread.ThreadId.make(id)), "5 minutes")).id).toBe(id)
        yield* simulator.inject(fault)
        const items = collect(conversations.listItems(Thread.ThreadId.make(id)))
        expect(yield* advancing(items, "5 minutes")).toHaveLength(1)
        yield* simulator.inject(fault)
        expect(yield* advancing(responses.countInputTokens({ model: "m", input: "Hi" }), "5 minutes")).toBeGreaterThan(
          0
        )
      }
      yield* simulator.inject(Script.httpError({ status: 500 }))
      expect((yield* Effect.flip(conversations.create()))._tag).toBe("ServerError")
    }).pipe(Effect.provide(OpenAITest.layer([]))))
})

describe("law 6: a write to a thread whose outcome nobody heard", () => {
  const lost: Record<string, Script.Fault | Script.HttpError> = {
    "carried out": Script.reset(),
    "carried out, with a 502": Script.httpError({ status: 502, handled: true }),
    "not carried out": Script.httpError({ status: 500 })
  }
  const texts = Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    return (yield* simulator.threads)[0]!.items.map((item) => (item["content"] as [{ text: string }])[0].text)
  })

  for (const [name, fault] of Object.entries(lost)) {
    it.effect(`law 6: is in it once (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        yield* service.addMessage(id, "One")
        yield* simulator.inject(fault, isItemWrite)
        const message = yield* advancing(service.addMessage(id, "Two"), "1 minute")
        expect(Thread.textOf(message)).toBe("Two")
        expect(yield* texts).toEqual(["One", "Two"])
        // The same words once more are another message.
        yield* simulator.inject(fault, isItemWrite)
        const again = yield* advancing(service.addMessage(id, "Two"), "1 minute")
        expect(again.id).not.toBe(message.id)
        expect(yield* texts).toEqual(["One", "Two", "Two"])
      }).pipe(Effect.provide(threads([]))))

    it.effect(`law 6: is in it once, in a run (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        yield* simulator.inject(fault, isItemWrite)
        const seen = yield* advancing(runOnce(), "1 minute")
        expect(seen.error).toBeUndefined()
        expect(retries(seen.events)).toHaveLength(1)
        expect(yield* texts).toEqual(["Hi", "Hello"])
      }).pipe(Effect.provide(threads(["Hello"]))))

    it.effect(`law 6: goes on where it broke (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const store = yield* ThreadStore.ThreadStore
        const { id } = yield* store.create({})
        const users = Array.from({ length: 45 }, (_, index) => ({ role: "user" as const, content: `message ${index}` }))
        yield* simulator.inject(fault, ({ body }) => JSON.stringify(body ?? "").includes("message 20"))
        const written = yield* advancing(store.append(id, users), "1 minute")
        expect(written.map((item) => item._tag === "Message" ? Thread.textOf(item) : "")).toEqual(
          users.map(({ content }) => content)
        )
        expect(yield* texts).toEqual(users.map(({ content }) => content))
      }).pipe(Effect.provide(threads([]))))
  }

  for (const [name, fault] of Object.entries(lost)) {
    it.effect(`law 6: is told from an equal one that the thread was made with (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const service = yield* Threads.Threads
        const { id } = yield* service.create({ messages: ["Yes", "Yes"] })
        yield* simulator.inject(fault, isItemWrite)
        const message = yield* advancing(service.addMessage(id, "Yes"), "1 minute")
        expect(yield* texts).toEqual(["Yes", "Yes", "Yes"])
        expect((yield* simulator.threads)[0]!.items.at(-1)!.id).toBe(message.id)
      }).pipe(Effect.provide(threads([]))))

    for (const deleted of ["the last", "one before it"]) {
      it.effect(`law 6: is told from an equal one that is left after ${deleted} was deleted (${name})`, () =>
        Effect.gen(function*() {
          const simulator = yield* Simulator.Simulator
          const service = yield* Threads.Threads
          const store = yield* ThreadStore.ThreadStore
          const { id } = yield* service.create()
          const first = yield* service.addMessage(id, "Oops")
          yield* service.addMessage(id, "Yes")
          const last = yield* service.addMessage(id, deleted === "the last" ? "Oops" : "Yes")
          yield* store.deleteItem(id, deleted === "the last" ? last.id : first.id)
          const before = yield* texts
          yield* simulator.inject(fault, isItemWrite)
          yield* advancing(service.addMessage(id, "Yes"), "1 minute")
          expect(yield* texts).toEqual([...before, "Yes"])
        }).pipe(Effect.provide(threads([]))))
    }

    it.effect(`law 6: is told from equal ones of the same write (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const store = yield* ThreadStore.ThreadStore
        const { id } = yield* store.create({})
        // The second request has the last one, which equals the end of the first.
        let requests = 0
        yield* simulator.inject(fault, (request) => isItemWrite(request) && ++requests === 2)
        const users = Array.from({ length: 21 }, (_, index) => ({
          role: "user" as const,
          content: index < 18 ? `message ${index}` : "Yes"
        }))
        const written = yield* advancing(store.append(id, users), "1 minute")
        expect(new Set(written.map((item) => item.id)).size).toBe(21)
        expect(yield* texts).toEqual(users.map(({ content }) => content))
      }).pipe(Effect.provide(threads([]))))

    it.effect(`law 6: is not done again where nobody knows what was there before (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const id = Thread.ThreadId.make(
          (yield* (yield* OpenAI.OpenAI).conversations.create({
            items: [{ role: "user", content: "Yes" }]
          })).id
        )
        const service = yield* Threads.Threads
        yield* simulator.inject(fault, isItemWrite)
        const error = yield* advancing(Effect.flip(service.addMessage(id, "Yes")), "1 minute")
        expect(error).toMatchObject({ accepted: "unknown" })
        expect(yield* texts).toEqual(name === "not carried out" ? ["Yes"] : ["Yes", "Yes"])
      }).pipe(Effect.provide(threads([]))))
  }

  const unreadable: Record<string, Partial<Parameters<typeof Script.httpError>[0]>> = {
    "no JSON": { body: "<html>", contentType: "text/html" },
    "JSON that is cut": { body: "{\"object\":\"list\",\"da", contentType: "application/json" },
    "a list without its items": { body: "{\"object\":\"list\",\"data\":[]}", contentType: "application/json" }
  }
  for (const [name, answer] of Object.entries(unreadable)) {
    it.effect(`law 6: is looked for after a 200 that cannot be read (${name})`, () =>
      Effect.gen(function*() {
        const simulator = yield* Simulator.Simulator
        const service = yield* Threads.Threads
        const { id } = yield* service.create({ messages: ["Yes"] })
        yield* simulator.inject(Script.httpError({ ...answer, status: 200, handled: true }), isItemWrite)
        const message = yield* service.addMessage(id, "Yes")
        expect((yield* simulator.threads)[0]!.items.map((item) => item.id)[1]).toBe(message.id)
        // A proxy's page, and nothing was written: nothing is written now either.
        yield* simulator.inject(Script.httpError({ ...answer, status: 200 }), isItemWrite)
        const error = yield* Effect.flip(service.addMessage(id, "No"))
        expect(error._tag).toBe("UnexpectedResponse")
        expect(yield* texts).toEqual(["Yes", "Yes"])
      }).pipe(Effect.provide(threads([]))))
  }

  it.effect("law 6: says how much was written when it is given up", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const store = yield* ThreadStore.ThreadStore
      const { id } = yield* store.create({})
      const users = Array.from({ length: 45 }, (_, index) => ({ role: "user" as const, content: `message ${index}` }))
      for (let i = 0; i < 6; i++) {
        yield* simulator.inject(limited(), ({ body }) => JSON.stringify(body ?? "").includes("message 40"))
      }
      const error = yield* advancing(Effect.flip(store.append(id, users)), "1 minute")
      expect(error).toMatchObject({ _tag: "PartlyWritten", written: 40, total: 45, cause: { _tag: "RateLimited" } })
      expect(yield* texts).toHaveLength(40)
    }).pipe(Effect.provide(threads([]))))
})

describe("law 3: an answer whose end was not heard", () => {
  const parts = [Script.reasoning("Hm."), Script.text("Hello there, you", { chunks: ["Hello ", "there", ", you"] })]
  const undisturbed = Effect.provide(runOnce(), threads([Script.turn(parts)]))

  for (const afterDisconnect of ["completed", "unappended"] as const) {
    for (
      const fault of [
        Script.cut({ afterEvents: 9 }),
        Script.reset({ afterEvents: 9 }),
        Script.reset({ afterEvents: 2 })
      ]
    ) {
      it.effect(`law 3: ends the run as if it had been (${afterDisconnect}, ${JSON.stringify(fault)})`, () =>
        Effect.gen(function*() {
          const whole = yield* undisturbed
          const simulator = yield* Simulator.Simulator
          const seen = yield* advancing(runOnce(), "15 seconds")
          expect(badEnd(seen)).toBeUndefined()
          expect(seen.error).toBeUndefined()
          const text = (events: ReadonlyArray<RunEvent.RunEvent>) =>
            events.map((event) => event._tag === "TextDelta" ? event.delta : "").join("")
          expect(text(seen.events)).toBe(text(whole.events))
          const kinds = (tags: ReadonlyArray<string>) => tags.filter((tag) => !tag.endsWith("Delta"))
          expect(kinds(seen.tags)).toEqual(kinds(whole.tags))
          expect(seen.events.at(-1)).toMatchObject({ status: "completed", text: "Hello there, you" })
          const items = (yield* simulator.threads)[0]!.items
          expect(items.filter((item) => item.type === "message")).toHaveLength(2)
          // The next turn is accepted.
          const service = yield* Threads.Threads
          const threadId = Thread.ThreadId.make((yield* simulator.threads)[0]!.id)
          const next = yield* observe(service.run(threadId, { message: "Next" }))
          expect(next.error).toBeUndefined()
        }).pipe(Effect.provide(threads([Script.turn(parts, { fault, afterDisconnect }), "Fine"]))))
    }
  }

  it.effect("law 3: a call that was not appended can be answered", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const seen = yield* advancing(runOnce(), "15 seconds")
      const end = seen.events.at(-1)
      if (end?._tag !== "RunCompleted") throw new Error(String(seen.error))
      expect(end.status).toBe("requires_action")
      const [pending] = end.pending
      if (pending?._tag !== "PendingCall") throw new Error("no call is pending")
      const answered = service.submit(end.threadId, [{ callId: pending.call.callId, output: "noon" }])
      expect((yield* observe(answered)).error).toBeUndefined()
    }).pipe(Effect.provide(threads([
      Script.turn([Script.reasoning(), Script.functionCall("clock", {})], {
        fault: Script.reset({ afterEvents: 5 }),
        afterDisconnect: "unappended"
      }),
      "It is noon."
    ]))))

  it.effect("law 3: of a shell that OpenAI runs nothing is appended, rather than half of it", () =>
    Effect.gen(function*() {
      const seen = yield* advancing(runOnce(), "15 seconds")
      expect(seen.error).toBeUndefined()
      const simulator = yield* Simulator.Simulator
      expect((yield* simulator.threads)[0]!.items.map(({ type }) => type)).toEqual(["message", "message"])
    }).pipe(Effect.provide(threads([
      Script.turn([
        Script.toolCall("shell_call", { call_id: "call_1", environment: { type: "container_reference" } }),
        Script.toolCall("shell_call_output", { call_id: "call_1", output: [] }),
        Script.text("Done.")
      ], { fault: Script.reset({ afterEvents: 5 }), afterDisconnect: "unappended" })
    ]))))

  it.effect("law 3: what was cancelled is ConnectionLost with the text so far, and the thread goes on", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const seen = yield* advancing(observe(service.run(id, { message: "Hi" })), "15 seconds")
      expect(seen.error).toMatchObject({ _tag: "ConnectionLost", how: "reset", partial: "Hello there" })
      expect((yield* observe(service.run(id))).error).toBeUndefined()
    }).pipe(Effect.provide(threads([Script.turn(parts, { fault: Script.reset({ afterEvents: 12 }) }), "Fine"]))))

  it.effect("law 13: and a healthy run asks nobody what became of it", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* runOnce()
      expect((yield* simulator.requests).map(({ method, path }) => `${method} ${path.replace(/conv_\w+/, "ID")}`))
        .toEqual([
          "POST /conversations",
          "POST /conversations/ID/items",
          "POST /responses"
        ])
    }).pipe(Effect.provide(threads(["Hello"]))))
})

describe("onStop", () => {
  it.effect("law 1: detach lets the run go on to its end without its reader", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const { id } = yield* service.create()
      yield* Stream.runDrain(Stream.take(service.run(id, { message: "Hi", onStop: "detach" }), 4))
      yield* simulator.advance("10 seconds")
      expect((yield* simulator.threads)[0]!.items).toHaveLength(2)
      expect((yield* simulator.threads)[0]!.locked).toBe(false)
      expect(yield* simulator.openStreams).toBe(0)
      const slow = yield* Effect.fork(Stream.runDrain(service.run(id, { message: "Again", onStop: "detach" })))
      yield* simulator.advance("2 seconds")
      yield* Fiber.interrupt(slow)
      const third = yield* advancing(observe(service.run(id, { message: "And again" })), "1 minute")
      expect(third.error).toBeUndefined()
      expect((yield* simulator.threads)[0]!.items).toHaveLength(6)
    }).pipe(Effect.provide(threads([
      Script.text("One two three four"),
      Script.turn([Script.text("a b c d")], { latency: "1 second" }),
      "Fine"
    ]))))

  it.effect("law 1: a detached run that is read to its end is like any other", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const seen = yield* observe(service.run(id, { message: "Hi", onStop: "detach" }))
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.tags.at(-1)).toBe("RunCompleted")
      const failed = yield* observe(service.run(id, { message: "Hi", onStop: "detach" }))
      expect(failed.error?._tag).toBe("RunFailed")
    }).pipe(Effect.provide(threads(["Hello", Script.failure("server_error")]))))
})
