// Ours as a Stream.
import { Effect, Stream } from "effect"
import { connecting } from "./ours.mjs"

export const read = (run, onDelta) =>
  Stream.runForEachChunk(run, (events) =>
    Effect.suspend(() => {
      const waiting = []
      for (const event of events) {
        if (event._tag !== "TextDelta") continue
        const wait = onDelta(event.delta)
        if (wait !== undefined) waiting.push(wait)
      }
      return waiting.length === 0 ? Effect.void : Effect.promise(() => Promise.all(waiting))
    }))

export const connect = connecting(read)
