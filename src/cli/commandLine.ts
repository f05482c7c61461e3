/**
 * Puts the command line in order before `@effect/cli` reads it: options first, each as two words, then `--`, then the
 * arguments. `@effect/cli` takes an option that it does not know for an argument, which here would be sent to the model,
 * finds none behind a lone `-`, and takes a `yes` behind a flag for its value.
 */
import type { Flag } from "./Flag.ts"
import { saying } from "./flags.ts"
import { nearest } from "./nearest.ts"
import type { Spec } from "./Spec.ts"

export type CommandLine =
  | { readonly _tag: "Help"; readonly path: ReadonlyArray<string> }
  | { readonly _tag: "Version" }
  /** `words` are its options and then its arguments. */
  | {
    readonly _tag: "Command"
    readonly path: ReadonlyArray<string>
    readonly words: ReadonlyArray<string>
    readonly debug: boolean
  }
  | { readonly _tag: "Invalid"; readonly problem: Problem }

/** What is wrong, and what to do. */
interface Problem {
  readonly message: string
  readonly hint: string
}

const usage = (message: string, hint: string): Problem => ({ message, hint })

/** A key on the command line is seen by everybody who lists processes, and stays in the shell's history. */
const keyFlags = new Set(["--api-key", "--key", "--apikey", "--token", "--openai-api-key"])

const helpWords = new Set(["--help", "-h", "help"])

const see = (path: ReadonlyArray<string>) => `See: ${["openai-threads", ...path, "--help"].join(" ")}`

const invalid = (problem: Problem): CommandLine => ({ _tag: "Invalid", problem })

/** How many words at the beginning are options that every command takes, with their values. */
const countBefore = (argv: ReadonlyArray<string>): number => {
  let count = 0
  for (;;) {
    const word = argv[count] ?? ""
    const flag = Object.values(saying).find(({ name }) => word.split("=", 1)[0] === `--${name}`)
    if (flag === undefined) return count
    count += flag.kind === "on" || word.includes("=") ? 1 : 2
  }
}

/** The command line, whose command may have options before it that every command takes. */
export const parse = (argv: ReadonlyArray<string>, specs: ReadonlyArray<Spec>): CommandLine => {
  const count = countBefore(argv)
  const words = argv.slice(count)
  return words[0] === "help"
    ? find([...words.slice(1), "--help"], specs, [])
    : find(words, specs, argv.slice(0, count))
}

const find = (argv: ReadonlyArray<string>, specs: ReadonlyArray<Spec>, before: ReadonlyArray<string>): CommandLine => {
  const path: Array<string> = []
  for (;;) {
    const word = argv[path.length]
    if (word === undefined || helpWords.has(word)) return { _tag: "Help", path }
    if (word === "--version" && path.length === 0) return { _tag: "Version" }
    if (word.startsWith("-")) {
      const hint = /^-v$/i.test(word)
        ? "The version: openai-threads --version"
        : `Options come after the command. ${see(path)}`
      return invalid(unknownFlag(word, path, [], hint))
    }
    const begun = specs.filter((spec) => path.every((word, index) => spec.path[index] === word))
    const words = Array.from(new Set(begun.flatMap((spec) => spec.path[path.length] ?? [])))
    if (!words.includes(word)) {
      const meant = nearest(word, words)
      return invalid(usage(`there is no command "${[...path, word].join(" ")}"${suggest(meant)}`, see(path)))
    }
    path.push(word)
    const spec = begun.find((spec) => spec.path.length === path.length && spec.path.at(-1) === word)
    if (spec !== undefined) return inOrder([...before, ...argv.slice(path.length)], spec)
  }
}

const suggest = (word: string | undefined) => word === undefined ? "" : `. Did you mean "${word}"?`

const inOrder = (words: ReadonlyArray<string>, { argument, flags: table, path }: Spec): CommandLine => {
  const flags = Object.values(table)
  const given = new Set<string>()
  const options: Array<string> = []
  const args: Array<string> = []
  const find = (name: string) => flags.find((flag) => name === `--${flag.name}` || name === `-${flag.alias}`)

  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === "--") {
      args.push(...words.slice(at + 1))
      break
    }
    if (!word.startsWith("-") || word === "-") {
      args.push(word)
      continue
    }
    if (word === "--help" || word === "-h") return { _tag: "Help", path }
    for (const [name, attached] of split(word, find)) {
      const flag = find(name)
      if (flag === undefined) return invalid(unknownFlag(name, path, flags, see(path)))
      if (flag.kind === "on") {
        if (attached !== undefined) return invalid(usage(`${name} takes no value`, see(path)))
        if (!given.has(flag.name)) options.push(`--${flag.name}`)
      } else {
        if (given.has(flag.name) && flag.kind !== "texts") return invalid(usage(`${name} is given twice`, see(path)))
        const value = attached ?? words[++at]
        if (value === undefined || value === "") return invalid(usage(`${name} needs a value`, see(path)))
        const wanted = expected(flag, value)
        if (wanted !== undefined) return invalid(usage(`${name} needs ${wanted}, not "${value}"`, see(path)))
        options.push(`--${flag.name}`, value)
      }
      given.add(flag.name)
    }
  }
  const most = argument === undefined ? 0 : argument.many ? Infinity : 1
  if (args.length > most) return invalid(usage(`there is an argument too many: "${args[most]}"`, see(path)))
  if (argument?.many === false && (args[0] ?? "") === "") {
    return invalid(usage(`<${argument.name}> is missing`, see(path)))
  }
  return {
    _tag: "Command",
    path,
    words: [...options, ...(args.length === 0 ? [] : ["--", ...args])],
    debug: given.has(saying.debug.name)
  }
}

/** What the value should be, if it is something else. */
const expected = (flag: Flag, value: string): string | undefined => {
  if (flag.kind === "integer") return /^-?\d+$/.test(value) ? undefined : "a whole number"
  if (flag.kind === "choice") return flag.choices.includes(value) ? undefined : flag.choices.join(" or ")
  return undefined
}

/** `--name=value`, `-n value`, `-nvalue` and `-abc`: names, each with the value that is attached to it. */
const split = (
  word: string,
  find: (name: string) => Flag | undefined
): ReadonlyArray<readonly [name: string, attached: string | undefined]> => {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=")
    return equals === -1 ? [[word, undefined]] : [[word.slice(0, equals), word.slice(equals + 1)]]
  }
  const names: Array<readonly [string, string | undefined]> = []
  for (let at = 1; at < word.length; at++) {
    const name = `-${word[at]}`
    const rest = word.slice(at + 1)
    const kind = find(name)?.kind
    const takesRest = kind !== undefined && kind !== "on" && rest !== ""
    names.push([name, takesRest ? rest.replace(/^=/, "") : undefined])
    if (takesRest || kind === undefined) break
  }
  return names
}

const unknownFlag = (
  word: string,
  path: ReadonlyArray<string>,
  flags: ReadonlyArray<Flag>,
  hint: string
): Problem => {
  const name = word.split("=", 1)[0]!
  if (keyFlags.has(name.toLowerCase())) {
    return usage(
      "a key is never given on the command line, where others can see it",
      "Set OPENAI_API_KEY, pipe the key in with --key-stdin, or name an apiKeyCommand in the user's configuration."
    )
  }
  const meant = name.startsWith("--") ? nearest(name, [...flags.map((flag) => `--${flag.name}`), "--help"]) : undefined
  return usage(`there is no option "${name}"${suggest(meant)}`, `A text that begins with "-" goes behind "--". ${hint}`)
}
