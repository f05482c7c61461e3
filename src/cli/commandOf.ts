/** A command of `@effect/cli` from its data. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import type * as Effect from "effect/Effect"
import type { Flags } from "./Flag.ts"
import { absentOf, optionsOf } from "./options.ts"
import type { Input, Spec } from "./Spec.ts"

/**
 * With the options that are among the words only: `@effect/cli` looks for each option before and after each other, so
 * that those that are not given would take most of the time.
 */
export const commandOf = <const F extends Flags, E, R>(
  { argument, description, flags, path }: Spec<F>,
  handle: (input: Input<F>) => Effect.Effect<void, E, R>,
  words: ReadonlyArray<string>
) => {
  const options = optionsOf(flags, ({ name }) => words.includes(`--${name}`))
  const args = argument === undefined ? {} : { args: Args.repeated(Args.text({ name: argument.name })) }
  const config: Command.Command.Config = { ...options, ...args }
  return Command.make(
    path.at(-1) ?? "",
    config,
    (input) => handle({ ...absentOf(flags), args: [], ...input } as Input<F>)
  ).pipe(Command.withDescription(description))
}
