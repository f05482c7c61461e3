/**
 * The one way to a model: what is sent to it is counted against its limits, and waits in a queue while there is no room.
 *
 * There is no fiber and no timer but those of the waiters. The first in the queue knows when there is room for it, and
 * whoever leaves the queue wakes the next. A 429 blocks the way for all. When that is over, nobody knows how much room
 * there is, so one goes first, and each that is answered lets two more go, as far as the limits allow it. A call whose
 * answer takes long does not stop the others: another one follows it after a second.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as DefaultServices from "effect/DefaultServices"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Predicate from "effect/Predicate"
import { RateLimited, type RequestError } from "../OpenAIError.ts"
import { type Limit, type ModelLimits, RateLimits } from "../RateLimits.ts"
import { type Belief, Bucket } from "./bucket.ts"
import { told } from "./limitHeaders.ts"
import type { Line } from "./line.ts"
import { Recent } from "./recent.ts"
import { type Asked, tokensOf } from "./tokens.ts"

/** What an answer says that it took. */
interface Usage {
  readonly total_tokens?: unknown
}

/** The wait after a 429 that tells none, in milliseconds. `retry-after` is never shorter. */
const untold = 1000

/**
 * How long what was told is believed without another word, in milliseconds. Then one call goes whatever it says, to hear
 * whether it is still so: some limits come back in hours, and some headers are just wrong.
 */
const believed = 600_000

/** How long the next waits for an answer to the one before, while there is one at a time, in milliseconds. */
const pace = 1000

/** The place of a call that got a 429, for when its fiber sends it again. */
interface Place {
  readonly gate: Gate
  readonly arrival: number
  used: boolean
}

const lastPlace = globalValue(
  "effect-openai-threads/gate/lastPlace",
  () => FiberRef.unsafeMake<Place | undefined>(undefined)
)

/** In milliseconds. Not the time of day, which may be set back while somebody waits. */
const timeOf = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

/** One call of a model. It is told how its request goes, as soon as that is known. */
export class Call {
  readonly gate: Gate
  readonly clock: Clock.Clock
  readonly arrival: number
  tokens = 0
  /** Wakes it while it waits. */
  turn: Deferred.Deferred<void> | undefined
  /** Whoever wanted it does not want it any more. */
  isGivenUp = false
  /** What was believed of each bucket when it was sent. */
  beliefs: ReadonlyArray<Belief | undefined> = []
  /** The 429 after which it was let go, while such are counted. */
  after: number | undefined

  constructor(gate: Gate, clock: Clock.Clock, arrival: number) {
    this.gate = gate
    this.clock = clock
    this.arrival = arrival
  }

  /** The head of an answer, or why there is none. */
  heard(headers: Headers | undefined, error?: RequestError): void {
    const now = timeOf(this.clock)
    if (headers !== undefined) this.gate.tell(this, headers, now)
    if (error?._tag === "RateLimited") this.gate.block(error.retryAfter, now)
    else this.gate.release(this, headers === undefined ? 1 : 2)
  }
}

