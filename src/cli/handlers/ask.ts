/** `ask`: one question, one answer. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Thread from "../../Thread.ts"
import * as Threads from "../../Threads.ts"
import * as Answerer from "../Answerer.ts"
import { usage } from "../CliError.ts"
import type { ask as spec } from "../commands/ask.ts"
import { connect } from "../connect.ts"
import * as OutputFile from "../outputFile.ts"
import * as Prompt from "../prompt.ts"
import { type Format, render } from "../render.ts"
import * as Settings from "../settings.ts"
import type { InputOf } from "../Spec.ts"
import { paint } from "../streams.ts"
import { stderr, stdout } from "../terminal.ts"

type Input = InputOf<typeof spec>

const goOn = (id: Thread.ThreadId) => `openai-threads ask --thread ${id}`

const check = ({ events, json, simulate, thread }: Input) =>
  events && json
    ? Effect.fail(usage("--json and --events exclude each other"))
    : simulate && Option.isSome(thread)
    ? Effect.fail(
      usage(
        "--simulate keeps no threads: it cannot go on with one",
        "A server of simulated threads: openai-threads simulate"
      )
    )
    : Effect.void

export const ask = (input: Input) =>
  Effect.gen(function*() {
    const prompt: Prompt.Prompt = { words: input.args, attach: input.attach, keyStdin: input.keyStdin }
    yield* check(input)
    yield* Prompt.check(prompt)
    const settings = yield* Settings.load(input)
    yield* Effect.provide(answer(input, prompt, settings), connect(settings, input))
  }).pipe(Effect.scoped)

const answer = (input: Input, prompt: Prompt.Prompt, settings: Settings.Settings) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const { assistant, instructions, model } = yield* Answerer.choose(
      settings,
      input.simulate ? "simulated-model" : undefined
    )
    const sink = Option.isSome(input.output) ? yield* OutputFile.open(input.output.value) : stdout
    const message = yield* Prompt.message(prompt)
    const format: Format = input.json ? "json" : input.events ? "events" : "text"

    const given = Option.map(input.thread, (id) => id as Thread.ThreadId)
    const id = Option.isSome(given) ? given.value : (yield* threads.create({ messages: [message] })).id
    const run = threads.run(id, { assistant, instructions, model, message: Option.isSome(given) ? message : undefined })
    const rendering = { format, answer: sink, quiet: input.quiet, usage: input.usage, model }
    yield* Effect.onExit(render(run, id, rendering), (exit) =>
      Exit.isInterrupted(exit)
        ? stderr.write(input.simulate ? "Cancelled.\n" : `Cancelled. Go on with: ${goOn(id)}\n`)
        : input.quiet || input.simulate
        ? Effect.void
        : stderr.write(`${paint.dim(`Thread ${id}. Go on with: ${goOn(id)}`)}\n`))
  })
