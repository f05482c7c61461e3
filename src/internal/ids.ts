/** Ids as OpenAI makes them: a prefix and hexadecimal digits. Chance is `Random`, so a seed repeats them. */
import * as Effect from "effect/Effect"

export const makeId = (prefix: string): Effect.Effect<string> =>
  Effect.randomWith((random) =>
    Effect.gen(function*() {
      let id = `${prefix}_`
      for (let word = 0; word < 4; word++) {
        id += (yield* random.nextIntBetween(0, 2 ** 32)).toString(16).padStart(8, "0")
      }
      return id
    })
  )
