/** Ids as OpenAI makes them: a prefix and hexadecimal digits. Chance is `Random`, so a seed repeats them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const word = Effect.map(Random.nextIntBetween(0, 2 ** 32), (n) => n.toString(16).padStart(8, "0"))

export const makeId = (prefix: string): Effect.Effect<string> =>
  Effect.map(Effect.all([word, word, word, word]), (words) => `${prefix}_${words.join("")}`)
