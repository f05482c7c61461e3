import { describe, expect, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Fiber, Layer, Stream, Supervisor } from "effect"
import { OpenAI, RateLimits, RetryPolicy, Run, Threads, Timeouts } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import { advancing } from "./laws/advancing.ts"
import { threads } from "./support/layers.ts"
import { inOwnTime, pass, passing } from "./support/time.ts"

const model = (rateLimits: Simulator.RateLimits, script: Script.Script = [Script.always("Hi")]) =>
  OpenAITest.layer(script, { rateLimits })

const unlimited = (script: Script.Script = [Script.always("Hi")]) => OpenAITest.layer(script)

const perTenSeconds = (limit: number) => ({ requests: { limit, per: "10 seconds" } }) as const

const ask = (input: string, params: { readonly model?: string; readonly max_output_tokens?: number } = {}) =>
  Effect.flatMap(
    OpenAI.OpenAI,
    ({ responses }) => Stream.runDrain(responses.stream({ model: "any", input, ...params }))
  )

const noRetries = Effect.provideService(RetryPolicy.RetryPolicy, RetryPolicy.none)

const inMode = (mode: RateLimits.Mode) => Effect.provideService(RateLimits.RateLimits, { mode })

const upTo = (maxWait: Duration.DurationInput) => Effect.provideService(RateLimits.RateLimits, { maxWait })

const state = Effect.flatMap(OpenAI.OpenAI, ({ rateLimits }) => rateLimits)

const waiting = Effect.map(state, (models) => models.map((model) => model.waiting))

/** What the model was asked so far, with what was refused. */
const asked = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests),
  (requests) => requests.map(({ body }) => String((body as { readonly input?: unknown }).input))
)

const statuses = Effect.map(
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.requests),
  (requests) => requests.map(({ status }) => status)
)

const advance = (duration: Duration.DurationInput) =>
  Effect.flatMap(Simulator.Simulator, (simulator) => simulator.advance(duration))

/** Begins one after the other, so that their order is known. */
const forkAll = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.forEach(effects, (effect) => Effect.zipLeft(Effect.fork(effect), Effect.yieldNow()))

const refuse = (headers: Record<string, string>) =>
  Effect.flatMap(
    Simulator.Simulator,
    (simulator) => simulator.inject(Script.httpError({ status: 429, code: "rate_limit_exceeded", headers }))
  )

