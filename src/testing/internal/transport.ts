/** What a client sees of an answer when the connection has a fault. The same for every transport. */
import * as Effect from "effect/Effect"
import type { Fault } from "../Script.ts"
import type { Answer, Body, Piece } from "./http.ts"

/** What the transport does next. After anything but bytes that are not the last there is nothing to ask for. */
export type Step =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly _tag: "End" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Stall" }

export type Outcome =
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Silent" }
  | {
    readonly _tag: "Answered"
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly next: Effect.Effect<Step>
  }

export const outcomeOf = (answer: Answer, fault: Fault | undefined): Outcome => {
  if (fault?._tag === "Refuse") return { _tag: "Refused" }
  if (fault?._tag === "Reset" && fault.afterEvents === undefined) return { _tag: "Reset" }
  if (fault?._tag === "Stall" && fault.headers) return { _tag: "Silent" }
  const { "content-length": _, ...open } = answer.headers
  const next = steps(answer.body, fault)
  return {
    _tag: "Answered",
    status: answer.status,
    headers: fault === undefined ? answer.headers : open,
    next: answer.readBytes === undefined ? next : regroup(next, answer.readBytes)
  }
}

const toStep = (piece: Piece): Step => ({ _tag: "Bytes", ...piece })

const steps = (body: Body, fault: Fault | undefined): Effect.Effect<Step> => {
  if (fault === undefined || fault._tag === "Refuse") return Effect.map(body, toStep)
  const end: Step = fault._tag === "Cut" ? { _tag: "End" } : { _tag: fault._tag }
  const maxEvents = fault.afterEvents ?? Number.POSITIVE_INFINITY
  const maxBytes = fault._tag === "Cut" ? fault.afterBytes ?? Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY
  let events = 0
  let bytes = 0
  return Effect.suspend(() => {
    if (events >= maxEvents || bytes >= maxBytes) return Effect.succeed(end)
    return Effect.map(body, (piece): Step => {
      events++
      const kept = piece.bytes.subarray(0, maxBytes - bytes)
      bytes += kept.length
      // A fault that stands after the last event still happens.
      const faulty = events >= maxEvents || bytes >= maxBytes
      return { _tag: "Bytes", bytes: kept, last: piece.last && !faulty }
    })
  })
}

/** The same bytes in reads of this size; what is left over comes when there will be no more. */
const regroup = (next: Effect.Effect<Step>, size: number): Effect.Effect<Step> => {
  let held: Array<Uint8Array> = []
  let length = 0
  let end: Step | undefined = undefined
  const take = (): Step => {
    const all = concat(held, length)
    const bytes = all.subarray(0, size)
    const rest = all.subarray(size)
    held = [rest]
    length = rest.length
    return { _tag: "Bytes", bytes, last: length === 0 && end?._tag === "Bytes" }
  }
  const step: Effect.Effect<Step> = Effect.suspend(() => {
    if (length >= size || (end !== undefined && length > 0)) return Effect.succeed(take())
    if (end !== undefined) return Effect.succeed(end)
    return Effect.flatMap(next, (given) => {
      if (given._tag === "Bytes") {
        held.push(given.bytes)
        length += given.bytes.length
      }
      if (given._tag !== "Bytes") end = given
      else if (given.last) end = { _tag: "Bytes", bytes: new Uint8Array(0), last: true }
      return step
    })
  })
  return step
}

const concat = (parts: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const result = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    result.set(part, offset)
    offset += part.length
  }
  return result
}

/** Runs the effect again as long as it gives true. */
export const whileTrue = (effect: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.suspend(() => {
    let more = true
    return Effect.whileLoop({
      while: () => more,
      body: () => effect,
      step: (again) => {
        more = again
      }
    })
  })

/** An error as Node's network code throws it. */
export const networkError = (code: string, message: string): Error => Object.assign(new Error(message), { code })
