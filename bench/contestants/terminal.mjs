// Ours, asked for the whole text. It does not show the deltas: its one piece of text comes at the end.
import { Effect } from "effect"
import { Run } from "effect-openai-threads"
import { connecting } from "./ours.mjs"

export const connect = connecting((run, onDelta) => Effect.map(Run.text(run), onDelta))
