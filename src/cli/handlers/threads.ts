/** `threads`: what is in a thread, and its end. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Thread from "../../Thread.ts"
import * as Threads from "../../Threads.ts"
import type * as Specs from "../commands/threads.ts"
import { confirm } from "../confirm.ts"
import { connect } from "../connect.ts"
import { writeThread } from "../exportThread.ts"
import * as OutputFile from "../outputFile.ts"
import { patiently } from "../patience.ts"
import * as Settings from "../settings.ts"
import type { InputOf } from "../Spec.ts"
import { still } from "../spinner.ts"
import { isInteractive } from "../streams.ts"
import { escaped, stderr, stdout } from "../terminal.ts"

type Input = Omit<InputOf<typeof Specs.remove>, "yes">

/** The version of what `--json` and `export` print. */
const v = 1

const head = ({ createdAt, id, metadata }: Thread.Thread) => ({ id, createdAt: createdAt.toJSON(), metadata })

const withThreads = <A, E, R>(
  input: Input,
  use: (threads: Threads.Service, id: Thread.ThreadId) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const settings = yield* Settings.load(input)
    return yield* Effect.flatMap(Threads.Threads, (threads) => use(threads, (input.args[0] ?? "") as Thread.ThreadId))
      .pipe(
        patiently(still(false).say),
        Effect.provide(connect(settings, { keyStdin: input.keyStdin, simulate: false }))
      )
  })

const describe = (part: Thread.ContentPart): string => {
  switch (part._tag) {
    case "Text":
      return part.text
    case "Refusal":
      return `[refused: ${part.refusal}]`
    case "Image":
      return `[image${part.fileId === undefined ? "" : ` ${part.fileId}`}]`
    case "File":
      return `[file${part.filename === undefined ? "" : ` ${part.filename}`}]`
    case "Unknown":
      return `[${part.type}]`
  }
}

export const show = (input: InputOf<typeof Specs.show>) =>
  withThreads(input, (threads, id) =>
    Effect.gen(function*() {
      const thread = yield* threads.get(id)
      if (input.json) {
        const messages = yield* Stream.runCollect(threads.messages(id))
        return yield* stdout.write(`${JSON.stringify({ v, thread: head(thread), messages: Array.from(messages) })}\n`)
      }
      let first = true
      yield* Stream.runForEach(threads.messages(id), (message) => {
        const text = message.content.map(describe).join("\n")
        const gap = first ? "" : "\n"
        first = false
        return stdout.write(`${gap}${message.role}:\n${text.replace(/\n+$/, "")}\n`)
      })
    }))

/** Nobody is asked where nobody is. */
export const remove = (input: InputOf<typeof Specs.remove>) =>
  withThreads(input, (threads, id) =>
    Effect.gen(function*() {
      if (!input.yes && isInteractive() && !(yield* confirm(`Delete thread ${escaped(id)} for good?`))) {
        return yield* stderr.write("Nothing is deleted.\n")
      }
      yield* threads.delete(id)
      yield* stderr.write(`Thread ${id} is deleted.\n`)
    }))

export const exportThread = (input: InputOf<typeof Specs.exportThread>) =>
  Effect.scoped(withThreads(input, (threads, id) =>
    Effect.gen(function*() {
      const sink = yield* OutputFile.sink(input.output)
      yield* writeThread(threads, id, sink)
    })))
