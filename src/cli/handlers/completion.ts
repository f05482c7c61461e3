/**
 * `completion`: what a shell needs to complete commands and options, from the same data that they are made of.
 * `@effect/cli` has generators too: what they give for bash completes nothing where the program's name has a hyphen, and
 * nothing below a command of commands (0.77).
 */
import * as Effect from "effect/Effect"
import { usage } from "../CliError.ts"
import type { completion as spec } from "../commands/completion.ts"
import type { Flag } from "../Flag.ts"
import type { InputOf, Spec } from "../Spec.ts"
import { specs } from "../specs.ts"
import { stdout } from "../terminal.ts"

const name = "openai-threads"
const functionName = "_openai_threads"

const names = (flag: Flag): ReadonlyArray<string> => [
  `--${flag.name}`,
  ...(flag.alias === undefined ? [] : [`-${flag.alias}`])
]

const takesFile = (flag: Flag) => (flag.kind === "text" || flag.kind === "texts") && flag.value === "file"

/** The options of all commands that fulfil a condition, by name. */
const flagsWhere = (condition: (flag: Flag) => boolean): ReadonlyArray<Flag> => {
  const found = specs.flatMap((spec) => Object.values(spec.flags)).filter(condition)
  return Array.from(new Map(found.map((flag) => [flag.name, flag])).values())
}

/** The first words, each with the commands that begin with it. */
const first = (): ReadonlyArray<readonly [word: string, below: ReadonlyArray<Spec>]> =>
  Array.from(
    new Set(specs.map((spec) => spec.path[0])),
    (word) => [word, specs.filter((spec) => spec.path[0] === word)]
  )

const optionsOf = (spec: Spec) => [...Object.values(spec.flags).map((flag) => `--${flag.name}`), "--help"].join(" ")

const isText = (flag: Flag) => flag.kind !== "on" && flag.kind !== "choice" && !takesFile(flag)

/** The words that a command's argument may be, where they are known. */
const choicesOf = ({ argument }: Spec): ReadonlyArray<string> => argument?.choices ?? []

