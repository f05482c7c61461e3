// Ours, with a handler for each piece of text.
import { Effect } from "effect"
import { Run } from "effect-openai-threads"
import { connecting } from "./ours.mjs"

export const connect = connecting((run, onDelta) =>
  Run.handle(run, {
    TextDelta: ({ delta }) =>
      Effect.suspend(() => {
        const waiting = onDelta(delta)
        return waiting === undefined ? Effect.void : Effect.promise(() => waiting)
      })
  })
)
