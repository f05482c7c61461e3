/**
 * How long OpenAI may take. Each limit ends a request with `TimedOut` and its own `phase`.
 *
 * How long a connection may take to be made is not told here: `fetch` decides it (10 seconds in Node), and it fails with
 * `TimedOut{ phase: "connect" }`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"

/**
 * The limits of a request. One that is undefined has its default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /**
   * From sending a request to the head of its answer. Default: 2 minutes; 5 for `responses.create`, whose answer begins
   * when the model is done. Node's own `fetch` ends at 5 minutes whatever is set here, and after 5 minutes of silence.
   */
  readonly firstByte?: Duration.DurationInput | undefined
  /** The silence in the middle of a streamed answer; every event, keepalive and comment ends it. Default: 5 minutes. */
  readonly idle?: Duration.DurationInput | undefined
  /** From sending a request to the end of its answer. Default: no limit. */
  readonly total?: Duration.DurationInput | undefined
}

/**
 * The limits in force. Nobody has to provide them. Replace them for a part of a program with
 * `Effect.provideService(Timeouts, limits)`, or with {@link layer}.
 *
 * @since 0.1.0
 * @category references
 */
export class Timeouts extends Context.Reference<Timeouts>()("effect-openai-threads/Timeouts", {
  defaultValue: (): Limits => ({})
}) {}

/**
 * Puts other limits in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (limits: Limits): Layer.Layer<never> => Layer.succeed(Timeouts, limits)