export class Gate {
  readonly #buckets = [
    ["requests", new Bucket()],
    ["tokens", new Bucket()],
    ["project-tokens", new Bucket()]
  ] as const
  /** Whether any limit was ever told. */
  #isTold = false
  /** In the order of arrival. */
  readonly #queue: Array<Call> = []
  #arrivals = 0
  #blockedUntil = 0
  /** How many 429 there were. */
  #blocks = 0
  /** How many may go after the last one before another is answered. */
  #free = Number.POSITIVE_INFINITY
  #lastPass = 0
  /** When a limit was told, or a call was let go to hear of it. */
  #lastWord = 0

  /** A call whose turn has come goes at once; the others wait in the queue. */
  enter(params: Asked, clock: Clock.Clock, place: Place | undefined, history: number): Call {
    const isAgain = place?.gate === this && !place.used
    if (isAgain) place.used = true
    const call = new Call(this, clock, isAgain ? place.arrival : this.#arrivals++)
    if (this.#isTold) call.tokens = tokensOf(params, history)
    return call
  }

  /** Whether it may go now, before anybody who waits. */
  isFree(call: Call): boolean {
    return (!this.#isTold && this.#blocks === 0) ||
      (this.#queue.length === 0 && this.#waitOf([call], call) <= 0)
  }

  /** It goes. */
  pass(call: Call): void {
    const now = timeOf(call.clock)
    this.#lastWord = now
    if (this.#isTold) {
      call.beliefs = this.#buckets.map(([kind, bucket]) =>
        bucket.take(kind === "requests" ? 1 : bucket.share(call.tokens), now)
      )
    }
    if (this.#free === Number.POSITIVE_INFINITY) return
    call.after = this.#blocks
    this.#lastPass = now
    if (this.#free > 0) this.#free--
  }

  /** Waits for its turn, and then goes. */
  wait(call: Call, maxWait: Duration.DurationInput): Effect.Effect<void, RateLimited> {
    const next = (deadline: number): Effect.Effect<void, RateLimited> =>
      Effect.suspend(() => {
        const now = timeOf(call.clock)
        const wait = this.#waitOf(this.#queue, call)
        const isFirst = this.#queue[0] === call
        if (isFirst && wait <= 0) {
          this.pass(call)
          return Effect.void
        }
        if (call.isGivenUp || now + wait > deadline || now >= deadline) {
          return new RateLimited({ retryAfter: Duration.millis(Math.max(1, Math.ceil(wait))), unsent: true })
        }
        // Who is not the first is woken when it is.
        const nap = isFirst ? Math.ceil(wait) : deadline - now
        const turn = call.turn = Deferred.unsafeMake<void>(FiberId.none)
        return Effect.zipRight(Effect.timeoutOption(Deferred.await(turn), nap), next(deadline))
      })
    const enqueue = Effect.sync(() => {
      const after = this.#queue.findIndex(({ arrival }) => arrival > call.arrival)
      this.#queue.splice(after === -1 ? this.#queue.length : after, 0, call)
      return timeOf(call.clock) + Duration.toMillis(maxWait)
    })
    const leave = Effect.sync(() => {
      this.#queue.splice(this.#queue.indexOf(call), 1)
      this.#wakeFirst()
    })
    return Effect.acquireUseRelease(enqueue, next, () => leave)
  }

  /** Does not wait any longer. */
  giveUp(call: Call): void {
    call.isGivenUp = true
    wake(call)
  }

  /** An answer tells what is left. */
  tell(call: Call, headers: Headers, now: number): void {
    for (const [index, [kind, bucket]] of this.#buckets.entries()) {
      const limit = told(headers, kind)
      if (limit === undefined) continue
      this.#isTold = true
      this.#lastWord = now
      bucket.tell(limit, call.beliefs[index], now)
    }
    this.#wakeFirst()
  }

  /** A 429: nobody goes for so long, and each waiter has to see whether that is too long for it. */
  block(retryAfter: Duration.Duration | undefined, now: number): void {
    const wait = retryAfter === undefined ? untold : Duration.toMillis(retryAfter)
    this.#blockedUntil = Math.max(this.#blockedUntil, now + wait)
    this.#lastWord = now
    this.#blocks++
    this.#free = 1
    for (const call of this.#queue) wake(call)
  }

  /** A call that was let go after a 429 lets others follow. */
  release(call: Call, others: number): void {
    if (call.after === undefined) return
    const counts = call.after === this.#blocks
    call.after = undefined
    if (!counts) return
    // What was let go after the 429, and has an answer, shows that it is over.
    if (others > 1) this.#blockedUntil = 0
    this.#free += others
    if (others > 1 && this.#queue.length === 0) this.#free = Number.POSITIVE_INFINITY
    this.#wakeFirst()
  }

  /** Whatever becomes of it, others may follow. */
  releasing<A, E, R>(call: Call, sent: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.onExit(sent, () => Effect.sync(() => this.release(call, 1)))
  }

  state(model: string, clock: Clock.Clock): ModelLimits {
    const now = timeOf(clock)
    const blocked = this.#blockedUntil - now
    const [[, requests], [, tokens], [, projectTokens]] = this.#buckets
    return {
      model,
      requests: limitOf(requests, now),
      tokens: limitOf(tokens, now),
      projectTokens: limitOf(projectTokens, now),
      blockedUntil: blocked > 0 ? DateTime.unsafeMake(clock.unsafeCurrentTimeMillis() + blocked) : undefined,
      waiting: this.#queue.length
    }
  }

  /** How long until there is room for a call and all before it. */
  #waitOf(queue: ReadonlyArray<Call>, call: Call): number {
    const now = timeOf(call.clock)
    let wait = Math.max(0, this.#blockedUntil - now)
    if (this.#free <= 0) wait = Math.max(wait, this.#lastPass + pace - now)
    for (const [kind, bucket] of this.#buckets) {
      if (bucket.limit === undefined) continue
      let amount = 0
      for (const other of queue) {
        amount += kind === "requests" ? 1 : bucket.share(other.tokens)
        if (other === call) break
      }
      wait = Math.max(wait, bucket.wait(amount, now))
    }
    return Math.min(wait, Math.max(0, this.#lastWord + believed - now))
  }

  #wakeFirst(): void {
    const [first] = this.#queue
    if (first !== undefined) wake(first)
  }
}

const wake = ({ turn }: Call): void => {
  if (turn !== undefined) Deferred.unsafeDone(turn, Effect.void)
}

const limitOf = (bucket: Bucket, now: number): Limit | undefined =>
  bucket.limit === undefined
    ? undefined
    : {
      limit: bucket.limit,
      remaining: Math.max(0, Math.floor(bucket.level(now))),
      reset: Duration.millis(Math.ceil(bucket.full(now)))
    }

/** Of at least how many conversations it is remembered how long they are. */
const remembered = 1_000

/** What a call goes on with that is at OpenAI. */
const historyOf = ({ conversation, previous_response_id: previous }: Asked): string | undefined => {
  const id = Predicate.isRecord(conversation) ? conversation["id"] : conversation
  return typeof id === "string" ? id : previous ?? undefined
}

/** Closes the way to a call with its line: a run that is to end closes it, and may have no connection yet. */
const whileOpen = <A, E>(call: Call, waiting: Effect.Effect<A, E>, line: Line | undefined): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const forget = line?.add(() => call.gate.giveUp(call))
    return forget === undefined ? waiting : Effect.ensuring(waiting, Effect.sync(forget))
  })

/** The gates of one key, by the model. */
export class Gates {
  readonly #gates = new Map<string, Gate>()
  /** What the last answer in a conversation has read and written, or the answer of this id. */
  readonly #totals = new Recent<string, number>(remembered)

  /** Sends a call of a model when it is time to, and anything else at once. `send` is given whom to tell how it goes. */
  hold<A, R>(
    params: Asked | undefined,
    send: (call: Call | undefined) => Effect.Effect<A, RequestError, R>,
    line?: Line
  ): Effect.Effect<A, RequestError, R> {
    if (params === undefined) return send(undefined)
    // All that is needed of the fiber in one operation, since every call of a model comes by here.
    return Effect.withFiberRuntime((fiber) => {
      const { maxWait = "1 minute", mode = "enforce" } = Context.get(
        fiber.getFiberRef(FiberRef.currentContext),
        RateLimits
      )
      if (mode === "off") return send(undefined)
      const clock = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
      const gate = this.#gateOf(params.model ?? "")
      const history = this.#totals.get(historyOf(params) ?? "") ?? 0
      const call = gate.enter(params, clock, fiber.getFiberRef(lastPlace), history)
      const keepPlace = (error: RequestError) =>
        error._tag === "RateLimited"
          ? FiberRef.set(lastPlace, { gate, arrival: call.arrival, used: false })
          : Effect.void
      const waits = mode === "enforce" && !gate.isFree(call)
      if (!waits) gate.pass(call)
      const sent = !waits
        ? send(call)
        : Effect.zipRight(whileOpen(call, gate.wait(call, maxWait), line), Effect.suspend(() => send(call)))
      return Effect.tapError(waits || call.after !== undefined ? gate.releasing(call, sent) : sent, keepPlace)
    })
  }

  /** What an answer has read and written is what the next in its conversation reads. */
  used({ conversation }: Asked, response: { readonly id: string; readonly usage?: Usage | null | undefined }): void {
    const total = response.usage?.total_tokens
    if (typeof total !== "number") return
    this.#totals.set(historyOf({ conversation }) ?? response.id, total)
  }

  readonly state: Effect.Effect<ReadonlyArray<ModelLimits>> = Effect.clockWith((clock) =>
    Effect.sync(() => Array.from(this.#gates, ([model, gate]) => gate.state(model, clock)))
  )

  #gateOf(model: string): Gate {
    const found = this.#gates.get(model)
    if (found !== undefined) return found
    const gate = new Gate()
    this.#gates.set(model, gate)
    return gate
  }
}
