/** Annotations of tools. `Tools.ts` shows and documents them. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/** A function of the parameters of whatever tool it annotates. */
type Predicate = { test(parameters: unknown): boolean }["test"]

export class NeedsApproval extends Context.Reference<NeedsApproval>()("effect-openai-threads/NeedsApproval", {
  defaultValue: (): boolean | Predicate => false
}) {}

export class Strict extends Context.Reference<Strict>()("effect-openai-threads/Strict", {
  defaultValue: (): boolean | undefined => undefined
}) {}

export class Timeout extends Context.Reference<Timeout>()("effect-openai-threads/ToolTimeout", {
  defaultValue: (): Duration.DurationInput | undefined => undefined
}) {}
