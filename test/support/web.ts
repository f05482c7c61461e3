/** What a simulated model says to whoever chats. */
import { Script } from "effect-openai-threads/testing"
import type * as Duration from "effect/Duration"

export const answer = [
  "The first line is short.",
  "The second has a word in it that comes twice, twice, so that a piece that is told again is seen, or one that is lost;",
  "the third has <b>marks</b> & signs, \"quotes\" and 🦜 🦜🏽 more than letters,",
  "and the last one is here to take its time until all of it is over, and then it is."
].join("\n")

export const slowly = (latency: Duration.DurationInput): Script.Script => [
  Script.always(Script.turn(answer, { latency }))
]