const bash = (): ReadonlyArray<string> => {
  const arm = (flags: ReadonlyArray<Flag>, offered: string) =>
    `    ${flags.flatMap(names).join("|")}) ${functionName}_offer ${offered}; return ;;`
  return [
    // A word on each line, which may have spaces in it.
    `${functionName}_offer() {`,
    "  COMPREPLY=()",
    "  while IFS= read -r; do COMPREPLY+=(\"$REPLY\"); done < <(compgen \"$@\" -- \"$cur\")",
    "}",
    `${functionName}() {`,
    "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" words=\"\" REPLY",
    "  COMPREPLY=()",
    // For bash, `--color=a` is three words.
    "  if [ \"$cur\" = \"=\" ]; then cur=\"\"; elif [ \"$prev\" = \"=\" ]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi",
    "  case \"$prev\" in",
    `    ${
      flagsWhere(takesFile).flatMap(names).join("|")
    }) compopt -o filenames 2> /dev/null; ${functionName}_offer -f; return ;;`,
    ...flagsWhere((flag) => flag.kind === "choice").map((flag) =>
      arm([flag], `-W "${flag.kind === "choice" ? flag.choices.join(" ") : ""}"`)
    ),
    `    ${flagsWhere(isText).flatMap(names).join("|")}) return ;;`,
    "  esac",
    "  case \"$COMP_CWORD,${COMP_WORDS[1]},${COMP_WORDS[2]}\" in",
    `    1,*) words="${first().map(([word]) => word).join(" ")} --help --version" ;;`,
    ...specs.flatMap((spec) =>
      choicesOf(spec).length === 0 ? [] : [`    2,${spec.path[0]},*) words="${choicesOf(spec).join(" ")} --help" ;;`]
    ),
    ...first().flatMap(([word, below]) =>
      below.flatMap((spec) => spec.path.length === 1 ? [`    *,${word},*) words="${optionsOf(spec)}" ;;`] : [])
    ),
    ...first().flatMap(([word, below]) => {
      const second = below.flatMap((spec) => spec.path[1] ?? [])
      return second.length === 0 ? [] : [`    2,${word},*) words="${second.join(" ")} --help" ;;`]
    }),
    ...specs.flatMap((spec) =>
      spec.path.length === 1 ? [] : [`    *,${spec.path.join(",")}) words="${optionsOf(spec)}" ;;`]
    ),
    "  esac",
    `  ${functionName}_offer -W "$words"`,
    "}",
    `complete -F ${functionName} ${name}`
  ]
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

const described = (left: string, right: string) => quoted(`${left}:${right.replaceAll(":", "\\:")}`)

const zsh = (): ReadonlyArray<string> => [
  `#compdef ${name}`,
  `${functionName}() {`,
  "  local -a candidates",
  "  case \"$CURRENT,$words[2],$words[3]\" in",
  `    2,*) candidates=(${
    first().map(([word, below]) =>
      described(word, below.length === 1 ? below[0]?.description ?? "" : below.map((spec) => spec.path[1]).join(", "))
    ).join(" ")
  }) ;;`,
  ...first().flatMap(([word, below]) => {
    const second = below.filter((spec) => spec.path.length > 1)
    const candidates = second.map((spec) => described(spec.path[1] ?? "", spec.description)).join(" ")
    return second.length === 0 ? [] : [`    3,${word},*) candidates=(${candidates}) ;;`]
  }),
  ...specs.flatMap((spec) =>
    choicesOf(spec).length === 0 ? [] : [`    3,${spec.path[0]},*) candidates=(${choicesOf(spec).join(" ")}) ;;`]
  ),
  ...specs.map((spec) => {
    const options = Object.values(spec.flags).map((flag) => described(`--${flag.name}`, flag.description)).join(" ")
    return `    *,${spec.path.join(",")}${spec.path.length === 1 ? ",*" : ""}) candidates=(${options}) ;;`
  }),
  "  esac",
  // Where nothing fits, file names do.
  "  if [[ $CURRENT -gt 3 && $PREFIX != -* ]] || ! _describe option candidates; then _files; fi",
  "}",
  // Both as a file in fpath and sourced.
  `if [ "$funcstack[1]" = "${functionName}" ]; then ${functionName} "$@"; else compdef ${functionName} ${name}; fi`
]

const fish = (): ReadonlyArray<string> => {
  const line = (condition: string, rest: string) => `complete -c ${name} -n ${quoted(condition)} ${rest}`
  return [
    `complete -c ${name} -f`,
    ...first().map(([word, below]) =>
      line("__fish_use_subcommand", `-a ${word} -d ${quoted(below.length === 1 ? below[0]?.description ?? "" : word)}`)
    ),
    ...specs.flatMap((spec) => {
      const [word, second] = spec.path
      const seen = `__fish_seen_subcommand_from ${word}`
      const inside = second === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${second}`
      return [
        ...(second === undefined ? [] : [line(seen, `-a ${second} -d ${quoted(spec.description)}`)]),
        ...choicesOf(spec).map((choice) => line(inside, `-a ${choice}`)),
        ...Object.values(spec.flags).map((flag) =>
          line(
            inside,
            [
              `-l ${flag.name}`,
              ...(flag.alias === undefined ? [] : [`-s ${flag.alias}`]),
              ...(flag.kind === "on" ? [] : takesFile(flag) ? ["-rF"] : ["-x"]),
              ...(flag.kind === "choice" ? [`-a ${quoted(flag.choices.join(" "))}`] : []),
              `-d ${quoted(flag.description)}`
            ].join(" ")
          )
        )
      ]
    })
  ]
}

const shells = { bash, sh: bash, zsh, fish }

const isShell = (shell: string): shell is keyof typeof shells => Object.hasOwn(shells, shell)

export const complete = ({ args: [shell = ""] }: InputOf<typeof spec>) =>
  isShell(shell)
    ? stdout.write(`${shells[shell]().join("\n")}\n`)
    : Effect.fail(usage(`there is no completion for "${shell}"`, `Shells: ${Object.keys(shells).join(", ")}.`))
