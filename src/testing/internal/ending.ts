/** Bodies that end too early, break, or never end. */
import * as Effect from "effect/Effect"
import type { Fault } from "../Script.ts"
import { encoder } from "./http.ts"
import type { Stage, Step, Steps } from "./step.ts"

type Ending = Extract<Fault, { readonly _tag: "Cut" | "Reset" | "Stall" }>

const stepOf = (fault: Ending, hasEvents: boolean): Step => {
  switch (fault._tag) {
    case "Cut":
      return { _tag: "End" }
    case "Reset":
      return { _tag: "Reset" }
    case "Stall":
      return { _tag: "Stall", keepalive: hasEvents ? fault.keepalive : undefined }
  }
}

/** The body up to the place of the fault, and then the fault. */
export const endWith = (fault: Ending, hasEvents: boolean): Stage => (steps) => {
  const end = stepOf(fault, hasEvents)
  // A comment must not come inside of an event, so the event is sent to its end.
  const wholeEvents = end._tag === "Stall" && end.keepalive !== undefined
  const maxEvents = fault.afterEvents ?? Number.POSITIVE_INFINITY
  const maxBytes = fault.afterBytes ?? Number.POSITIVE_INFINITY
  let events = 0
  let bytes = 0
  const isThere = () => events >= maxEvents || bytes >= maxBytes
  return Effect.suspend(() => {
    if (isThere()) return Effect.succeed(end)
    return Effect.map(steps, (step): Step => {
      if (step._tag !== "Bytes") return step
      const kept = wholeEvents ? step.bytes : step.bytes.subarray(0, maxBytes - bytes)
      events++
      bytes += kept.length
      // A fault that stands after the last event still happens.
      return { _tag: "Bytes", bytes: kept, last: step.last && !isThere() }
    })
  })
}

const comment: Step = { _tag: "Bytes", bytes: encoder.encode(": keepalive\n\n"), last: false }

/** The comments of a stalled event stream. */
export const withKeepalives: Stage = (steps) => {
  let every: number | undefined
  return Effect.suspend(() => {
    if (every !== undefined) return Effect.delay(Effect.succeed(comment), every)
    return Effect.flatMap(steps, (step): Steps => {
      if (step._tag !== "Stall" || step.keepalive === undefined) return Effect.succeed(step)
      every = step.keepalive
      return Effect.delay(Effect.succeed(comment), every)
    })
  })
}
