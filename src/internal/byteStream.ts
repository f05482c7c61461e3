/** The body of an answer as bytes, one array per network read. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type RequestError, TimedOut } from "../OpenAIError.ts"
import type { Connection } from "./connection.ts"
import type { Pull } from "./pull.ts"
import { fromConnection } from "./requestError.ts"

export const pullBytes = (connection: Connection, response: globalThis.Response): Pull<Uint8Array, RequestError> => {
  const requestId = response.headers.get("x-request-id") ?? undefined
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  if (reader === undefined) return Effect.fail(Option.none())
  const read = connection.awaiting(
    () => reader.read(),
    (error) => fromConnection(error, "stream", requestId),
    () => new TimedOut({ phase: "idle", requestId })
  )
  return Effect.matchEffect(read, {
    onFailure: (error) => Effect.fail(Option.some(error)),
    onSuccess: ({ done, value }) => done ? Effect.fail(Option.none()) : Effect.succeed([value])
  })
}
