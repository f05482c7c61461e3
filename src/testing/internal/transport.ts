/** What a client sees of an answer when the connection has a fault. The same for every transport. */
import * as Effect from "effect/Effect"
import type { Fault } from "../Script.ts"
import { endWith, withKeepalives } from "./ending.ts"
import { type Answer, isEventStream, type Piece } from "./http.ts"
import { dripping, inReads } from "./reads.ts"
import { rewrite } from "./rewrite.ts"
import type { Step, Steps } from "./step.ts"

export interface Answered {
  readonly _tag: "Answered"
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The steps are of the plain body, where it is to be sent compressed. */
  readonly gzip: boolean
  readonly next: Steps
}

export type Outcome =
  | { readonly _tag: "Refused" }
  | { readonly _tag: "ConnectTimeout" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Silent" }
  | Answered

type Single = Exclude<Fault, { readonly _tag: "All" }>

const singles = (fault: Fault | undefined): ReadonlyArray<Single> =>
  fault === undefined ? [] : fault._tag === "All" ? fault.faults.flatMap(singles) : [fault]

/** What the client sees when not even a connection comes about. Then the request has no effect. */
export const unreachable = (fault: Fault | undefined): Outcome | undefined => {
  for (const { _tag } of singles(fault)) {
    if (_tag === "Refuse") return { _tag: "Refused" }
    if (_tag === "ConnectTimeout") return { _tag }
  }
  return undefined
}

const withoutHeaders = (fault: Fault | undefined): Outcome | undefined => {
  for (const single of singles(fault)) {
    if (single._tag === "Reset" && single.afterEvents === undefined && single.afterBytes === undefined) {
      return { _tag: "Reset" }
    }
    if (single._tag === "Stall" && single.headers) return { _tag: "Silent" }
  }
  return undefined
}

const applyTo = (answered: Answered, fault: Single, hasEvents: boolean): Answered => {
  switch (fault._tag) {
    case "Refuse":
    case "ConnectTimeout":
      return answered
    case "Cut":
    case "Reset":
    case "Stall":
      return { ...answered, next: endWith(fault, hasEvents)(answered.next) }
    case "Duplicate":
    case "Swap":
    case "Truncate":
    case "Comments":
    case "LineEnds":
      return hasEvents ? { ...answered, next: rewrite(fault)(answered.next) } : answered
    case "Split":
      return { ...answered, next: inReads(fault.reads)(answered.next) }
    case "Drip":
      return { ...answered, next: dripping(fault.bytes, fault.every)(answered.next) }
    case "Gzip":
      return { ...answered, gzip: true, headers: { ...answered.headers, "content-encoding": "gzip" } }
    case "ContentType":
      return { ...answered, headers: { ...answered.headers, "content-type": fault.contentType } }
  }
}

export const outcomeOf = (answer: Answer, fault: Fault | undefined): Outcome => {
  const without = unreachable(fault) ?? withoutHeaders(fault)
  if (without !== undefined) return without
  const { "content-length": _, ...open } = answer.headers
  const whole: Answered = {
    _tag: "Answered",
    status: answer.status,
    headers: fault === undefined ? answer.headers : open,
    gzip: false,
    next: Effect.map(answer.body, toStep)
  }
  const hasEvents = isEventStream(answer)
  const answered = singles(fault).reduce<Answered>((so, single) => applyTo(so, single, hasEvents), whole)
  const next = answer.readBytes === undefined ? answered.next : inReads([answer.readBytes])(answered.next)
  return { ...answered, next: fault === undefined ? next : withKeepalives(next) }
}

const toStep = (piece: Piece): Step => ({ _tag: "Bytes", ...piece })

/** An error as Node's network code throws it. */
export const networkError = (code: string, message: string): Error => Object.assign(new Error(message), { code })
