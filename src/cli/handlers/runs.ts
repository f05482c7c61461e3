/** `runs`: a run in the background, from its cursor. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Cursor from "../../Cursor.ts"
import type { RunEvent } from "../../RunEvent.ts"
import * as Threads from "../../Threads.ts"
import * as Approval from "../approval.ts"
import { usage } from "../CliError.ts"
import type * as Specs from "../commands/runs.ts"
import { connect } from "../connect.ts"
import * as GoOn from "../goOn.ts"
import * as OutputFile from "../outputFile.ts"
import { patiently } from "../patience.ts"
import { type Format, printFailure, render } from "../render.ts"
import * as Settings from "../settings.ts"
import type { InputOf } from "../Spec.ts"
import { spin, still } from "../spinner.ts"
import { readText } from "../stdin.ts"
import { paint } from "../streams.ts"
import { stderr, stdout } from "../terminal.ts"

type Input = InputOf<typeof Specs.status>

const cursorOf = ({ args: [word = ""], keyStdin }: Input) =>
  Effect.gen(function*() {
    if (word === "-" && keyStdin) {
      return yield* usage("standard input can be used once only: it is the key or the cursor")
    }
    const text = word === "-" ? (yield* readText).trim() : word
    return yield* Effect.mapError(
      Cursor.decode(text),
      () => usage("this is no cursor of a run", "ask --background prints one.")
    )
  })

const withRun = <A, E, R>(
  input: Input,
  use: (threads: Threads.Service, cursor: Cursor.Cursor) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const cursor = yield* cursorOf(input)
    const settings = yield* Settings.load(input)
    return yield* Effect.flatMap(Threads.Threads, (threads) => use(threads, cursor)).pipe(
      Effect.provide(connect(settings, { keyStdin: input.keyStdin, simulate: false }))
    )
  })

const word = (
  input: Input,
  ask: (threads: Threads.Service, cursor: Cursor.Cursor) => ReturnType<Threads.Service["status"]>
) =>
  withRun(
    input,
    (threads, cursor) =>
      Effect.flatMap(patiently(still(false).say)(ask(threads, cursor)), (status) => stdout.write(`${status}\n`))
  )

export const status = (input: Input) => word(input, (threads, cursor) => threads.status(cursor))

export const cancel = (input: Input) => word(input, (threads, cursor) => threads.cancel(cursor))

export const watch = (input: InputOf<typeof Specs.watch>) =>
  Effect.scoped(Effect.gen(function*() {
    if (input.events && input.json) return yield* usage("--json and --events exclude each other")
    const sink = yield* OutputFile.sink(input.output)
    const format: Format = input.json ? "json" : input.events ? "events" : "text"
    let isRunning = false
    const watching = withRun(input, (threads, from) =>
      Effect.gen(function*() {
        const spinner = yield* spin("Watching", input.quiet)
        const approve = Approval.make(Option.getOrElse(input.approve, () => "ask"), spinner)
        let last = from
        const { command, hear } = GoOn.listener(true)
        const rendering = {
          format,
          answer: sink,
          usage: input.usage,
          tools: input.tools && !input.quiet,
          spinner,
          withCursors: true,
          hear: (event: RunEvent) => {
            last = Cursor.fromEvent(event)
            hear(event)
          }
        }
        isRunning = true
        yield* Effect.onExit(
          patiently(spinner.say)(render(threads.resume(from, { approve }), from.threadId, rendering)),
          (exit) =>
            Exit.isInterrupted(exit)
              ? stderr.write(`The run goes on. Go on with: ${GoOn.watching(Cursor.encode(last))}\n`)
              : input.quiet
              ? Effect.void
              : stderr.write(`${paint.dim(GoOn.line(from.threadId, command(from.threadId, exit)))}\n`)
        )
      }))
    yield* Effect.onError(watching, (cause) =>
      isRunning
        ? Effect.void
        : Effect.ignore(printFailure(format, sink, cause, { threadId: undefined })))
  }))