const names = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe("a limit that is told", () => {
  it.effect("holds back what there is no room for, and lets it go in order as room comes back", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const fibers = yield* forkAll(names(8).map((name) => ask(name)))
      yield* advance("0 millis")
      expect(yield* asked).toEqual(["first", "0", "1", "2", "3"])
      expect(yield* waiting).toEqual([4])
      yield* advance("1999 millis")
      expect(yield* waiting).toEqual([4])
      yield* advance("1 millis")
      expect(yield* waiting).toEqual([3])
      yield* advance("10 seconds")
      yield* Fiber.joinAll(fibers)
      expect(yield* asked).toEqual(["first", ...names(8)])
      expect(new Set(yield* statuses)).toEqual(new Set([200]))
    }).pipe(Effect.provide(model(perTenSeconds(5)))))

  it.effect("holds back what would need more tokens than there are", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const large = yield* Effect.fork(ask("large", { max_output_tokens: 900 }))
      const second = yield* Effect.fork(ask("larger", { max_output_tokens: 900 }))
      yield* advance("1 second")
      // Who comes later does not go before, even if there is room for it.
      const small = yield* Effect.fork(ask("small"))
      yield* advance("1 second")
      expect(yield* asked).toEqual(["first", "large"])
      yield* advance("1 minute")
      yield* Fiber.joinAll([large, second, small])
      expect(yield* asked).toEqual(["first", "large", "larger", "small"])
      expect(new Set(yield* statuses)).toEqual(new Set([200]))
    }).pipe(Effect.provide(model({ tokens: { limit: 1_000, per: "30 seconds" } }))))

  it.effect("leaves to the server what could never have room", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const error = yield* Effect.flip(noRetries(advancing(ask("x", { max_output_tokens: 5_000 }), "1 minute")))
      expect(error).toMatchObject({ _tag: "RateLimited", code: "rate_limit_exceeded" })
    }).pipe(Effect.provide(model({ tokens: { limit: 1_000, per: "30 seconds" } }))))

  it.effect("counts what a thread at OpenAI holds as much as its last answer did", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create({ messages: ["word ".repeat(400)] })
      yield* Run.text(service.run(id, { message: "One" }))
      const second = yield* Effect.fork(Run.text(service.run(id, { message: "Two" })))
      yield* advance("1 second")
      expect((yield* state)[0]).toMatchObject({ model: "test-model", waiting: 1 })
      yield* advance("1 minute")
      yield* Fiber.join(second)
      expect((yield* statuses).includes(429)).toBe(false)
    }).pipe(Effect.provide(
      threads([Script.always("Hi")], { simulator: { rateLimits: { tokens: { limit: 1_000, per: "1 minute" } } } })
    )))

  it.effect("counts for a thread what it holds itself, and not what others hold", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id: large } = yield* service.create({ messages: ["word ".repeat(400)] })
      const { id: small } = yield* service.create()
      yield* Run.text(service.run(large, { message: "One" }))
      yield* Run.text(service.run(small, { message: "One" }))
      yield* Run.text(service.run(small, { message: "Two" }))
      const held = yield* Effect.fork(Run.text(service.run(large, { message: "Two" })))
      yield* advance("1 second")
      expect((yield* state)[0]).toMatchObject({ waiting: 1 })
      yield* advance("1 minute")
      yield* Fiber.join(held)
    }).pipe(Effect.provide(
      threads([Script.always("Hi")], { simulator: { rateLimits: { tokens: { limit: 1_000, per: "1 minute" } } } })
    )))

  it.effect("counts what a response holds that is gone on from", () =>
    Effect.gen(function*() {
      const { responses } = yield* OpenAI.OpenAI
      const { id } = yield* responses.create({ model: "any", input: "word ".repeat(400) })
      const next = yield* Effect.fork(responses.create({ model: "any", input: "Hi", previous_response_id: id }))
      yield* advance("1 second")
      expect(yield* waiting).toEqual([1])
      yield* responses.create({ model: "other", input: "Hi" })
      yield* advance("1 minute")
      yield* Fiber.join(next)
      expect(new Set(yield* statuses)).toEqual(new Set([200]))
    }).pipe(Effect.provide(model({ tokens: { limit: 1_000, per: "1 minute" } }))))

  it.effect("is not worn out by what could never have room", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* ask("first")
      // It goes when the bucket is full, and the server says nothing of it.
      yield* simulator.inject(Script.stall({ headers: true }), ({ body }) => JSON.stringify(body).includes("too large"))
      const large = yield* Effect.fork(ask("too large", { max_output_tokens: 100_000 }))
      yield* advance("2 seconds")
      expect(yield* asked).toEqual(["first", "too large"])
      const next = yield* Effect.fork(ask("next"))
      yield* advance("5 seconds")
      expect(yield* asked).toEqual(["first", "too large", "next"])
      yield* Fiber.join(next)
      yield* Fiber.interrupt(large)
    }).pipe(Effect.provide(model({ tokens: { limit: 1_000, per: "10 seconds" } }))))

  it.effect("waits as long as needed for an answer as a whole, too", () =>
    Effect.gen(function*() {
      const { responses } = yield* OpenAI.OpenAI
      const create = responses.create({ model: "any", input: "Hi" })
      yield* create
      // Neither the silence of the server nor the whole answer takes as long as the wait.
      const patience = Effect.provideService(Timeouts.Timeouts, { firstByte: "1 second", total: "2 seconds" })
      const fiber = yield* Effect.fork(patience(create))
      yield* advance("9 seconds")
      expect(yield* waiting).toEqual([1])
      yield* advance("1 second")
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("is one for each model", () =>
    Effect.gen(function*() {
      yield* ask("first", { model: "one" })
      const held = yield* Effect.fork(ask("second", { model: "one" }))
      yield* advance("1 second")
      yield* ask("other", { model: "two" })
      expect(yield* asked).toEqual(["first", "other"])
      expect(yield* state).toMatchObject([
        { model: "one", waiting: 1 },
        { model: "two", waiting: 0, requests: { limit: 1, remaining: 0 } }
      ])
      yield* advance("10 seconds")
      yield* Fiber.join(held)
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("is known by OpenAI.rateLimits", () =>
    Effect.gen(function*() {
      expect(yield* state).toEqual([])
      yield* ask("first")
      yield* ask("second")
      yield* advance("1 second")
      const [known] = yield* state
      expect(known).toEqual({
        model: "any",
        requests: { limit: 20, remaining: 19, reset: Duration.seconds(1) },
        tokens: { limit: 2_000, remaining: expect.any(Number), reset: expect.anything() },
        projectTokens: undefined,
        blockedUntil: undefined,
        waiting: 0
      })
    }).pipe(Effect.provide(model({
      requests: { limit: 20, per: "20 seconds" },
      tokens: { limit: 2_000, per: "1 minute" }
    }))))
})

describe("a 429", () => {
  it.effect("blocks the way for all, and afterwards one goes first and not all at once", () =>
    Effect.gen(function*() {
      const { responses } = yield* OpenAI.OpenAI
      // The head of an answer that is not streamed comes with its end.
      const whole = (input: string) => responses.create({ model: "any", input })
      const [time] = yield* passing(Effect.timed(whole("first")), 60_000)
      yield* refuse({ "retry-after": "5" })
      const now = yield* Clock.currentTimeMillis
      yield* Effect.flip(noRetries(whole("refused")))
      expect((yield* state)[0]?.blockedUntil).toEqual(DateTime.unsafeMake(now + 5_000))
      const fibers = yield* forkAll(names(100).map(whole))
      yield* pass(4_999)
      expect(yield* asked).toEqual(["first", "refused"])
      const sent: Array<number> = []
      for (const pause of [1, ...names(4).map(() => Duration.toMillis(time))]) {
        yield* pass(pause)
        sent.push((yield* asked).length - 2)
      }
      // Each that is answered lets two go.
      expect(sent).toEqual([1, 3, 7, 15, 31])
      yield* passing(Fiber.joinAll(fibers), 60_000)
      expect((yield* asked).slice(2)).toEqual(names(100))
    }).pipe(
      Effect.provide(unlimited([Script.always(Script.turn("Hi", { latency: "50 millis" }))])),
      inOwnTime(1)
    ), 30_000)

  it.effect("is not waited for twice: who sends it again comes before those who came later", () =>
    Effect.gen(function*() {
      yield* ask("first")
      yield* refuse({ "retry-after": "2" })
      const refused = yield* Effect.fork(ask("refused"))
      yield* advance("1 second")
      const later = yield* forkAll(["later", "even later"].map((name) => ask(name)))
      yield* advance("1 minute")
      yield* Fiber.joinAll([refused, ...later])
      expect(yield* asked).toEqual(["first", "refused", "refused", "later", "even later"])
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("leaves a run its place, too", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const ids = yield* Effect.forEach(names(4), () => Effect.map(service.create(), ({ id }) => id))
      const order: Array<string> = []
      const run = (index: number, onStop: "cancel" | "detach") =>
        Effect.zipRight(
          Run.text(service.run(ids[index]!, { message: "Hi", onStop })),
          Effect.sync(() => order.push(`${index}`))
        )
      yield* run(0, "cancel")
      const simulator = yield* Simulator.Simulator
      const limit = Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "2" } })
      for (let i = 0; i < 2; i++) yield* simulator.inject(limit, ({ path }) => path === "/responses")
      const early = yield* forkAll([run(1, "detach")])
      yield* advance("5 seconds")
      const late = yield* forkAll([run(2, "cancel"), run(3, "cancel")])
      yield* advance("1 minute")
      yield* Fiber.joinAll([...early, ...late])
      expect(order).toEqual(["0", "1", "2", "3"])
    }).pipe(Effect.provide(threads([Script.always("Hi")], { simulator: { rateLimits: perTenSeconds(1) } }))))

  it.effect("of an exhausted quota blocks nobody", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.httpError({ status: 429, code: "insufficient_quota" }))
      expect((yield* Effect.flip(ask("refused")))._tag).toBe("QuotaExceeded")
      yield* ask("next")
    }).pipe(Effect.provide(unlimited())))

  it.effect("that tells no wait holds the others for a second", () =>
    Effect.gen(function*() {
      yield* refuse({})
      yield* Effect.flip(noRetries(ask("refused")))
      const next = yield* Effect.fork(ask("next"))
      yield* advance("999 millis")
      expect(yield* waiting).toEqual([1])
      yield* advance("1 millis")
      yield* Fiber.join(next)
    }).pipe(Effect.provide(unlimited())))

  it.effect("lets another follow after a second, should the one that goes first have no answer by then", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* refuse({ "retry-after": "1" })
      yield* Effect.flip(noRetries(ask("refused")))
      for (let i = 0; i < 2; i++) yield* simulator.inject(Script.stall({ headers: true }))
      const [first, second, ...others] = yield* forkAll(names(10).map((name) => noRetries(ask(name))))
      yield* advance("1999 millis")
      expect(yield* asked).toEqual(["refused", "0"])
      yield* advance("1 millis")
      expect(yield* asked).toEqual(["refused", "0", "1"])
      yield* advance("1 second")
      yield* Fiber.joinAll(others)
      expect((yield* asked).slice(1)).toEqual(names(10))
      yield* Fiber.interruptAll([first!, second!])
    }).pipe(Effect.provide(unlimited())))

  it.effect("is over also when the one that goes first is never answered", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* refuse({ "retry-after": "1" })
      yield* Effect.flip(noRetries(ask("refused")))
      for (const fault of [Script.stall({ headers: true }), Script.reset()]) yield* simulator.inject(fault)
      const [stalled, reset, third] = yield* forkAll(["stalled", "reset", "third"].map((name) => noRetries(ask(name))))
      yield* advance("1500 millis")
      expect(yield* asked).toEqual(["refused", "stalled"])
      yield* Fiber.interrupt(stalled!)
      yield* advance("0 millis")
      expect((yield* Effect.flip(Fiber.join(reset!)))._tag).toBe("ConnectionLost")
      yield* Fiber.join(third!)
      expect(yield* asked).toEqual(["refused", "stalled", "reset", "third"])
    }).pipe(Effect.provide(unlimited())))

  it.effect("of a write to a thread holds back no call of the model", () =>
    Effect.gen(function*() {
      const { conversations } = yield* OpenAI.OpenAI
      yield* refuse({ "retry-after": "30" })
      yield* Effect.flip(noRetries(conversations.create()))
      yield* ask("next")
    }).pipe(Effect.provide(unlimited())))
})

