/** Ids as OpenAI makes them: a prefix and hexadecimal digits. Chance is `Random`, so a seed repeats them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export const makeId = Effect.fnUntraced(function*(prefix: string) {
  const words: Array<string> = []
  while (words.length < 4) {
    words.push((yield* Random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0"))
  }
  return `${prefix}_${words.join("")}`
})
