/**
 * A chat's server: it begins runs and serves their events to whoever has a cursor, as often as they are asked for. The run
 * goes on whether somebody reads it or not.
 *
 * Not in here is who may do so. A cursor is no secret and is not signed: before others can reach this, find out who asks,
 * and keep for each person which threads are theirs.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Data, Effect, Schema, Stream, Struct } from "effect"
import { Cursor, type RunError, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { fileURLToPath } from "node:url"

class BadRequest extends Data.TaggedError("BadRequest")<{ readonly message: string }> {}

const Question = Schema.Struct({
  message: Schema.NonEmptyTrimmedString,
  /** The thread to go on in; without it there is a new one. */
  thread: Schema.optional(Thread.ThreadId)
})

const begin = Effect.gen(function*() {
  const { message, thread } = yield* HttpServerRequest.schemaBodyJson(Question).pipe(
    Effect.orElseFail(() => new BadRequest({ message: "Send a message, as JSON: { \"message\": \"Hello\" }." }))
  )
  const threads = yield* Threads.Threads
  const id = thread ?? (yield* threads.create()).id
  const cursor = yield* threads.start(id, { message })
  return HttpServerResponse.unsafeJson({ cursor: Cursor.encode(cursor), thread: id })
})

/**
 * What a browser is told of an event. Never the whole of it: what tools are called with, and how they fail, is not for
 * everybody.
 */
const told = (event: RunEvent.RunEvent) => {
  switch (event._tag) {
    case "TextDelta":
    case "RefusalDelta":
      return Struct.pick(event, "itemId", "contentIndex", "delta")
    case "TextCompleted":
      return Struct.pick(event, "itemId", "contentIndex", "text")
    case "RefusalCompleted":
      return Struct.pick(event, "itemId", "contentIndex", "refusal")
    case "RunCompleted":
      return Struct.pick(event, "status", "text")
    default:
      return {}
  }
}

/** An event of the stream. JSON has no line breaks, so that its data is one line. */
const sse = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** Keeps proxies from closing a connection on which nothing comes. */
const heartbeats = Stream.as(Stream.tick("15 seconds"), ": still there\n\n")

/** Where the reader is. A browser that lost its connection comes back with the last id it has seen. */
const position = Effect.gen(function*() {
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  const { cursor } = yield* HttpServerRequest.ParsedSearchParams
  return yield* Schema.decodeUnknown(Cursor.FromString)(headers["last-event-id"] ?? cursor).pipe(
    Effect.orElseFail(() => new BadRequest({ message: "There is no cursor in Last-Event-ID or in ?cursor=." }))
  )
})

const events = Effect.gen(function*() {
  const threads = yield* Threads.Threads
  const run = threads.resume(yield* position).pipe(
    Stream.map((event) => `id: ${Cursor.encode(Cursor.fromEvent(event))}\n${sse(event._tag, told(event))}`),
    Stream.catchAll((error) => Stream.make(sse("failed", Struct.pick(error, "_tag", "message")))),
    // Without it the browser would come back for more.
    Stream.concat(Stream.make(sse("end", {})))
  )
  return HttpServerResponse.stream(Stream.encodeText(Stream.merge(run, heartbeats, { haltStrategy: "left" })), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store" }
  })
})

const cancel = Effect.gen(function*() {
  const { cursor } = yield* HttpServerRequest.schemaBodyJson(Schema.Struct({ cursor: Cursor.FromString })).pipe(
    Effect.orElseFail(() => new BadRequest({ message: "Send the cursor of a run, as JSON: { \"cursor\": \"…\" }." }))
  )
  const threads = yield* Threads.Threads
  return HttpServerResponse.unsafeJson({ status: yield* threads.cancel(cursor) })
})

const statusOf = ({ _tag }: BadRequest | RunError.ResumeError) => {
  switch (_tag) {
    case "BadRequest":
    case "InvalidInput":
    case "InvalidRequest":
      return 400
    case "NotResumable":
    case "ThreadNotFound":
      return 404
    case "ThreadBusy":
      return 409
    default:
      return 502
  }
}

const page = HttpServerResponse.file(fileURLToPath(new URL("./web.html", import.meta.url)))

/** The chat, over whichever `Threads` there are. Threads have to be at OpenAI: only there a run goes on unheard. */
export const app = HttpRouter.empty.pipe(
  HttpRouter.post("/runs", begin),
  HttpRouter.get("/runs/events", events),
  HttpRouter.post("/runs/cancel", cancel),
  HttpRouter.catchAll((error) =>
    HttpServerResponse.unsafeJson(Struct.pick(error, "_tag", "message"), { status: statusOf(error) })
  ),
  HttpRouter.get("/", page)
)
