/**
 * The body of a streamed answer as wire events, one array per network read.
 *
 * It ends after the event that ends a response, whether or not the server closes the connection, and fails when the
 * body ends without one. Releasing it aborts the request before anything is awaited.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ConnectionLost, type RequestError, UnexpectedResponse } from "../OpenAIError.ts"
import type { Pull } from "./pull.ts"
import { fromConnection } from "./requestError.ts"
import { EventTooLarge, SseParser } from "./sse.ts"
import { isLast, type WireEvent } from "./wireEvents.ts"

/** Turns the data of an event into the event. The name in `event:` counts only where the data has no type. */
const decode = (data: string, name: string): WireEvent | undefined => {
  if (data === "[DONE]") return undefined
  const event: unknown = JSON.parse(data)
  if (typeof event !== "object" || event === null) throw new SyntaxError()
  if ("type" in event && typeof event.type === "string") return event as WireEvent
  if (name === "") throw new SyntaxError()
  return { ...event, type: name }
}

export const pullEvents = (response: Response): Effect.Effect<Pull<WireEvent, RequestError>, RequestError> =>
  Effect.suspend(() => {
    const requestId = response.headers.get("x-request-id") ?? undefined
    const contentType = response.headers.get("content-type") ?? "none"
    if (!contentType.startsWith("text/event-stream") || response.body === null) {
      return Effect.fail(
        new UnexpectedResponse({
          reason: `an event stream was asked for, the content type is "${contentType}"`,
          status: response.status,
          requestId
        })
      )
    }
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
    let batch: Array<WireEvent> = []
    let errored = false
    let ended = false
    let broken: RequestError | undefined
    const parser = new SseParser(({ data, event: name }) => {
      if (ended) return
      let event = decode(data, name)
      if (event === undefined) return
      if (event.type === "error") errored = true
      if (isLast(event)) ended = true
      if (ended || errored) event = { ...event, _request_id: requestId }
      batch.push(event)
    })
    const parse = (bytes: Uint8Array): void => {
      try {
        parser.push(bytes)
      } catch (error) {
        if (error instanceof SyntaxError || error instanceof EventTooLarge) {
          const reason = error instanceof EventTooLarge ? "an event is too large" : "an event is not valid JSON"
          broken = new UnexpectedResponse({ reason, status: response.status, requestId })
        } else throw error
      }
    }
    type Resume = (effect: Effect.Effect<ReadonlyArray<WireEvent>, Option.Option<RequestError>>) => void
    const read = (resume: Resume): void => {
      reader.read().then(
        ({ done, value }) => {
          if (value !== undefined) parse(value)
          if (batch.length > 0) {
            const events = batch
            batch = []
            resume(Effect.succeed(events))
          } else if (broken !== undefined) resume(Effect.fail(Option.some(broken)))
          else if (!done) read(resume)
          else if (errored) resume(Effect.fail(Option.none()))
          else {
            const lost = new ConnectionLost({ phase: "stream", how: "eof", accepted: true, requestId })
            resume(Effect.fail(Option.some(lost)))
          }
        },
        (error: unknown) =>
          resume(Effect.fail(errored ? Option.none() : Option.some(fromConnection(error, "stream", requestId))))
      ).catch((defect: unknown) => resume(Effect.die(defect)))
    }
    const next = Effect.async<ReadonlyArray<WireEvent>, Option.Option<RequestError>>(read)
    return Effect.succeed(Effect.suspend(() => {
      if (broken !== undefined) return Effect.fail(Option.some(broken))
      return ended ? Effect.fail(Option.none<RequestError>()) : next
    }))
  })
