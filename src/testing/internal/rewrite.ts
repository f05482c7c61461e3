/** Event streams whose events are not as they should be, or not as they usually are. */
import * as Effect from "effect/Effect"
import type { Fault } from "../Script.ts"
import { encoder } from "./http.ts"
import { concat, type Stage, type Step, type Steps } from "./step.ts"

/** Each step becomes several, or none yet. */
const expand = (f: (step: Step) => ReadonlyArray<Step>): Stage => (steps) => {
  let ready: ReadonlyArray<Step> = []
  const next: Steps = Effect.suspend(() => {
    const [first, ...others] = ready
    ready = others
    if (first !== undefined) return Effect.succeed(first)
    return Effect.flatMap(steps, (step) => {
      ready = f(step)
      return next
    })
  })
  return next
}

/** A piece without bytes is only an end. */
const isEvent = (step: Step): step is Extract<Step, { readonly _tag: "Bytes" }> =>
  step._tag === "Bytes" && step.bytes.length > 0

const eachEvent = (f: (bytes: Uint8Array, index: number) => Uint8Array): Stage => {
  let index = 0
  return expand((step) => [isEvent(step) ? { ...step, bytes: f(step.bytes, index++) } : step])
}

const duplicated = (event: number): Stage => {
  let index = 0
  return expand((step) => isEvent(step) && index++ === event ? [{ ...step, last: false }, step] : [step])
}

/** The event is held until there is something after it. */
const swapped = (event: number): Stage => {
  let index = 0
  let held: Extract<Step, { readonly _tag: "Bytes" }> | undefined
  return expand((step) => {
    if (isEvent(step) && index++ === event && !step.last) {
      held = step
      return []
    }
    if (held === undefined) return [step]
    const earlier = held
    held = undefined
    return isEvent(step) ? [{ ...step, last: false }, { ...earlier, last: step.last }] : [earlier, step]
  })
}

const decoder = new TextDecoder()

const withHalfTheData = (event: Uint8Array): Uint8Array =>
  encoder.encode(decoder.decode(event).replace(/^data: ?.*$/m, (line) => line.slice(0, (6 + line.length) / 2)))

const lineEndings = { cr: "\r", crlf: "\r\n" }

/** Latin 1 gives each byte a character, whatever the bytes are. */
const withLineEnds = (event: Uint8Array, lineEnd: "cr" | "crlf"): Uint8Array =>
  Buffer.from(Buffer.from(event).toString("latin1").replace(/\r?\n/g, lineEndings[lineEnd]), "latin1")

const comment = encoder.encode(": comment\n\n")

export const rewrite = (
  fault: Extract<Fault, { readonly _tag: "Duplicate" | "Swap" | "Truncate" | "Comments" | "LineEnds" }>
): Stage => {
  switch (fault._tag) {
    case "Duplicate":
      return duplicated(fault.event)
    case "Swap":
      return swapped(fault.event)
    case "Truncate":
      return eachEvent((bytes, index) => index === fault.event ? withHalfTheData(bytes) : bytes)
    case "Comments":
      return eachEvent((bytes, index) => index % fault.every === 0 ? concat([comment, bytes]) : bytes)
    case "LineEnds":
      return eachEvent((bytes) => withLineEnds(bytes, fault.lineEnd))
  }
}
