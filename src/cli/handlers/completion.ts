/** `completion`: what a shell needs to complete commands and options. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { usage } from "../CliError.ts"
import { commandOf } from "../commandOf.ts"
import type { completion as spec } from "../commands/completion.ts"
import type { InputOf, Spec } from "../Spec.ts"
import { specs } from "../specs.ts"
import { stdout } from "../terminal.ts"

const name = "openai-threads"

const leaf = (spec: Spec) => commandOf(spec, () => Effect.void)

type Leaf = ReturnType<typeof leaf>

/** All commands in their tree; they are completed, not run. */
const root = () => {
  const first = Array.from(new Set(specs.map((spec) => spec.path[0])))
  const children = first.map((word) => {
    const below = specs.filter((spec) => spec.path[0] === word)
    const [only] = below
    return only !== undefined && only.path.length === 1
      ? leaf(only)
      : Command.withSubcommands(Command.make(word), below.map(leaf) as [Leaf, ...Array<Leaf>]) as never as Leaf
  })
  return Command.withSubcommands(Command.make(name), children as [Leaf, ...Array<Leaf>])
}

const generators = {
  bash: () => Command.getBashCompletions(root(), name),
  sh: () => Command.getBashCompletions(root(), name),
  fish: () => Command.getFishCompletions(root(), name),
  zsh: () => Command.getZshCompletions(root(), name)
}

const isShell = (shell: string): shell is keyof typeof generators => Object.hasOwn(generators, shell)

export const complete = ({ args: [shell = ""] }: InputOf<typeof spec>) =>
  isShell(shell)
    ? Effect.flatMap(generators[shell](), (lines) => stdout.write(`${lines.join("\n")}\n`))
    : Effect.fail(usage(`there is no completion for "${shell}"`, `Shells: ${Object.keys(generators).join(", ")}.`))
