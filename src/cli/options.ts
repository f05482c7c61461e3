/** The options of a command, as `@effect/cli` decodes them. */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type CliError, usage } from "./CliError.ts"
import type { Flag, Flags } from "./Flag.ts"
import type { Input } from "./Spec.ts"

const named = <A>(options: Options.Options<A>, flag: Flag): Options.Options<A> => {
  const described = Options.withDescription(options, flag.description)
  const aliased = flag.alias === undefined ? described : Options.withAlias(described, flag.alias)
  return "value" in flag ? Options.withPseudoName(aliased, flag.value) : aliased
}

const optional = <A>(options: Options.Options<A>, flag: Flag): Options.Options<Option.Option<A>> =>
  Options.optional(named(options, flag))

const option = (flag: Flag): Options.Options<unknown> => {
  switch (flag.kind) {
    case "on":
      return named(Options.boolean(flag.name), flag)
    case "text":
      return optional(Options.text(flag.name), flag)
    case "texts":
      return Options.repeated(named(Options.text(flag.name), flag))
    case "integer":
      return optional(Options.integer(flag.name), flag)
    case "choice":
      return optional(Options.choice(flag.name, flag.choices), flag)
  }
}

const absent = (flag: Flag) => flag.kind === "on" ? false : flag.kind === "texts" ? [] : Option.none()

/**
 * Decodes words that `commandLine.ts` has put in order. Each option is given to `@effect/cli` with its own words only,
 * which takes a tenth of the time that its commands take to look for every option among all words.
 */
export const decode = <F extends Flags>(
  flags: F,
  words: ReadonlyArray<string>
): Effect.Effect<Input<F>, CliError, FileSystem.FileSystem | Path.Path | Terminal.Terminal> =>
  Effect.gen(function*() {
    const input: Record<string, unknown> = {}
    const given = new Map<Flag, Array<string>>()
    const named = new Map(Object.values(flags).map((flag) => [`--${flag.name}`, flag]))
    let at = 0
    for (let flag = named.get(words[at] ?? ""); flag !== undefined; flag = named.get(words[at] ?? "")) {
      const next = flag.kind === "on" ? at + 1 : at + 2
      given.set(flag, [...given.get(flag) ?? [], ...words.slice(at, next)])
      at = next
    }
    for (const [key, flag] of Object.entries(flags)) {
      const own = given.get(flag)
      if (own === undefined) {
        input[key] = absent(flag)
        continue
      }
      const decoded = Options.processCommandLine(option(flag), own, CliConfig.defaultConfig)
      input[key] = (yield* Effect.mapError(decoded, () => usage(`--${flag.name} cannot be "${own[1]}"`)))[2]
    }
    return { ...input, args: words.slice(at + 1) } as Input<F>
  })
