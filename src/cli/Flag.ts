/**
 * Options of a command, as plain data: the command line is put in order by their names (`commandLine.ts`), the help is
 * written from them (`help.ts`), and `@effect/cli` decodes and completes them (`options.ts`).
 */
import type * as Option from "effect/Option"

interface Words {
  readonly alias?: string | undefined
  readonly description: string
}

interface Valued extends Words {
  /** Stands for the value in the help. */
  readonly value: string
}

/** An option that is there or not. */
export interface On extends Words {
  readonly kind: "on"
  readonly name: string
}

/** An option with a text. */
export interface Text extends Valued {
  readonly kind: "text"
  readonly name: string
}

/** An option with a text, which may be given more than once. */
export interface Texts extends Valued {
  readonly kind: "texts"
  readonly name: string
}

/** An option with a whole number. */
export interface Integer extends Valued {
  readonly kind: "integer"
  readonly name: string
}

/** An option with one of these words. */
export interface Choice<A extends string> extends Words {
  readonly kind: "choice"
  readonly name: string
  readonly choices: ReadonlyArray<A>
}

export type Flag = On | Text | Texts | Integer | Choice<string>

export type Flags = { readonly [key: string]: Flag }

/** What a command gets for an option. */
type ValueOf<F> = F extends On ? boolean
  : F extends Text ? Option.Option<string>
  : F extends Texts ? ReadonlyArray<string>
  : F extends Integer ? Option.Option<number>
  : F extends Choice<infer A> ? Option.Option<A>
  : never

export type ValuesOf<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> }

export const on = (name: string, words: Words): On => ({ kind: "on", name, ...words })
export const text = (name: string, words: Valued): Text => ({ kind: "text", name, ...words })
export const texts = (name: string, words: Valued): Texts => ({ kind: "texts", name, ...words })
export const integer = (name: string, words: Valued): Integer => ({ kind: "integer", name, ...words })
export const choice = <const A extends string>(
  name: string,
  choices: ReadonlyArray<A>,
  words: Words
): Choice<A> => ({ kind: "choice", name, choices, ...words })
