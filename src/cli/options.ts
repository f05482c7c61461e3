/** The options of a command as `@effect/cli` takes them. */
import * as Options from "@effect/cli/Options"
import type * as Option from "effect/Option"
import type { Flag, Flags, ValueOf } from "./Flag.ts"

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

export const optionsOf = <F extends Flags>(
  flags: F
): { readonly [K in keyof F]: Options.Options<ValueOf<F[K]>> } =>
  Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, option(flag)])) as never
