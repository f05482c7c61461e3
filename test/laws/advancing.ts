import { Simulator } from "effect-openai-threads/testing"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Lets an effect run while time passes, by the end of which it has to be done. */
export const advancing = <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.DurationInput) =>
  Effect.gen(function*() {
    const simulator = yield* Simulator.Simulator
    const fiber = yield* Effect.fork(effect)
    yield* simulator.advance(duration)
    if ((yield* Fiber.poll(fiber))._tag === "None") {
      yield* Fiber.interrupt(fiber)
      return yield* Effect.dieMessage(`it was not done after ${String(duration)}`)
    }
    return yield* Fiber.join(fiber)
  })
