/** `ask`: one question, one answer. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Cursor from "../../Cursor.ts"
import type { RunEvent } from "../../RunEvent.ts"
import type * as Thread from "../../Thread.ts"
import * as Threads from "../../Threads.ts"
import * as Answerer from "../Answerer.ts"
import * as Approval from "../approval.ts"
import { usage } from "../CliError.ts"
import type { ask as spec } from "../commands/ask.ts"
import { connect } from "../connect.ts"
import type { Failure } from "../failure.ts"
import * as GoOn from "../goOn.ts"
import * as LastThread from "../lastThread.ts"
import * as OutputFile from "../outputFile.ts"
import { patiently } from "../patience.ts"
import * as Prompt from "../prompt.ts"
import { type Format, printFailure, render } from "../render.ts"
import * as Settings from "../settings.ts"
import * as Simulation from "../simulation.ts"
import type { InputOf } from "../Spec.ts"
import { spin } from "../spinner.ts"
import { paint } from "../streams.ts"
import { type AnswerSink, stderr, stdout } from "../terminal.ts"

type Input = InputOf<typeof spec>

/** What is about an answer that is printed here. */
const foreground = (input: Input): ReadonlyArray<string> =>
  [
    ...(["events", "simulate", "usage", "tools"] as const).filter((name) => input[name]),
    ...(["schema", "output", "approve"] as const).filter((name) => Option.isSome(input[name]))
  ].map((name) => `--${name}`)

const check = (input: Input) =>
  input.events && input.json
    ? Effect.fail(usage("--json and --events exclude each other"))
    : input.background && foreground(input).length > 0
    ? Effect.fail(usage(`--background prints no answer, and excludes ${foreground(input).join(", ")}`))
    : input.retry && !input.continue && Option.isNone(input.thread)
    ? Effect.fail(usage("--retry asks again on a thread", "Name it with --thread, or take the last one with -c."))
    : input.closePending && !input.continue && Option.isNone(input.thread)
    ? Effect.fail(
      usage("--close-pending goes on with a thread", "Name it with --thread, or take the last one with -c.")
    )
    : input.closePending && Option.isSome(input.approve)
    ? Effect.fail(usage("--approve decides what the thread waits for, and --close-pending goes on without"))
    : input.retry && input.args.length + input.attach.length > 0
    ? Effect.fail(usage("--retry asks what is in the thread already, and takes no text and no file"))
    : Simulation.check(input)

const formatOf = (input: Input): Format =>
  input.json ? "json" : input.events ? "events" : Option.isNone(input.schema) ? "text" : "output"

/** How far it has come. */
interface Progress {
  thread: Thread.ThreadId | undefined
  run: ReturnType<typeof GoOn.listener>
  /** A run prints also how it failed. */
  isRunning: boolean
}

export const ask = (input: Input) =>
  Effect.suspend(() => {
    const progress: Progress = { thread: undefined, run: GoOn.listener(input.retry), isRunning: false }
    const cancelled = Effect.suspend(() => {
      const { run, thread } = progress
      const command = thread === undefined || input.simulate
        ? undefined
        : run.command(thread, Exit.interrupt(FiberId.none))
      return stderr.write(command === undefined ? "Cancelled.\n" : `Cancelled. Go on with: ${command}\n`)
    })
    return Effect.gen(function*() {
      yield* check(input)
      const sink = yield* OutputFile.sink(input.output)
      yield* Effect.onError(begin(input, sink, progress), (cause) =>
        progress.isRunning
          ? Effect.void
          // Where this cannot be written either, the error itself is the one to tell.
          : Effect.ignore(printFailure(formatOf(input), sink, cause, { threadId: progress.thread })))
    }).pipe(Effect.scoped, Effect.onInterrupt(() => cancelled))
  })

const begin = (input: Input, sink: AnswerSink, progress: Progress) =>
  Effect.gen(function*() {
    const prompt: Prompt.Prompt = {
      words: input.args,
      attach: input.attach,
      keyStdin: input.keyStdin,
      // What the last run waits for is decided, or closed, without another word.
      isOptional: (input.continue || Option.isSome(input.thread)) &&
        (Option.isSome(input.approve) || input.closePending)
    }
    if (!input.retry) yield* Prompt.check(prompt)
    const settings = yield* Settings.load(input)
    yield* Effect.provide(answer(input, prompt, settings, sink, progress), connect(settings, input))
  })

/** Checking it takes a library that is loaded for those who do. */
const schemaOf = (file: string) =>
  Effect.flatMap(Effect.promise(() => import("../outputSchema.ts")), ({ read }) => read(file))

const isMissing = (exit: Exit.Exit<unknown, Failure>) =>
  Exit.isFailure(exit) &&
  Option.exists(Cause.failureOption(exit.cause), ({ _tag }) => _tag === "ThreadNotFound")

const answer = (
  input: Input,
  prompt: Prompt.Prompt,
  settings: Settings.Settings,
  sink: AnswerSink,
  progress: Progress
) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { assistant, instructions, model } = yield* Answerer.choose(
      settings,
      input.simulate ? Simulation.model : undefined
    )
    const output = Option.isSome(input.schema) ? yield* schemaOf(input.schema.value) : undefined
    const given = input.continue
      ? Option.some(yield* LastThread.read)
      : Option.map(input.thread, (id) => id as Thread.ThreadId)
    const message = input.retry ? undefined : yield* Prompt.message(prompt)
    const keep = input.simulate ? () => {} : yield* LastThread.keeper
    const spinner = yield* spin(`Asking ${model}`, input.quiet)

    const id = Option.isSome(given)
      ? given.value
      : (yield* patiently(spinner.say)(threads.create({ messages: message === undefined ? [] : [message] }))).id
    progress.thread = id
    if (Option.isNone(given)) progress.run = GoOn.listener(true)
    const onPending = input.closePending ? "close" : "reject"
    if (input.background) {
      const started = threads.start(id, {
        assistant,
        instructions,
        model,
        message: Option.isSome(given) ? message : undefined,
        onPending
      })
      const cursor = Cursor.encode(yield* patiently(spinner.say)(started))
      keep(id)
      yield* spinner.stop
      yield* stdout.write(`${input.json ? JSON.stringify({ v: 1, cursor, threadId: id }) : cursor}\n`)
      if (input.quiet) return
      const lines = [`Thread ${id}. Watch it: ${GoOn.watching(cursor)}`, `End it: ${GoOn.cancelling(cursor)}`]
      return yield* stderr.write(lines.map((line) => `${paint.dim(line)}\n`).join(""))
    }
    const approve = Approval.make(Option.getOrElse(input.approve, () => "ask"), spinner)
    const options = { assistant, instructions, model, approve, output }
    const run = message === undefined && !input.retry && !input.closePending
      ? threads.submit(id, yield* patiently(spinner.say)(Approval.decide(threads, id, approve)), options)
      : threads.run(id, { ...options, onPending, message: Option.isSome(given) ? message : undefined })
    const rendering = {
      format: formatOf(input),
      answer: sink,
      usage: input.usage,
      tools: input.tools && !input.quiet,
      spinner,
      hear: (event: RunEvent) => {
        progress.run.hear(event)
        if (event._tag === "RunStarted") keep(id)
      }
    }
    progress.isRunning = true
    yield* Effect.onExit(patiently(spinner.say)(render(run, id, rendering)), (exit) =>
      input.quiet || input.simulate || Exit.isInterrupted(exit) || isMissing(exit)
        ? Effect.void
        : stderr.write(`${paint.dim(GoOn.line(id, progress.run.command(id, exit)))}\n`))
  })
