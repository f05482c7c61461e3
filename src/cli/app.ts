/** The commands as `@effect/cli` decodes them. Each handler is loaded when it is needed. */
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { ask } from "./commands/ask.ts"
import * as Assistants from "./commands/assistants.ts"
import { completion } from "./commands/completion.ts"
import * as Config from "./commands/config.ts"
import { simulate } from "./commands/simulate.ts"
import * as Threads from "./commands/threads.ts"
import type { Flags } from "./Flag.ts"
import type { Completable } from "./handlers/completion.ts"
import { optionsOf } from "./options.ts"
import type { Input, Spec } from "./Spec.ts"
import { version } from "./version.ts"

const name = "openai-threads"

const command = <const F extends Flags, E, R>(
  { argument, description, flags, path }: Spec<F>,
  handle: (input: Input<F>) => Effect.Effect<void, E, R>
) => {
  const args = argument === undefined ? Args.text() : Args.text({ name: argument.name })
  const options: Command.Command.Config = { ...optionsOf(flags), args: Args.repeated(args) }
  return Command.make(path.at(-1) ?? name, options, (input) => handle(input as Input<F>)).pipe(
    Command.withDescription(description)
  )
}

const load = <Module, E, R>(
  module: () => Promise<Module>,
  use: (module: Module) => Effect.Effect<void, E, R>
): Effect.Effect<void, E, R> => Effect.flatMap(Effect.promise(module), use)

const askHandler = () => import("./handlers/ask.ts")
const assistantHandlers = () => import("./handlers/assistants.ts")
const completionHandler = () => import("./handlers/completion.ts")
const configHandlers = () => import("./handlers/config.ts")
const simulateHandler = () => import("./handlers/simulate.ts")
const threadHandlers = () => import("./handlers/threads.ts")

const root = Command.make(name).pipe(
  Command.withSubcommands([
    command(ask, (input) => load(askHandler, ({ ask }) => ask(input))),
    Command.make("threads").pipe(Command.withSubcommands([
      command(Threads.show, (input) => load(threadHandlers, ({ show }) => show(input))),
      command(Threads.exportThread, (input) => load(threadHandlers, ({ exportThread }) => exportThread(input))),
      command(Threads.remove, (input) => load(threadHandlers, ({ remove }) => remove(input)))
    ])),
    Command.make("assistants").pipe(Command.withSubcommands([
      command(Assistants.list, (input) => load(assistantHandlers, ({ list }) => list(input))),
      command(Assistants.show, (input) => load(assistantHandlers, ({ show }) => show(input)))
    ])),
    Command.make("config").pipe(Command.withSubcommands([
      command(Config.show, (input) => load(configHandlers, ({ show }) => show(input))),
      command(Config.path, () => load(configHandlers, ({ path }) => path))
    ])),
    command(simulate, (input) => load(simulateHandler, ({ simulate }) => simulate(input))),
    command(completion, ({ args }) => load(completionHandler, ({ complete }) => complete(args[0], all())))
  ])
)

/** All of them, for their completion, which is one of them. */
function all(): Completable {
  return root as never
}

/** Decodes a command line that was put in order, and runs the command. */
export const run = (words: ReadonlyArray<string>) =>
  Effect.provide(
    Command.run(root, { name, version, executable: name })(["", "", ...words]),
    CliConfig.layer({ isCaseSensitive: true })
  )
