/** The commands with their handlers. */
import * as Effect from "effect/Effect"
import * as Specs from "./commands/ask.ts"
import * as AssistantSpecs from "./commands/assistants.ts"
import * as ChatSpec from "./commands/chat.ts"
import * as CompletionSpec from "./commands/completion.ts"
import * as ConfigSpecs from "./commands/config.ts"
import * as RunSpecs from "./commands/runs.ts"
import * as SimulateSpec from "./commands/simulate.ts"
import * as ThreadSpecs from "./commands/threads.ts"
import type { Flags } from "./Flag.ts"
import { ask } from "./handlers/ask.ts"
import * as Assistants from "./handlers/assistants.ts"
import { complete } from "./handlers/completion.ts"
import * as Config from "./handlers/config.ts"
import * as Threads from "./handlers/threads.ts"
import { decode } from "./options.ts"
import type { Input, Spec } from "./Spec.ts"

/** A command from its words. */
const command = <const F extends Flags, E, R>(
  { flags }: Spec<F>,
  handle: (input: Input<F>) => Effect.Effect<void, E, R>
) =>
(words: ReadonlyArray<string>) => Effect.flatMap(decode(flags, words), handle)

/** The simulated model and its server are loaded for those who ask for them. */
const simulator = Effect.promise(() => import("./handlers/simulate.ts"))

/** The editor is, too. */
const chatting = Effect.promise(() => import("./handlers/chat.ts"))

const runs = Effect.promise(() => import("./handlers/runs.ts"))

const commands = {
  "ask": command(Specs.ask, ask),
  "chat": command(ChatSpec.chat, (input) => Effect.flatMap(chatting, ({ chat }) => chat(input))),
  "threads show": command(ThreadSpecs.show, Threads.show),
  "threads export": command(ThreadSpecs.exportThread, Threads.exportThread),
  "threads delete": command(ThreadSpecs.remove, Threads.remove),
  "runs watch": command(RunSpecs.watch, (input) => Effect.flatMap(runs, ({ watch }) => watch(input))),
  "runs status": command(RunSpecs.status, (input) => Effect.flatMap(runs, ({ status }) => status(input))),
  "runs cancel": command(RunSpecs.cancel, (input) => Effect.flatMap(runs, ({ cancel }) => cancel(input))),
  "assistants list": command(AssistantSpecs.list, Assistants.list),
  "assistants show": command(AssistantSpecs.show, Assistants.show),
  "config show": command(ConfigSpecs.show, Config.show),
  "config path": command(ConfigSpecs.path, () => Config.path),
  "simulate": command(SimulateSpec.simulate, (input) => Effect.flatMap(simulator, ({ simulate }) => simulate(input))),
  "completion": command(CompletionSpec.completion, complete)
}

export type Name = keyof typeof commands

/** Decodes the words behind a command's name, which were put in order, and runs it. */
export const run = (name: Name, words: ReadonlyArray<string>) => commands[name](words)
