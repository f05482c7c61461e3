import * as Cause from "effect/Cause"
import * as Option from "effect/Option"

/** What a call that went wrong is blamed on: a defect before a failure that came with it, unlike `Cause.squash`. */
export const defectOf = (cause: Cause.Cause<unknown>): unknown =>
  Option.getOrElse(Cause.dieOption(cause), () => Cause.squash(cause))
