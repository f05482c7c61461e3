import { Layer } from "effect"
import { Assistants, OpenAI, Threads, ThreadStore } from "effect-openai-threads"

/** Threads that this process keeps. OpenAI stores nothing: each request carries the whole thread. */
export const local = Threads.layer.pipe(
  Layer.provide(ThreadStore.layerMemory),
  Layer.provide(Assistants.layer([])),
  Layer.provide(OpenAI.layerConfig)
)