describe("what is hard to believe", () => {
  it.effect("is believed for ten minutes: then one goes to hear whether it is still so", () =>
    Effect.gen(function*() {
      yield* refuse({ "retry-after": "100000000" })
      yield* Effect.flip(noRetries(ask("refused")))
      expect(yield* Effect.flip(ask("early"))).toMatchObject({ unsent: true, retryAfter: Duration.minutes(10) })
      yield* advance("599 seconds")
      yield* refuse({ "retry-after": "100000000" })
      const [probe, other] = yield* forkAll(["probe", "other"].map((name) => Effect.flip(noRetries(ask(name)))))
      yield* advance("1 second")
      expect(yield* Fiber.join(probe!)).toMatchObject({ _tag: "RateLimited", code: "rate_limit_exceeded" })
      expect(yield* Fiber.join(other!)).toMatchObject({ unsent: true })
      expect(yield* asked).toEqual(["refused", "probe"])
      yield* advance("10 minutes")
      yield* ask("over")
      yield* ask("and over")
    }).pipe(Effect.provide(unlimited())))

  it.effect("is a reset in years, too", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "99999h"
      }
      yield* simulator.inject(Script.httpError({ status: 400, code: "bad", headers }))
      yield* Effect.flip(ask("bad"))
      expect(yield* Effect.flip(ask("early"))).toMatchObject({ unsent: true })
      yield* advance("10 minutes")
      yield* ask("probe")
      expect(yield* Effect.flip(ask("next"))).toMatchObject({ unsent: true })
      expect(yield* asked).toEqual(["bad", "probe"])
    }).pipe(Effect.provide(unlimited())))

  for (const [what, hours] of [["back", -24], ["forward", 24]] as const) {
    it.effect(`a clock that is set ${what} changes no wait`, () =>
      Effect.gen(function*() {
        const clock = yield* Effect.clock
        let change = 0
        const changed: Clock.Clock = {
          ...clock,
          [Clock.ClockTypeId]: Clock.ClockTypeId,
          unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + change,
          unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
          sleep: (duration) => clock.sleep(duration)
        }
        yield* Effect.gen(function*() {
          const { responses } = yield* OpenAI.OpenAI
          const whole = (input: string) => responses.create({ model: "any", input })
          yield* refuse({ "retry-after": "5" })
          yield* Effect.flip(noRetries(whole("refused")))
          const waits = yield* Effect.fork(whole("before"))
          yield* pass(1000)
          change = hours * 3_600_000
          expect((yield* state)[0]?.blockedUntil).toEqual(
            DateTime.unsafeMake(changed.unsafeCurrentTimeMillis() + 4000)
          )
          const next = yield* Effect.fork(whole("after"))
          yield* pass(3999)
          expect(yield* asked).toEqual(["refused"])
          yield* pass(1)
          yield* passing(Fiber.joinAll([waits, next]), 0)
          expect(yield* asked).toEqual(["refused", "before", "after"])
        }).pipe(Effect.withClock(changed))
      }).pipe(Effect.provide(unlimited()), inOwnTime(1)))
  }
})

