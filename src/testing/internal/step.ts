/** A body on its way: what its sender does, one step at a time. */
import * as Effect from "effect/Effect"

/** After anything but bytes that are not the last there is nothing to ask for. */
export type Step =
  | { readonly _tag: "Bytes"; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly _tag: "End" }
  | { readonly _tag: "Reset" }
  /** Silence, but for a comment each so many milliseconds where that is given. */
  | { readonly _tag: "Stall"; readonly keepalive: number | undefined }

/** Gives the next step, when it is time for it. */
export type Steps = Effect.Effect<Step>

/** Changes what the sender does. Made anew for each body, since most remember where in it they are. */
export type Stage = (steps: Steps) => Steps

export const isLast = (step: Step): boolean => step._tag === "Bytes" ? step.last : step._tag !== "Stall"

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  const result = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
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
