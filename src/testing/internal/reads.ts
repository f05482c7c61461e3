/** How a body is cut into network reads. */
import * as Effect from "effect/Effect"
import { concat, type Stage, type Step, type Steps } from "./step.ts"

/** The same bytes in reads of these sizes, in turn; what is left over comes when there will be no more. */
export const inReads = (sizes: ReadonlyArray<number>): Stage => (steps) => {
  let reads = 0
  let held: Array<Uint8Array> = []
  let length = 0
  let end: Step | undefined = undefined
  const size = () => Math.max(1, sizes[reads % sizes.length] ?? 1)
  const take = (): Step => {
    const all = concat(held)
    const bytes = all.subarray(0, size())
    const rest = all.subarray(bytes.length)
    reads++
    held = [rest]
    length = rest.length
    return { _tag: "Bytes", bytes, last: length === 0 && end?._tag === "Bytes" }
  }
  const next: Steps = Effect.suspend(() => {
    if (length >= size() || (end !== undefined && length > 0)) return Effect.succeed(take())
    if (end !== undefined) return Effect.succeed(end)
    return Effect.flatMap(steps, (step) => {
      if (step._tag === "Bytes") {
        held.push(step.bytes)
        length += step.bytes.length
      }
      if (step._tag !== "Bytes") end = step
      else if (step.last) end = { _tag: "Bytes", bytes: new Uint8Array(0), last: true }
      return next
    })
  })
  return next
}

/** Time passes between the steps. */
const slowly = (millis: number): Stage => (steps) => {
  let isFirst = true
  return Effect.flatMap(steps, (step) => {
    if (isFirst || step._tag !== "Bytes") {
      isFirst = false
      return Effect.succeed(step)
    }
    return Effect.delay(Effect.succeed(step), millis)
  })
}

export const dripping = (bytes: number, everyMillis: number): Stage => (steps) =>
  slowly(everyMillis)(inReads([bytes])(steps))
