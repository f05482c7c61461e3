/** `completion`: what a shell needs to complete commands and options. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { usage } from "../CliError.ts"
import { stdout } from "../terminal.ts"

const name = "openai-threads"

export type Completable = Command.Command<string, never, never, unknown>

const generators: Record<string, (command: Completable) => Effect.Effect<Array<string>>> = {
  bash: (command) => Command.getBashCompletions(command, name),
  sh: (command) => Command.getBashCompletions(command, name),
  fish: (command) => Command.getFishCompletions(command, name),
  zsh: (command) => Command.getZshCompletions(command, name)
}

export const complete = (shell: string | undefined, command: Completable) => {
  const generate = generators[shell ?? ""]
  return generate === undefined
    ? Effect.fail(usage(`there is no completion for "${shell}"`, `Shells: ${Object.keys(generators).join(", ")}.`))
    : Effect.flatMap(generate(command), (lines) => stdout.write(`${lines.join("\n")}\n`))
}
