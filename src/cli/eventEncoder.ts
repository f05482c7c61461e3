/** Events as `--events` prints them. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { RunEvent } from "../RunEvent.ts"

const encode = Schema.encodeEither(RunEvent)

/** `{ type, seq, … }`: the event's own fields, under names that are common in streams of JSON lines. */
export const encodeEvent = (event: RunEvent): object => {
  const { _tag: type, sequence: seq, ...rest } = Either.getOrElse(encode(event), () => event)
  return { type, seq, ...rest }
}
