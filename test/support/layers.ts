import { Assistant, Assistants, RateLimits, RetryPolicy, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, type Script, type Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const analyst = Assistant.make({
  id: "analyst",
  name: "Analyst",
  model: "test-model",
  instructions: "Be brief."
})

/** For tests of what a failure is, rather than of what is done about it. */
export const noRetries = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.provideService(RetryPolicy.RetryPolicy, RetryPolicy.none),
    Effect.provideService(RateLimits.RateLimits, { mode: "observe" })
  )

export const stores = { conversations: ThreadStore.layerConversations, memory: ThreadStore.layerMemory } as const

/** All of it over a simulated wire, with the store and the simulator at hand. */
export const threads = (
  script: Script.Script,
  options: {
    readonly store?: keyof typeof stores
    readonly assistants?: ReadonlyArray<Assistant.Assistant>
    readonly simulator?: Simulator.Options
  } = {}
) =>
  Threads.layer.pipe(
    Layer.provideMerge(stores[options.store ?? "conversations"]),
    Layer.provideMerge(Assistants.layer(options.assistants ?? [analyst])),
    Layer.provideMerge(OpenAITest.layer(script, options.simulator))
  )
