/**
 * The help, written from the same data that the commands are made of. `@effect/cli` would print each command's usage in
 * one line of 300 characters, and three lines of which one says something for each option.
 */
import { meanings } from "./exitCodes.ts"
import type { Flag } from "./Flag.ts"
import { saying } from "./flags.ts"
import type { Spec } from "./Spec.ts"

const name = "openai-threads"

const about = "Assistants, threads and runs over OpenAI, from a terminal."

const everywhere: ReadonlyArray<readonly [string, string]> = [["-h, --help", "This help"]]

const table = (title: string, rows: ReadonlyArray<readonly [left: string, right: string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return ["", `${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)]
}

const valueOf = (flag: Flag): string =>
  flag.kind === "on" ? "" : flag.kind === "choice" ? ` ${flag.choices.join("|")}` : ` <${flag.value}>`

const row = (flag: Flag): readonly [string, string] => [
  `${flag.alias === undefined ? "    " : `-${flag.alias}, `}--${flag.name}${valueOf(flag)}`,
  flag.description
]

const argumentOf = ({ argument }: Spec): string =>
  argument === undefined ? "" : argument.many ? ` [${argument.name}…]` : ` <${argument.name}>`

const exitCodes = table("Exit codes", meanings.map(([code, meaning]) => [String(code), meaning]))

const examples = (specs: ReadonlyArray<Spec>) => [
  "",
  "Examples:",
  ...specs.flatMap((spec) => spec.examples).flatMap(([command, what]) => [`  # ${what}`, `  ${command}`])
]

const ofOne = (spec: Spec): ReadonlyArray<string> => [
  `${spec.description}.`,
  "",
  `Usage: ${[name, ...spec.path].join(" ")} [options]${argumentOf(spec)}`,
  ...examples([spec]),
  ...(spec.argument === undefined ? [] : table("Argument", [[spec.argument.name, spec.argument.description]])),
  ...table("Options", [...Object.values(spec.flags).map(row), ...everywhere]),
  ...exitCodes
]

const ofSeveral = (path: ReadonlyArray<string>, specs: ReadonlyArray<Spec>): ReadonlyArray<string> => [
  ...(path.length === 0 ? [about, ""] : []),
  `Usage: ${[name, ...path].join(" ")} <command> [options]`,
  ...examples(specs.slice(0, path.length === 0 ? 1 : specs.length)),
  ...table("Commands", specs.map((spec) => [`${spec.path.join(" ")}${argumentOf(spec)}`, spec.description])),
  ...table(
    "Options",
    path.length === 0
      ? [...everywhere, ["    --version", "The version"], ...Object.values(saying).map(row)]
      : everywhere
  ),
  ...exitCodes,
  ...(path.length === 0 ? ["", `A command's own help: ${name} ask --help`] : [])
]

/** The help of a command, or of all commands whose names begin like this. */
export const help = (path: ReadonlyArray<string>, all: ReadonlyArray<Spec>): string => {
  const specs = all.filter((spec) => path.every((word, index) => spec.path[index] === word))
  const [only] = specs
  const lines = only !== undefined && only.path.length === path.length ? ofOne(only) : ofSeveral(path, specs)
  return `${lines.join("\n")}\n`
}
