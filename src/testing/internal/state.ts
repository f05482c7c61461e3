/** What the simulated OpenAI remembers. All of it is changed synchronously, so a request sees no half-done other. */
import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Utils from "effect/Utils"
import type { Json, WireItem } from "../Script.ts"
import type { EventLog } from "./eventLog.ts"
import type { Limiter } from "./rateLimits.ts"
import type { Turns } from "./turns.ts"
import type { Include } from "./visible.ts"

export interface Conversation {
  readonly id: string
  readonly createdAt: number
  metadata: Json
  items: Array<WireItem>
  /** The response that may write, if one is active. */
  activeResponse: string | undefined
}

export type ResponseStatus = "queued" | "in_progress" | "completed" | "failed" | "incomplete" | "cancelled"

export interface StoredResponse {
  readonly id: string
  readonly createdAt: number
  /** The fields that are an echo of the request. */
  readonly settings: Json
  readonly conversation: Conversation | undefined
  readonly background: boolean
  readonly stored: boolean
  /** What the request asked for by `include`. */
  readonly include: Include
  /** What came before this response's own input. */
  readonly history: ReadonlyArray<WireItem>
  readonly input: ReadonlyArray<WireItem>
  readonly output: Array<WireItem>
  status: ResponseStatus
  completedAt: number | null
  error: Json | null
  incompleteDetails: Json | null
  usage: Json | null
  /** The events of a background response, for those who come later. */
  log: EventLog | undefined
  /** It has its end, but the conversation does not have it. */
  unappended: boolean
  fiber: Fiber.RuntimeFiber<void> | undefined
}

/** A file that was uploaded. */
export interface StoredFile {
  readonly id: string
  readonly filename: string
  readonly bytes: Uint8Array
  readonly purpose: string
  readonly createdAt: number
  readonly expiresAt: number | undefined
}

/** A file that code has left. */
export interface ContainerFile {
  readonly filename: string
  readonly bytes: Uint8Array
}

export interface State {
  readonly clock: Clock.Clock
  readonly turns: Turns
  readonly conversations: Map<string, Conversation>
  /** Every item that can be referred to by its id. */
  readonly items: Map<string, WireItem>
  /** By the id of an item, the reasoning item that it may not be without. */
  readonly reasoningOf: Map<string, string>
  readonly responses: Map<string, StoredResponse>
  readonly files: Map<string, StoredFile>
  /** By the container's id, its files by theirs. */
  readonly containers: Map<string, Map<string, ContainerFile>>
  /** A new id of this kind; the same sequence for the same seed. */
  readonly id: (prefix: string, length?: number) => string
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly lockLinger: Duration.Duration
  /** Undefined where there is no limit. */
  readonly limiter: Limiter | undefined
  /** Runs until it ends or the simulator's scope closes. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
}

const alphabet = "0123456789abcdef"

export const makeState = (options: {
  readonly clock: Clock.Clock
  readonly seed: number
  readonly turns: Turns
  readonly lockLinger: Duration.Duration
  readonly limiter: Limiter | undefined
  readonly fork: State["fork"]
}): State => {
  const random = new Utils.PCGRandom(options.seed)
  return {
    clock: options.clock,
    turns: options.turns,
    conversations: new Map(),
    items: new Map(),
    reasoningOf: new Map(),
    responses: new Map(),
    files: new Map(),
    containers: new Map(),
    id: (prefix, length = 48) => {
      let id = `${prefix}_`
      for (let index = 0; index < length; index++) id += alphabet[random.integer(alphabet.length)]
      return id
    },
    now: () => Math.floor(options.clock.unsafeCurrentTimeMillis() / 1000),
    lockLinger: options.lockLinger,
    limiter: options.limiter,
    fork: options.fork
  }
}
