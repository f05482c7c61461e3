/** A command as data: its place, what it takes, and what its help says. */
import type { Flags, ValuesOf } from "./Flag.ts"

/** What a command takes beside its options. */
interface Argument {
  readonly name: string
  readonly description: string
  readonly many: boolean
  /** The words that it may be, where they are known. */
  readonly choices?: ReadonlyArray<string> | undefined
}

export interface Spec<F extends Flags = Flags> {
  /** The words that name it, such as `threads show`. */
  readonly path: readonly [string, ...ReadonlyArray<string>]
  readonly description: string
  readonly argument?: Argument | undefined
  readonly flags: F
  readonly examples: ReadonlyArray<readonly [command: string, what: string]>
}

export const make = <const F extends Flags>(spec: Spec<F>): Spec<F> => spec

/** What the handler of a command gets. */
export type Input<F extends Flags> = ValuesOf<F> & { readonly args: ReadonlyArray<string> }

/** The same, of a command. */
export type InputOf<S> = S extends Spec<infer F> ? Input<F> : never