describe("waiting", () => {
  it.effect("that would take longer than maxWait fails at once, and nothing is sent", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const error = yield* Effect.flip(upTo("9 seconds")(ask("second")))
      expect(error).toMatchObject({ _tag: "RateLimited", unsent: true, retryAfter: Duration.seconds(10) })
      expect(error.message).toBe(
        "The request was not sent: OpenAI's rate limit has room for it in 10s, and it may not wait that long"
      )
      expect(yield* asked).toEqual(["first"])
      expect(yield* waiting).toEqual([0])
      const second = yield* Effect.fork(upTo("10 seconds")(ask("second")))
      yield* advance("10 seconds")
      yield* Fiber.join(second)
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("counts those who are before it, and a minute is the default", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const fibers = yield* forkAll(names(7).map((name) => Effect.either(ask(name))))
      yield* advance("0 millis")
      expect(yield* waiting).toEqual([6])
      yield* advance("1 minute")
      const ends = yield* Fiber.joinAll(fibers)
      expect(ends.map((end) => end._tag)).toEqual([...names(6).map(() => "Right"), "Left"])
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("fails as soon as a 429 makes it too long", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      yield* refuse({ "retry-after": "2" })
      yield* Effect.flip(noRetries(ask("refused")))
      yield* simulator.inject(
        Script.httpError({ status: 429, code: "rate_limit_exceeded", headers: { "retry-after": "100" } })
      )
      const [probe, other] = yield* forkAll(["probe", "other"].map((name) => Effect.flip(noRetries(ask(name)))))
      yield* advance("2 seconds")
      expect(yield* Fiber.join(probe!)).toMatchObject({ _tag: "RateLimited", code: "rate_limit_exceeded" })
      expect(yield* Fiber.join(other!)).toMatchObject({ unsent: true, retryAfter: Duration.seconds(100) })
    }).pipe(Effect.provide(unlimited())))

  it.effect("leaves no trace when it is interrupted, wherever in the queue", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const supervisor = yield* Supervisor.track
      const fibers = yield* Effect.supervised(forkAll(names(5).map((name) => ask(name))), supervisor)
      yield* advance("1 second")
      expect(yield* waiting).toEqual([5])
      expect((yield* supervisor.value).length).toBeGreaterThan(5)
      for (const index of [0, 2, 4]) yield* Fiber.interrupt(fibers[index]!)
      expect(yield* waiting).toEqual([2])
      // Those that are left move up: 9 and 19 seconds from now.
      yield* advance("9 seconds")
      expect(yield* asked).toEqual(["first", "1"])
      yield* Fiber.interrupt(fibers[3]!)
      expect(yield* waiting).toEqual([0])
      // No fiber is left, and the next finds its room.
      expect((yield* supervisor.value).filter((fiber) => fiber.unsafePoll() === null)).toEqual([])
      yield* advance("10 seconds")
      yield* ask("next")
      expect(yield* asked).toEqual(["first", "1", "next"])
    }).pipe(Effect.provide(model(perTenSeconds(1)))))

  it.effect("is not counted as a failure: a policy that sends nothing again does not end it", () =>
    Effect.gen(function*() {
      yield* ask("first")
      const fiber = yield* Effect.fork(ask("second"))
      yield* advance("10 seconds")
      yield* Fiber.join(fiber)
    }).pipe(noRetries, Effect.provide(model(perTenSeconds(1)))))
})

