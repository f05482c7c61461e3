/** The turns of a script, each used once. */
import * as Either from "effect/Either"
import type { Always, ModelRequest, Script, Turn, TurnInput, When } from "../Script.ts"
import * as Scripts from "../Script.ts"
import { type Checked, reject } from "./http.ts"

interface Entry {
  readonly turn: TurnInput
  readonly label: string
  readonly match: When["match"] | undefined
  used: boolean
}

const isWhen = (entry: Script[number]): entry is When => typeof entry === "object" && entry._tag === "When"

const isAlways = (entry: Script[number]): entry is Always => typeof entry === "object" && entry._tag === "Always"

const isTurn = (value: Exclude<Scripts.TurnValue, string>): value is Turn =>
  value._tag === "Answer" || value._tag === "HttpError" || value._tag === "NotSse"

export class Turns {
  readonly #entries: ReadonlyArray<Entry>
  readonly #always: TurnInput | undefined
  /** How many requests the model had. */
  #taken = 0

  constructor(script: Script) {
    this.#entries = script.flatMap((entry, index): ReadonlyArray<Entry> => {
      const label = `turn ${index + 1}`
      if (isAlways(entry)) return []
      if (!isWhen(entry)) return [{ turn: entry, label, match: undefined, used: false }]
      return entry.turns.map((turn, inner) => ({
        turn,
        label: `${label}.${inner + 1} (when)`,
        match: entry.match,
        used: false
      }))
    })
    this.#always = script.find(isAlways)?.turn
  }

  get size(): number {
    return this.#entries.length
  }

  get unused(): ReadonlyArray<string> {
    return this.#entries.filter((entry) => !entry.used).map((entry) => entry.label)
  }

  /** The turn for this request. What a function of the script throws is a defect of the test, and told as such. */
  take(asked: Omit<ModelRequest, "index">): Checked<Turn> {
    const request: ModelRequest = { ...asked, index: this.#taken++ }
    return Either.try({
      try: () => this.#find(request),
      catch: (cause) => cause
    }).pipe(
      Either.orElse((cause) => failed("script_failed", `The script's function threw: ${cause}`)),
      Either.flatMap((turn) =>
        turn === undefined
          ? failed(
            "script_exhausted",
            `The script has no turn for model request ${request.index + 1}: ${
              this.#entries.length - this.unused.length
            } of its ${this.#entries.length} turns are used${
              this.unused.length === 0 ? "" : ` and the others are for other requests: ${this.unused.join(", ")}`
            }.`
          )
          : Either.right(turn)
      )
    )
  }

  #find(request: ModelRequest): Turn | undefined {
    const free = this.#entries.filter((entry) => !entry.used)
    const entry = free.find((entry) => entry.match !== undefined && matches(entry.match, request)) ??
      free.find((entry) => entry.match === undefined)
    if (entry !== undefined) entry.used = true
    const input = entry?.turn ?? this.#always
    return input === undefined ? undefined : toTurn(input, request)
  }
}

const matches = (match: When["match"], request: ModelRequest): boolean =>
  typeof match === "string" ? request.conversationId === match : match(request)

const toTurn = (input: TurnInput, request: ModelRequest): Turn => {
  const value = typeof input === "function" ? input(request) : input
  return typeof value !== "string" && isTurn(value) ? value : Scripts.turn(value)
}

const failed = (code: string, reason: string): Checked<never> =>
  reject(500, code, reason, { headers: { "x-should-retry": "false" } })
