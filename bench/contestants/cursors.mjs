// Ours as a Stream, with the cursor behind each event as a string, as a server sends it.
import { Effect, Stream } from "effect"
import { Cursor } from "effect-openai-threads"
import { connecting } from "./ours.mjs"

export const connect = connecting((run, onDelta) =>
  Stream.runForEachChunk(run, (events) =>
    Effect.sync(() => {
      for (const event of events) onDelta(Cursor.encode(Cursor.fromEvent(event)))
    }))
)
