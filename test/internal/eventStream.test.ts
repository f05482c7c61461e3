import { expect, it } from "@effect/vitest"
import { Effect, Fiber, Option, TestClock } from "effect"
import * as Connection from "../../src/internal/connection.ts"
import { pullEvents } from "../../src/internal/eventStream.ts"
import * as Line from "../../src/internal/line.ts"

const event = (n: number) => `data: {"type":"response.test","sequence_number":${n}}\n\n`

/** The events of an answer that is there. */
const connected = (answer: Response) =>
  Effect.gen(function*() {
    const limits = { firstByte: "1 minute", idle: "1 minute" } as const
    const connection = Connection.open(yield* Effect.clock, limits, yield* Line.scoped)
    return { connection, pull: yield* pullEvents(connection, answer) }
  })

/** A body that gives one read at a time, when it is told to. */
const manual = () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) })
  return {
    connect: connected(new Response(body, { headers: { "content-type": "text/event-stream" } })),
    send: (text: string) => controller!.enqueue(new TextEncoder().encode(text)),
    close: () => controller!.close()
  }
}

it.scoped("what is read while nobody waits is kept for the next pull", () =>
  Effect.gen(function*() {
    const { close, connect, send } = manual()
    const { pull } = yield* connect
    const fiber = yield* Effect.fork(pull)
    yield* Effect.yieldNow()
    yield* Fiber.interrupt(fiber)
    send(event(0))
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    send(event(1))
    expect((yield* pull).map((event) => event.sequence_number)).toEqual([0])
    expect((yield* pull).map((event) => event.sequence_number)).toEqual([1])
    close()
    expect(yield* Effect.flip(pull)).toMatchObject(Option.some({ _tag: "ConnectionLost", how: "eof" }))
    expect(yield* Effect.flip(pull)).toMatchObject(Option.some({ _tag: "ConnectionLost", how: "eof" }))
  }))

it.scoped("events of one read come as one array, and nothing comes after the last", () =>
  Effect.gen(function*() {
    const { connect, send } = manual()
    const { pull } = yield* connect
    const last = `data: {"type":"response.completed","sequence_number":2,"response":{"output":[]}}\n\n`
    send(`${event(0)}${event(1)}${last}${event(3)}`)
    expect((yield* pull).map((event) => event.sequence_number)).toEqual([0, 1, 2])
    expect(yield* Effect.flip(pull)).toEqual(Option.none())
  }))

it.scoped("after an error event, a server that falls silent does not hold the reader", () =>
  Effect.gen(function*() {
    const { connect, send } = manual()
    const { pull } = yield* connect
    send("data: {\"type\":\"error\",\"error\":{\"code\":\"server_error\"}}\n\n")
    expect((yield* pull).map((event) => event.type)).toEqual(["error"])
    const fiber = yield* Effect.fork(Effect.flip(pull))
    yield* TestClock.adjust("1 second")
    expect(yield* Fiber.join(fiber)).toEqual(Option.none())
  }))

it.scoped("a last event without its response, or with a broken one, is told", () =>
  Effect.forEach(
    ["null", "{}", "{\"output\":null}", "{\"output\":[null]}"],
    (body) =>
      Effect.gen(function*() {
        const { connect, send } = manual()
        const { pull } = yield* connect
        send(`data: {"type":"response.completed","response":${body}}\n\n`)
        expect(yield* Effect.flip(pull)).toMatchObject(Option.some({ _tag: "UnexpectedResponse" }))
      })
  ))

it.scoped("the content type is read as media types are", () =>
  Effect.gen(function*() {
    const open = (contentType: string) =>
      Effect.exit(
        connected(new Response("", { headers: { "content-type": contentType } }))
      )
    expect((yield* open("Text/Event-Stream; charset=utf-8"))._tag).toBe("Success")
    expect((yield* open("text/event-streams"))._tag).toBe("Failure")
  }))

it.scoped("only silence that somebody waits through counts, however long nobody did before", () =>
  Effect.gen(function*() {
    const { connect, send } = manual()
    const { pull } = yield* connect
    send(event(0))
    yield* pull
    yield* TestClock.adjust("10 minutes")
    const fiber = yield* Effect.fork(Effect.flip(pull))
    yield* TestClock.adjust("59 seconds")
    expect(yield* Fiber.poll(fiber)).toEqual(Option.none())
    yield* TestClock.adjust("1 second")
    expect(yield* Fiber.join(fiber)).toMatchObject(Option.some({ _tag: "TimedOut", phase: "idle" }))
  }))

it.effect("a body that goes on after the last event is ended a second later, wherever its scope is closed", () =>
  Effect.gen(function*() {
    const { connect, send } = manual()
    send("data: {\"type\":\"response.failed\",\"response\":null}\n\n")
    const signal = yield* Effect.uninterruptible(Effect.scoped(Effect.gen(function*() {
      const { connection, pull } = yield* connect
      yield* pull
      return connection.signal
    })))
    yield* TestClock.adjust("999 millis")
    expect(signal.aborted).toBe(false)
    yield* TestClock.adjust("1 milli")
    expect(signal.aborted).toBe(true)
  }))
