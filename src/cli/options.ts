/** The options of a command as `@effect/cli` takes them. */
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import type { Flag, Flags, ValuesOf } from "./Flag.ts"

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

/** Those that are wanted. */
export const optionsOf = (flags: Flags, wanted: (flag: Flag) => boolean): Record<string, Options.Options<unknown>> =>
  Object.fromEntries(Object.entries(flags).filter(([, flag]) => wanted(flag)).map(([key, flag]) => [key, option(flag)]))

const absent = (flag: Flag) => flag.kind === "on" ? false : flag.kind === "texts" ? [] : Option.none()

/** What a command gets where no option is given. */
export const absentOf = <F extends Flags>(flags: F): ValuesOf<F> =>
  Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, absent(flag)])) as never
