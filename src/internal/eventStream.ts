/**
 * The body of a streamed answer as wire events, one array per network read.
 *
 * It ends after the event that ends a response, whether or not the server closes the connection, and fails when the
 * body ends without one, or is silent for too long while somebody waits. Releasing it aborts the request before anything
 * is awaited; only after the end it leaves the server a second to end the body, so that the connection can be used again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Response } from "openai/resources/responses/responses"
import { ConnectionLost, type RequestError, TimedOut, UnexpectedResponse } from "../OpenAIError.ts"
import type { Connection } from "./connection.ts"
import { end, type Pull } from "./pull.ts"
import { fromConnection } from "./requestError.ts"
import { EventTooLarge, SseParser } from "./sse.ts"
import { isLast, type WireEvent } from "./wireEvents.ts"

/** How long the server may take to end a body whose last event is there. */
const lingerTime = Duration.seconds(1)

/** Turns the data of an event into the event. The name in `event:` counts only where the data has no type. */
const decode = (data: string, name: string): WireEvent | undefined => {
  if (data === "[DONE]") return undefined
  const event: unknown = JSON.parse(data)
  if (typeof event !== "object" || event === null) throw new SyntaxError()
  if ("type" in event && typeof event.type === "string") return event as WireEvent
  if (name === "") throw new SyntaxError()
  return { ...event, type: name }
}

/** Whether the event that ends a response has the response that it is about. A failed one may be told by less. */
const isWhole = (event: WireEvent & { readonly response: Response | undefined }): boolean =>
  event.type === "response.failed" ||
  (Predicate.isRecord(event.response) && Array.isArray(event.response.output) &&
    event.response.output.every(Predicate.isRecord))

export const pullEvents = (
  connection: Connection,
  response: globalThis.Response,
  /** Told of the last event's response, or of what the stream fails with. */
  onEnd: (end: Response | RequestError) => void = () => {}
): Effect.Effect<Pull<WireEvent, RequestError>, RequestError> =>
  Effect.suspend(() => {
    const requestId = response.headers.get("x-request-id") ?? undefined
    const contentType = response.headers.get("content-type") ?? "none"
    if (!/^\s*text\/event-stream\s*(;|$)/i.test(contentType) || response.body === null) {
      return new UnexpectedResponse({
        reason: `an event stream was asked for, the content type is "${contentType}"`,
        status: response.status,
        requestId
      })
    }
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
    type Next = Effect.Effect<ReadonlyArray<WireEvent>, Option.Option<RequestError>>
    const fail = (error: RequestError): Next => {
      onEnd(error)
      return Effect.fail(Option.some(error))
    }
    /** What was read and not given out. */
    let batch: Array<WireEvent> = []
    /** What comes after it, once nothing more can be read. */
    let after: Next | undefined
    /** An `error` event was seen: `response.failed` may follow, but does not have to. */
    let errored = false
    let reading = false
    /** Who waits. One that was interrupted does not hear of it. */
    let waiting: ((next: Next) => void) | undefined
    /** Whether the body ended after the last event, once that is known. */
    let closed: Promise<boolean> | boolean | undefined

    const parser = new SseParser(({ data, event: name }) => {
      if (after !== undefined) return
      const event = decode(data, name)
      if (event === undefined) return
      if (event.type === "error") errored = true
      if (isLast(event)) {
        if (!isWhole(event)) throw new SyntaxError()
        after = end
        connection.end = linger
        closed = reader.read().then(({ done }) => closed = done, () => closed = true)
        if (event.response) onEnd(event.response)
      }
      batch.push(after !== undefined || errored ? { ...event, _request_id: requestId } : event)
    })
    const parse = (bytes: Uint8Array): void => {
      try {
        parser.push(bytes)
      } catch (error) {
        const reason = error instanceof EventTooLarge
          ? "an event is too large"
          : error instanceof SyntaxError
          ? "an event is not what it should be"
          : undefined
        after = reason === undefined
          ? Effect.die(error)
          : fail(new UnexpectedResponse({ reason, status: response.status, requestId }))
      }
    }
    const linger = (): void => {
      if (typeof closed === "boolean") return closed ? undefined : connection.abort()
      const stop = connection.abortAfter(lingerTime)
      Promise.resolve(closed).then((done) => {
        stop()
        if (done !== true) connection.abort()
      })
    }
    const read = (): void => {
      reading = true
      connection.wait(silent)
      reader.read().then(({ done, value }) => {
        if (value !== undefined) parse(value)
        if (done) {
          const lost = new ConnectionLost({ phase: "stream", how: "eof", accepted: true, requestId })
          after ??= errored ? end : fail(lost)
        }
      }, (error: unknown) => {
        after ??= errored ? end : fail(fromConnection(error, "stream", requestId))
      }).then(() => {
        reading = false
        connection.rest()
        answer()
      })
    }
    const answer = (): void => {
      if (waiting === undefined) return
      if (batch.length === 0 && after === undefined) {
        if (!reading) read()
        return
      }
      const resume = waiting
      waiting = undefined
      resume(take)
    }
    const silent = (): void => {
      after ??= fail(new TimedOut({ phase: "idle", requestId }))
      answer()
    }
    /** Taken by the fiber that waited, so that nothing is lost with one that was interrupted meanwhile. */
    const take: Next = Effect.suspend(() => {
      if (batch.length === 0) return after ?? end
      const events = batch
      batch = []
      return Effect.succeed(events)
    })
    const next: Next = Effect.async((resume) => {
      waiting = resume
      if (reading) connection.wait(silent)
      else answer()
    })
    // `response.failed` follows an `error` at once or never; a server that stays silent must not hold the run.
    const afterError = () =>
      Effect.timeoutFail(next, { duration: "1 second", onTimeout: () => Option.none<RequestError>() })
    return Effect.succeed(Effect.suspend(() => errored ? afterError() : next))
  })
