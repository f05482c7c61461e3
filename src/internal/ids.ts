/** Ids as OpenAI makes them: a prefix and hexadecimal digits. Chance is `Random`, so a seed repeats them. */
import * as Effect from "effect/Effect"

export const makeId = (prefix: string): Effect.Effect<string> =>
  Effect.randomWith((random) =>
    Effect.gen(function*() {
      const words: Array<string> = []
      while (words.length < 4) {
        words.push((yield* random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0"))
      }
      return `${prefix}_${words.join("")}`
    })
  )
