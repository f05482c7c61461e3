/**
 * Faults made from a seed.
 *
 * @since 0.1.0
 */
import * as Utils from "effect/Utils"
import * as Fault from "./Fault.ts"

/**
 * What may happen to an answer besides that it is split: nothing, an early end, a spoilt event, or a detour that a
 * client should not notice (`"gzip"`, `"drip"`).
 *
 * @since 0.1.0
 * @category faults
 */
export type ChaosKind =
  | "none"
  | "cut"
  | "reset"
  | "stall"
  | "truncate"
  | "duplicate"
  | "swap"
  | "gzip"
  | "drip"

/**
 * What {@link chaos} may do.
 *
 * @since 0.1.0
 * @category faults
 */
export interface ChaosOptions {
  /** One of these happens; by default one of all. */
  readonly only?: ReadonlyArray<ChaosKind> | undefined
  /** In this many bytes from the beginning of the body it happens. By default 8,000: a short streamed answer. */
  readonly within?: number | undefined
}

/** An event has a few hundred bytes. */
const bytesPerEvent = 300

/** The largest read of a body, so that some have small ones only. */
const readSizes = [8, 64, 512, 8_192, 65_536]

class Dice {
  readonly #random: Utils.PCGRandom

  constructor(seed: number) {
    this.#random = new Utils.PCGRandom(seed)
  }

  chance(probability: number): boolean {
    return this.#random.number() < probability
  }

  /** From 0 up to, but without, this number. */
  below(limit: number): number {
    return Math.floor(this.#random.number() * limit)
  }

  pick<A>(values: ReadonlyArray<A>): A | undefined {
    return values[this.below(values.length)]
  }

  /** From 1 up to this number: as likely between 1 and 2 as between half of it and all of it. */
  skewed(limit: number): number {
    return Math.min(limit, Math.floor(2 ** (this.#random.number() * Math.log2(limit + 1))))
  }
}

type Make = (dice: Dice, within: number) => ReadonlyArray<Fault.Fault>

const anEvent = (dice: Dice, within: number) => ({ event: dice.below(Math.max(1, Math.ceil(within / bytesPerEvent))) })

const kinds: Readonly<Record<ChaosKind, Make>> = {
  none: () => [],
  cut: (dice, within) => [Fault.cut({ afterBytes: dice.below(within) })],
  reset: (dice, within) => [Fault.reset({ afterBytes: dice.below(within) })],
  stall: (dice, within) => [
    Fault.stall({
      afterBytes: dice.below(within),
      keepalive: dice.chance(0.5) ? 1_000 * (1 + dice.below(30)) : undefined
    })
  ],
  truncate: (dice, within) => [Fault.truncate(anEvent(dice, within))],
  duplicate: (dice, within) => [Fault.duplicate(anEvent(dice, within))],
  swap: (dice, within) => [Fault.swap(anEvent(dice, within))],
  gzip: () => [Fault.gzip],
  drip: (dice) => [Fault.drip({ bytes: 50 + dice.below(1_000), every: dice.skewed(2_000) })]
}

const allKinds: ReadonlyArray<ChaosKind> = [
  "none",
  "cut",
  "reset",
  "stall",
  "truncate",
  "duplicate",
  "swap",
  "gzip",
  "drip"
]

/**
 * What a bad network does, made from a seed: the body comes in reads of 1 byte to 64 KiB, mostly small ones, that end
 * anywhere, also inside of a character or between CR and LF; an event stream may have other line ends, and comments
 * between its events; and one thing of {@link ChaosKind} happens.
 *
 * The same seed gives the same fault. It is plain data: print it to know what happened, or keep it to let it happen again.
 *
 * @since 0.1.0
 * @category faults
 * @example
 * ```ts
 * import { Script } from "effect-openai-threads/testing"
 *
 * const fault = Script.chaos(7, { only: ["cut", "reset", "stall"] })
 * const script = [Script.turn("Hello", { fault })]
 * console.log(JSON.stringify(fault))
 * ```
 */
export const chaos = (seed: number, options?: ChaosOptions): Fault.Fault => {
  const dice = new Dice(seed)
  const kind = dice.pick(options?.only ?? allKinds) ?? "none"
  const happens = kinds[kind](dice, options?.within ?? 8_000)
  const comments = dice.chance(0.3) ? [Fault.comments({ every: 1 + dice.below(5) })] : []
  const lineEnds = dice.chance(0.4) ? [Fault.lineEnds(dice.chance(0.5) ? "cr" : "crlf")] : []
  const largest = dice.pick(readSizes) ?? 8
  const reads = Array.from({ length: 1 + dice.below(16) }, () => dice.skewed(largest))
  switch (kind) {
    // Events are counted before comments are among them.
    case "truncate":
    case "duplicate":
    case "swap":
      return Fault.all([...happens, ...comments, ...lineEnds, Fault.split(reads)])
    // A slow line has reads of its own.
    case "drip":
      return Fault.all([...comments, ...lineEnds, ...happens])
    // Bytes are counted as they are sent.
    default:
      return Fault.all([...comments, ...lineEnds, ...happens, Fault.split(reads)])
  }
}