describe("RateLimits", () => {
  it.effect("observe remembers and never holds back", () =>
    Effect.gen(function*() {
      yield* ask("first")
      expect((yield* Effect.flip(noRetries(ask("second"))))._tag).toBe("RateLimited")
      expect(yield* state).toMatchObject([{
        requests: { limit: 1, remaining: 0 },
        blockedUntil: { epochMillis: 10_000 }
      }])
      yield* Effect.flip(noRetries(ask("third")))
      expect(yield* statuses).toEqual([200, 429, 429])
    }).pipe(inMode("observe"), Effect.provide(model(perTenSeconds(1)))))

  it.effect("off remembers nothing", () =>
    Effect.gen(function*() {
      yield* ask("first")
      yield* Effect.flip(noRetries(ask("second")))
      expect(yield* state).toEqual([])
    }).pipe(inMode("off"), Effect.provide(model(perTenSeconds(1)))))

  it.effect("counts where it is provided, in a run as well", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* Run.text(service.run(id, { message: "One" }))
      const error = yield* Effect.flip(upTo("1 second")(Run.text(service.run(id, { message: "Two" }))))
      expect(error).toMatchObject({ _tag: "RateLimited", unsent: true })
      const held = yield* Effect.fork(Run.text(service.run(id)))
      yield* advance("10 seconds")
      expect(yield* Fiber.join(held)).toBe("Hi")
    }).pipe(Effect.provide(threads([Script.always("Hi")], { simulator: { rateLimits: perTenSeconds(1) } }))))

  it.effect("has a layer", () =>
    Effect.gen(function*() {
      yield* ask("first")
      expect(yield* Effect.flip(ask("second"))).toMatchObject({ unsent: true })
    }).pipe(Effect.provide(Layer.merge(model(perTenSeconds(1)), RateLimits.layer({ maxWait: 0 })))))
})
