/** `ask`: one question, one answer. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Cursor from "../../Cursor.ts"
import type * as Thread from "../../Thread.ts"
import * as Threads from "../../Threads.ts"
import * as Answerer from "../Answerer.ts"
import * as Approval from "../approval.ts"
import { usage } from "../CliError.ts"
import type { ask as spec } from "../commands/ask.ts"
import { connect } from "../connect.ts"
import type { Failure } from "../failure.ts"
import * as GoOn from "../goOn.ts"
import * as OutputFile from "../outputFile.ts"
import { patiently } from "../patience.ts"
import * as Prompt from "../prompt.ts"
import { type Format, render } from "../render.ts"
import * as Settings from "../settings.ts"
import * as Simulation from "../simulation.ts"
import type { InputOf } from "../Spec.ts"
import { spin } from "../spinner.ts"
import { paint } from "../streams.ts"
import { stderr, stdout } from "../terminal.ts"

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
    : Simulation.check(input)

export const ask = (input: Input) =>
  Effect.suspend(() => {
    let id: Thread.ThreadId | undefined
    const cancelled = Effect.suspend(() =>
      stderr.write(id === undefined || input.simulate ? "Cancelled.\n" : `Cancelled. Go on with: ${GoOn.asking(id)}\n`)
    )
    return Effect.gen(function*() {
      const prompt: Prompt.Prompt = {
        words: input.args,
        attach: input.attach,
        keyStdin: input.keyStdin,
        // What the last run waits for is decided without another word.
        isOptional: Option.isSome(input.thread) && Option.isSome(input.approve)
      }
      yield* check(input)
      yield* Prompt.check(prompt)
      const settings = yield* Settings.load(input)
      const known = (known: Thread.ThreadId) =>
        Effect.sync(() => {
          id = known
        })
      yield* Effect.provide(answer(input, prompt, settings, known), connect(settings, input))
    }).pipe(Effect.scoped, Effect.onInterrupt(() => cancelled))
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
  known: (id: Thread.ThreadId) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { assistant, instructions, model } = yield* Answerer.choose(
      settings,
      input.simulate ? Simulation.model : undefined
    )
    const sink = Option.isSome(input.output) ? yield* OutputFile.open(input.output.value) : stdout
    const output = Option.isSome(input.schema) ? yield* schemaOf(input.schema.value) : undefined
    const message = yield* Prompt.message(prompt)
    const format: Format = input.json ? "json" : input.events ? "events" : output === undefined ? "text" : "output"
    const spinner = yield* spin(`Asking ${model}`, input.quiet)

    const given = Option.map(input.thread, (id) => id as Thread.ThreadId)
    const id = Option.isSome(given)
      ? given.value
      : (yield* patiently(spinner.say)(threads.create({ messages: message === undefined ? [] : [message] }))).id
    yield* known(id)
    if (input.background) {
      const started = threads.start(id, {
        assistant,
        instructions,
        model,
        message: Option.isSome(given) ? message : undefined
      })
      const cursor = Cursor.encode(yield* patiently(spinner.say)(started))
      yield* spinner.stop
      yield* stdout.write(`${input.json ? JSON.stringify({ v: 1, cursor, threadId: id }) : cursor}\n`)
      if (input.quiet) return
      const lines = [`Thread ${id}. Watch it: ${GoOn.watching(cursor)}`, `End it: ${GoOn.cancelling(cursor)}`]
      return yield* stderr.write(lines.map((line) => `${paint.dim(line)}\n`).join(""))
    }
    const approve = Approval.make(Option.getOrElse(input.approve, () => "ask"), spinner)
    const options = { assistant, instructions, model, approve, output }
    const run = message === undefined
      ? threads.submit(id, yield* patiently(spinner.say)(Approval.decide(threads, id, approve)), options)
      : threads.run(id, { ...options, message: Option.isSome(given) ? message : undefined })
    const rendering = { format, answer: sink, usage: input.usage, tools: input.tools && !input.quiet, spinner }
    yield* Effect.onExit(patiently(spinner.say)(render(run, id, rendering)), (exit) =>
      input.quiet || input.simulate || Exit.isInterrupted(exit) || isMissing(exit)
        ? Effect.void
        : stderr.write(`${paint.dim(`Thread ${id}. Go on with: ${GoOn.asking(id)}`)}\n`))
  })
