/** A thread as lines of JSON: the thread, then its items, oldest first. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ThreadId } from "../Thread.ts"
import type * as Threads from "../Threads.ts"
import type { AnswerSink } from "./terminal.ts"

/** The version of the lines. */
const v = 1

export const writeThread = (threads: Threads.Service, thread: ThreadId, sink: AnswerSink) =>
  Effect.gen(function*() {
    const { createdAt, id, metadata } = yield* threads.get(thread)
    yield* sink.write(`${JSON.stringify({ v, type: "thread", id, createdAt: createdAt.toJSON(), metadata })}\n`)
    yield* Stream.runForEach(threads.items(id), (item) => {
      const { _tag: type, ...fields } = item
      return sink.write(`${JSON.stringify(type === "Unknown" ? { ...fields, type } : { type, ...fields })}\n`)
    })
  })
