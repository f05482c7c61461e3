/** Where a user's files are. Source: XDG Base Directory Specification. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { join } from "node:path"

const named = (name: string) => Effect.orElseSucceed(Config.option(Config.nonEmptyString(name)), Option.none<string>)

/** A file of this program below the directory that a variable names, if the user has a home. */
export const file = (variable: string, inHome: string, name: string) =>
  Effect.gen(function*() {
    const home = Option.map(yield* named("HOME"), (home) => join(home, inHome))
    const base = Option.orElse(yield* named(variable), () => home)
    return Option.getOrUndefined(Option.map(base, (base) => join(base, "openai-threads", name)))
  })
