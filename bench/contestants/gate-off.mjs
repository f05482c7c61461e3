// The same with the gate switched off.
import { Effect } from "effect"
import { RateLimits, Run } from "effect-openai-threads"
import { connecting } from "./ours.mjs"

export const connect = connecting((run, onDelta) =>
  Effect.provideService(Effect.map(Run.text(run), onDelta), RateLimits.RateLimits, { mode: "off" })
)
