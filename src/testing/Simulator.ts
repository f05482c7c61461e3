/**
 * A simulated OpenAI: `/v1/responses`, `/v1/conversations` and `/v1/files` with their state, their errors and their event
 * streams, and connections that break when a test wants it.
 *
 * ```ts
 * const simulator = yield* Simulator.make([Script.text("Hello")])
 * const client = new OpenAI({ apiKey: "sk-test", fetch: simulator.fetch })
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { advance } from "./internal/advance.ts"
import { makeApp } from "./internal/app.ts"
import { Exchanges, type InjectionTarget, type RecordedRequest } from "./internal/exchange.ts"
import { makeFetch } from "./internal/fetch.ts"
import { Limiter, type RateLimits } from "./internal/rateLimits.ts"
import { serve, type ServeError } from "./internal/server.ts"
import { makeState } from "./internal/state.ts"
import { Turns } from "./internal/turns.ts"
import type { Fault, HttpError, Json, Script, WireItem } from "./Script.ts"

export type { InjectionTarget, RecordedRequest } from "./internal/exchange.ts"
export type { RateLimit, RateLimits } from "./internal/rateLimits.ts"
export { ServeError } from "./internal/server.ts"

/**
 * A conversation as the simulator holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedThread {
  readonly id: string
  readonly metadata: Json
  /** Oldest first. */
  readonly items: ReadonlyArray<WireItem>
  /** A response is active on it, so another one is refused with `conversation_locked`. */
  readonly locked: boolean
}

/**
 * A file as the simulator holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedFile {
  readonly id: string
  readonly filename: string
  readonly purpose: string
  readonly bytes: Uint8Array
}

/**
 * The simulated OpenAI, and what a test asks it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * The client's `fetch`, in process. It rejects and fails as the real one does: on abort, also while a body is silent,
   * and on the faults of the script. It follows redirects. A body is made as it is read. Any origin will do; the path
   * begins with `/v1`.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * The API without a transport, to host elsewhere; host it on this runtime (`HttpApp.toWebHandlerRuntime`), or its
   * latencies pass on another clock. A fault before the headers leaves a request without an answer here.
   */
  readonly app: HttpApp.Default<never, Scope.Scope>
  /**
   * The same on a port of 127.0.0.1, by default a free one, until the scope closes. `url` is the client's base URL. A
   * refused or reset connection is a destroyed socket; a client that goes away ends its generation.
   */
  readonly serve: (
    options?: { readonly port?: number | undefined }
  ) => Effect.Effect<{ readonly url: string; readonly port: number }, ServeError, Scope.Scope>
  /** Every request so far, in the order of arrival. */
  readonly requests: Effect.Effect<ReadonlyArray<RecordedRequest>>
  /** Every conversation that was not deleted, oldest first. */
  readonly threads: Effect.Effect<ReadonlyArray<SimulatedThread>>
  /** Every file that was uploaded and not deleted, oldest first. */
  readonly files: Effect.Effect<ReadonlyArray<SimulatedFile>>
  /** How many event streams are open now. */
  readonly openStreams: Effect.Effect<number>
  /**
   * The next request that matches suffers this fault or gets this error, whatever its endpoint; without `match`, the
   * next request. It goes before the fault of a turn, and an error does not use up a turn unless it is `handled`.
   */
  readonly inject: (
    fault: Fault | HttpError,
    match?: (request: InjectionTarget) => boolean
  ) => Effect.Effect<void>
  /**
   * Lets time pass for a program whose work crosses promises: lets the event loop come to rest, moves the test clock from
   * one sleeper to the next (a few milliseconds of real time each), and lets the event loop come to rest again. On a live
   * clock it sleeps.
   */
  readonly advance: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** How many turns of the script are not used yet. */
  readonly unused: Effect.Effect<number>
}

/**
 * How the simulated OpenAI behaves.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long a conversation stays locked after its response was dropped with the connection. By default not at all. */
  readonly lockLinger?: Duration.DurationInput | undefined
  /**
   * The rate limits of each key for each model. Calls of the model are told them in headers, and are rejected with 429
   * when there is no room; what is rejected uses up no turn. By default there are none.
   */
  readonly rateLimits?: RateLimits | undefined
}

/**
 * The simulated OpenAI.
 *
 * @since 0.1.0
 * @category services
 */
export class Simulator extends Context.Tag("effect-openai-threads/testing/Simulator")<Simulator, Service>() {}

/**
 * A simulated OpenAI with this script. Its ids come from a seed taken from Random, its times from Clock: the same seed,
 * clock and requests give the same bytes. When its scope closes, open connections break; when the scope closes with
 * success but turns of the script were never used, it dies.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (script: Script, options?: Options): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.gen(function*() {
    const turns = new Turns(script)
    yield* Effect.addFinalizer((exit) => Exit.isSuccess(exit) ? dieOfUnused(turns) : Effect.void)
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    const state = makeState({
      clock: yield* Effect.clock,
      seed: yield* Random.nextIntBetween(0, 2 ** 31),
      turns,
      lockLinger: Duration.decode(options?.lockLinger ?? 0),
      limiter: options?.rateLimits === undefined ? undefined : new Limiter(options.rateLimits),
      fork: run
    })
    const exchanges = new Exchanges(state)
    return {
      fetch: makeFetch(exchanges, run),
      app: makeApp(exchanges),
      serve: (options) => serve(exchanges, run, options?.port ?? 0),
      requests: Effect.sync(() => exchanges.journal.map((entry) => ({ ...entry }))),
      threads: Effect.sync(() =>
        Array.from(state.conversations.values(), (conversation) => ({
          id: conversation.id,
          metadata: conversation.metadata,
          items: Array.from(conversation.items),
          locked: conversation.activeResponse !== undefined
        }))
      ),
      files: Effect.sync(() =>
        Array.from(state.files.values(), ({ bytes, filename, id, purpose }) => ({ id, filename, purpose, bytes }))
      ),
      openStreams: Effect.sync(() => exchanges.openStreams),
      inject: (fault, match = () => true) => Effect.sync(() => exchanges.inject({ fault, match })),
      advance: (duration) => advance(duration, () => exchanges.activity),
      unused: Effect.sync(() => turns.unused.length)
    }
  })

const dieOfUnused = (turns: Turns): Effect.Effect<void> =>
  Effect.suspend(() => {
    const unused = turns.unused
    return unused.length === 0
      ? Effect.void
      : Effect.dieMessage(`${unused.length} of ${turns.size} scripted turns were never used: ${unused.join(", ")}`)
  })

/**
 * The simulated OpenAI as a layer. See {@link make}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (script: Script, options?: Options): Layer.Layer<Simulator> =>
  Layer.scoped(Simulator, make(script, options))
