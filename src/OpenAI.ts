/**
 * Access to OpenAI as typed effects and streams. The only module that touches the `openai` SDK, and the place where its
 * errors become ours.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import SDK, { type APIPromise, type ClientOptions } from "openai"
import type { Conversation, ConversationDeletedResource } from "openai/resources/conversations/conversations"
import type { ConversationItem } from "openai/resources/conversations/items"
import type { FileObject } from "openai/resources/files"
import type { InputTokenCountParams } from "openai/resources/responses/input-tokens"
import type {
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseCreateParamsStreaming,
  ResponseIncludable,
  ResponseInputItem
} from "openai/resources/responses/responses"
import type { Include } from "./HostedTool.ts"
import { pullBytes } from "./internal/byteStream.ts"
import * as Connection from "./internal/connection.ts"
import * as Direct from "./internal/direct.ts"
import { pullEvents } from "./internal/eventStream.ts"
import { type Call, Gates } from "./internal/gate.ts"
import * as Line from "./internal/line.ts"
import * as Pull from "./internal/pull.ts"
import { type About, fromSdk, headersOf, NotJson } from "./internal/requestError.ts"
import { type Repeat, retry, retryBy } from "./internal/retry.ts"
import * as Telemetry from "./internal/telemetry.ts"
import type { Asked } from "./internal/tokens.ts"
import * as Validate from "./internal/validate.ts"
import type { WireEvent } from "./internal/wireEvents.ts"
import { type InvalidInput, PartlyWritten, type RequestError, TimedOut, UnexpectedResponse } from "./OpenAIError.ts"
import type { ModelLimits } from "./RateLimits.ts"
import type { ItemId, Metadata, ResponseId, ThreadId } from "./Thread.ts"
import { Timeouts } from "./Timeouts.ts"

export type {
  /**
   * An event of a response's stream, as it came.
   *
   * @since 0.1.0
   * @category models
   */
  WireEvent
} from "./internal/wireEvents.ts"

/**
 * What is told of items only where it is asked for, such as the results of hosted tools.
 *
 * @since 0.1.0
 * @category models
 */
export interface Including {
  readonly include?: ReadonlyArray<Include> | undefined
}

/**
 * The Conversations API. A conversation is what a thread is on OpenAI's side.
 *
 * @since 0.1.0
 * @category models
 */
export interface Conversations {
  /**
   * Creates a conversation. More than 20 items go in calls of 20, one after the other; `PartlyWritten` says how many
   * went through when one of them fails. Source: OpenAI's API reference, `POST /conversations`, `maxItems: 20`.
   */
  readonly create: (options?: {
    readonly metadata?: Metadata | undefined
    readonly items?: ReadonlyArray<ResponseInputItem> | undefined
  }) => Effect.Effect<Conversation, RequestError | PartlyWritten>
  readonly retrieve: (id: ThreadId) => Effect.Effect<Conversation, RequestError>
  /** Sets the metadata. Whether keys that are not named survive is not documented by OpenAI. */
  readonly update: (
    id: ThreadId,
    options: { readonly metadata: Metadata }
  ) => Effect.Effect<Conversation, RequestError>
  /** Deletes the conversation; its items stay until they are deleted themselves. */
  readonly delete: (id: ThreadId) => Effect.Effect<ConversationDeletedResource, RequestError>
  /** Appends items in calls of 20, in order; `PartlyWritten` says how many went through when a later call fails. */
  readonly createItems: (
    id: ThreadId,
    items: ReadonlyArray<ResponseInputItem>
  ) => Effect.Effect<ReadonlyArray<ConversationItem>, RequestError | PartlyWritten>
  /** The items in pages of 100, each fetched when it is needed. `order` is `asc` unless asked otherwise. */
  readonly listItems: (
    id: ThreadId,
    options?: Including & { readonly order?: "asc" | "desc" | undefined; readonly after?: ItemId | undefined }
  ) => Stream.Stream<ConversationItem, RequestError>
  readonly retrieveItem: (
    id: ThreadId,
    itemId: ItemId,
    options?: Including
  ) => Effect.Effect<ConversationItem, RequestError>
  readonly deleteItem: (id: ThreadId, itemId: ItemId) => Effect.Effect<Conversation, RequestError>
}

/**
 * The Responses API. A response is one step of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Responses {
  /** One answer, whole. */
  readonly create: (params: ResponseCreateParamsNonStreaming) => Effect.Effect<Response, RequestError>
  /**
   * One answer as it is made: every event as it came, `error` and unknown ones too, one Chunk per network read. The
   * stream ends after `response.completed`, `.failed` or `.incomplete`; it fails with `ConnectionLost` when the body
   * ends without one, and with `UnexpectedResponse` when it is no event stream. Interruption closes the socket.
   */
  readonly stream: (
    params: Omit<ResponseCreateParamsStreaming, "stream">
  ) => Stream.Stream<WireEvent, RequestError>
  readonly retrieve: (id: ResponseId, options?: Including) => Effect.Effect<Response, RequestError>
  /**
   * The events of a background response after `startingAfter`, a `sequence_number`. OpenAI allows it for five minutes,
   * then it fails with `InvalidRequest{ kind: "resumeExpired" }`.
   */
  readonly resume: (
    id: ResponseId,
    options: { readonly startingAfter: number }
  ) => Stream.Stream<WireEvent, RequestError>
  /** Cancels a background response. Cancelling twice gives the same answer. */
  readonly cancel: (id: ResponseId) => Effect.Effect<Response, RequestError>
  readonly delete: (id: ResponseId) => Effect.Effect<void, RequestError>
  /** How many tokens a request would read. */
  readonly countInputTokens: (params: InputTokenCountParams) => Effect.Effect<number, RequestError>
}

/**
 * A file to upload. `bytes` may be a `Blob`, such as Node's `openAsBlob` gives, which is not read into memory as a whole.
 *
 * @since 0.1.0
 * @category models
 */
export interface Upload {
  readonly bytes: Uint8Array | Blob
  readonly filename: string
  /** Default: `application/octet-stream`. */
  readonly mediaType?: string | undefined
  /** What the file is for. Default: `user_data`, which OpenAI recommends for what a model reads. */
  readonly purpose?: "user_data" | "vision" | "assistants" | "batch" | "fine-tune" | "evals" | undefined
  /** When OpenAI deletes it: 1 hour to 30 days. Default: never. */
  readonly expiresAfter?: Duration.DurationInput | undefined
}

/**
 * A file that code has left in its container. Such as an annotation names it; `Run.files` lists those of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerFile {
  readonly containerId: string
  readonly fileId: string
}

/**
 * The Files API, and the files of the code interpreter's containers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Files {
  /**
   * Uploads a file of up to 512 MB, to be named by `Thread.fileId` or a tool. Not sent again where it may have arrived.
   * It stays until it is deleted or expires. Source: OpenAI's API reference, "Upload file".
   */
  readonly upload: (file: Upload) => Effect.Effect<FileObject, RequestError>
  /** What is known of a file. */
  readonly retrieve: (id: string) => Effect.Effect<FileObject, RequestError>
  /**
   * The bytes, one network read at a time: of a file by its id, or of one in a container. OpenAI does not give back what
   * was uploaded as `user_data` or `assistants`, and a container is gone 20 minutes after it was last used. Source: 400
   * "Not allowed to download files of purpose: user_data"; OpenAI's guide "Code Interpreter".
   */
  readonly content: (file: string | ContainerFile) => Stream.Stream<Uint8Array, RequestError>
  readonly delete: (id: string) => Effect.Effect<void, RequestError>
}

/**
 * Access to OpenAI.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly conversations: Conversations
  readonly responses: Responses
  readonly files: Files
  /**
   * What is known now of the rate limits of each model that was asked for, and how many calls wait. See `RateLimits`.
   */
  readonly rateLimits: Effect.Effect<ReadonlyArray<ModelLimits>>
  /**
   * The one way to what this library does not cover: the SDK's client itself. Its errors are mapped like all others;
   * pass `signal` on, so that interruption aborts the request.
   */
  readonly use: <A>(f: (client: SDK, signal: AbortSignal) => Promise<A>) => Effect.Effect<A, RequestError>
}

/**
 * Access to OpenAI. The live layers are {@link layer} and {@link layerConfig}; the test layer is `OpenAITest.layer` in
 * `effect-openai-threads/testing`.
 *
 * @since 0.1.0
 * @category tags
 */
export class OpenAI extends Context.Tag("effect-openai-threads/OpenAI")<OpenAI, Service>() {}

/**
 * How to reach OpenAI, or a server that speaks its language.
 *
 * @since 0.1.0
 * @category models
 */
export type Options =
  | {
    readonly apiKey: Redacted.Redacted
    /** Default: `https://api.openai.com/v1`. */
    readonly baseUrl?: string | undefined
    readonly organization?: string | undefined
    readonly project?: string | undefined
    readonly fetch?: typeof globalThis.fetch | undefined
  }
  | {
    /** A client that the program has already. Its own retries are switched off for our requests. */
    readonly client: SDK
  }

/** The SDK's retries resend writes that may have gone through, so there are none. */
const requestOptions = { maxRetries: 0, logLevel: "off" } as const satisfies ClientOptions

const makeClient = (options: Options): SDK =>
  "client" in options
    ? options.client.withOptions(requestOptions)
    : new SDK({
      ...requestOptions,
      apiKey: Redacted.value(options.apiKey),
      // `null` keeps the SDK from looking into the environment itself.
      adminAPIKey: null,
      webhookSecret: null,
      baseURL: options.baseUrl ?? "https://api.openai.com/v1",
      organization: options.organization ?? null,
      project: options.project ?? null,
      // The limits are ours, on the Clock.
      timeout: longestTimer,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch })
    })

/** The longest that a timer can be set to, 24 days. */
const longestTimer = 2 ** 31 - 1

const firstByteByDefault = Duration.minutes(2)
const idleByDefault = Duration.minutes(5)

const pageSize = 100
const appendSize = 20

interface Page {
  readonly data: ReadonlyArray<ConversationItem>
  readonly has_more: boolean
  readonly last_id: string
}

const goesOn = ({ data, has_more }: Page) => has_more && data.length > 0

/** Nothing is told where nothing is asked for. The values are open on our side, since OpenAI adds to them. */
const including = (options: Including | undefined): { include?: Array<ResponseIncludable> } =>
  options?.include === undefined || options.include.length === 0
    ? {}
    : { include: [...options.include] as Array<ResponseIncludable> }

/** Whether it is a page of items, and one that leads on: of a history without its end nobody should hear. */
const isPage = (after: string | undefined) => (page: Page) =>
  Array.isArray(page.data) && page.data.every(Predicate.isRecord) &&
  (!goesOn(page) || (Predicate.isString(page.last_id) && !["", after].includes(page.last_id)))

const make = (options: Options): Service => {
  const client = makeClient(options)
  const server = URL.canParse(client.baseURL) ? new URL(client.baseURL) : undefined
  const gates = new Gates()
  const directly = Direct.make(!("client" in options) && options.fetch === undefined)

  /** Sends a request and waits for the head of its answer. The end of the line aborts it. */
  const send = <A extends { readonly asResponse: () => Promise<globalThis.Response> }>(
    line: Line.Line,
    start: (client: SDK, signal: AbortSignal, sending: Direct.Sending) => A,
    about: About,
    limits: Connection.Limits,
    call?: Call
  ) =>
    Effect.clockWith((clock) => {
      const connection = Connection.open(clock, limits, line)
      return connection.awaiting(
        async () => {
          const { answer, started } = await directly(async (sending) => {
            const started = start(client, connection.signal, sending)
            return { started, answer: await started.asResponse() }
          })
          connection.begun()
          call?.heard(answer.headers)
          return { connection, started, answer }
        },
        (error) => {
          const failure = fromSdk(error, about)
          call?.heard(headersOf(error), failure)
          return failure
        },
        () => new TimedOut({ phase: "firstByte" })
      )
    })

  const within = <A, R>(total: Duration.DurationInput | undefined, effect: Effect.Effect<A, RequestError, R>) =>
    total === undefined
      ? effect
      : Effect.timeoutFail(effect, { duration: total, onTimeout: () => new TimedOut({ phase: "total" }) })

  /** For answers that have to be JSON: the SDK would hand on a page of HTML with status 200 as an empty answer. */
  const request = <A>(
    repeat: Repeat,
    about: About,
    start: (client: SDK, signal: AbortSignal) => APIPromise<A>,
    { asked, firstByte: byDefault = firstByteByDefault, isWhole = Predicate.isRecord }: {
      readonly isWhole?: (answer: A) => boolean
      readonly firstByte?: Duration.DurationInput
      /** A call of a model, which waits for its turn. */
      readonly asked?: Asked
    } = {}
  ): Effect.Effect<A, RequestError> =>
    Effect.flatMap(Timeouts, ({ firstByte = byDefault, idle = idleByDefault, total }) => {
      const attempt = (call: Call | undefined) => (line: Line.Line) =>
        Effect.flatMap(
          send(line, start, about, { firstByte, idle }, call),
          ({ answer, connection, started }) => {
            const requestId = answer.headers.get("x-request-id") ?? undefined
            const contentType = answer.headers.get("content-type") ?? "none"
            const body = connection.awaiting(
              async () => {
                if (!/^application\/(.+\+)?json\b/i.test(contentType)) throw new NotJson(contentType)
                return await started
              },
              (error) => fromSdk(error, about, requestId),
              () => new TimedOut({ phase: "idle", requestId })
            )
            return Effect.filterOrFail(
              body,
              isWhole,
              () => new UnexpectedResponse({ reason: "its body is not what was asked for", requestId })
            )
          }
        )
      return retry(repeat)(gates.hold(asked, (call) => within(total, Line.using(attempt(call)))))
    })

  const conversation = (id: ThreadId): About => ({ resource: "conversation", id })
  const item = (id: ItemId): About => ({ resource: "item", id })
  const response = (id: ResponseId): About => ({ resource: "response", id })

  const append = Effect.fnUntraced(function*(
    id: ThreadId,
    items: ReadonlyArray<ResponseInputItem>,
    already: { readonly written: number; readonly total: number }
  ) {
    const created: Array<ConversationItem> = []
    for (let from = 0; from < items.length; from += appendSize) {
      const part = items.slice(from, from + appendSize)
      const written = already.written + from
      const list = yield* Effect.mapError(
        request(
          "once",
          conversation(id),
          (client, signal) => client.conversations.items.create(id, { items: part }, { signal }),
          { isWhole: (list) => Array.isArray(list.data) }
        ),
        (cause) => written === 0 ? cause : new PartlyWritten({ threadId: id, written, total: already.total, cause })
      )
      created.push(...list.data)
    }
    return created
  })

  const conversations: Conversations = {
    create: Effect.fn("OpenAI.conversations.create")(function*({ items = [], metadata } = {}) {
      yield* Validate.metadata(metadata)
      const first = items.slice(0, appendSize)
      const created = yield* request("once", { resource: "endpoint" }, (client, signal) =>
        client.conversations.create({
          ...(metadata === undefined ? {} : { metadata }),
          ...(first.length === 0 ? {} : { items: first })
        }, { signal }))
      yield* append(created.id as ThreadId, items.slice(appendSize), { written: first.length, total: items.length })
      return created
    }),
    retrieve: Effect.fn("OpenAI.conversations.retrieve")(function*(id) {
      yield* Validate.id("conversation id", id)
      return yield* request("safe", conversation(id), (client, signal) => client.conversations.retrieve(id, { signal }))
    }),
    update: Effect.fn("OpenAI.conversations.update")(function*(id, { metadata }) {
      yield* Validate.id("conversation id", id)
      yield* Validate.metadata(metadata)
      return yield* request(
        "once",
        conversation(id),
        (client, signal) => client.conversations.update(id, { metadata }, { signal })
      )
    }),
    delete: Effect.fn("OpenAI.conversations.delete")(function*(id) {
      yield* Validate.id("conversation id", id)
      return yield* request("once", conversation(id), (client, signal) => client.conversations.delete(id, { signal }))
    }),
    createItems: Effect.fn("OpenAI.conversations.createItems")(function*(id, items) {
      yield* Validate.id("conversation id", id)
      return yield* append(id, items, { written: 0, total: items.length })
    }),
    listItems: (id, { after, include, order = "asc" } = {}) =>
      Stream.unwrap(
        Effect.map(Validate.ids({ "conversation id": id, after }), () =>
          Stream.paginateChunkEffect(after, (after: string | undefined) =>
            Effect.map(
              request("safe", conversation(id), (client, signal) =>
                client.conversations.items.list(id, {
                  order,
                  limit: pageSize,
                  ...including({ include }),
                  ...(after === undefined ? {} : { after })
                }, { signal }), { isWhole: isPage(after) }),
              (page) => [
                Chunk.unsafeFromArray(page.data),
                goesOn(page) ? Option.some(page.last_id) : Option.none()
              ]
            )))
      ),
    retrieveItem: Effect.fn("OpenAI.conversations.retrieveItem")(function*(id, itemId, options) {
      yield* Validate.ids({ "conversation id": id, "item id": itemId })
      return yield* request(
        "safe",
        item(itemId),
        (client, signal) =>
          client.conversations.items.retrieve(itemId, { conversation_id: id, ...including(options) }, { signal })
      )
    }),
    deleteItem: Effect.fn("OpenAI.conversations.deleteItem")(function*(id, itemId) {
      yield* Validate.ids({ "conversation id": id, "item id": itemId })
      return yield* request(
        "once",
        item(itemId),
        (client, signal) => client.conversations.items.delete(itemId, { conversation_id: id }, { signal })
      )
    })
  }

  /** Opens a streamed answer, and again as the policy allows while none has begun. */
  const events = (
    { limits: { firstByte = firstByteByDefault, idle = idleByDefault, total }, line, policy }: Line.Terms,
    repeat: Repeat,
    about: About,
    start: (
      client: SDK,
      signal: AbortSignal,
      sending: Direct.Sending
    ) => { readonly asResponse: () => Promise<globalThis.Response> },
    { asked, onEnd }: {
      readonly asked?: Asked
      readonly onEnd?: (end: Response | RequestError) => void
    } = {}
  ): Effect.Effect<Pull.Pull<WireEvent, RequestError>, RequestError> => {
    const head = gates.hold(asked, (call) => send(line, start, about, { firstByte, idle }, call), line)
    const open = Effect.flatMap(
      within(total, retryBy(policy, repeat)(head)),
      ({ answer, connection }) => pullEvents(connection, answer, onEnd)
    )
    return total === undefined ?
      open :
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) =>
          Effect.map(
            open,
            (pull) => Pull.until(pull, now + Duration.toMillis(total), () => new TimedOut({ phase: "total" }))
          )
      )
  }

  const aboutParams = ({ conversation, model, previous_response_id: previous }: {
    readonly conversation?: unknown
    readonly model?: string | undefined
    readonly previous_response_id?: unknown
  }): About =>
    typeof conversation === "string"
      ? { resource: "conversation", id: conversation, model }
      : typeof previous === "string"
      ? { resource: "response", id: previous, model }
      : { resource: "endpoint", model }

  const answered = (span: Tracer.Span, asked: Asked, response: Response) => {
    gates.used(asked, response)
    Telemetry.chatEnd(span, response)
  }

  const responses: Responses = {
    create: (params) =>
      Effect.useSpan(
        `chat ${params.model ?? ""}`.trimEnd(),
        { kind: "client", attributes: Telemetry.chatStart(params, server) },
        (span) =>
          Effect.andThen(
            Validate.params(params),
            request("once", aboutParams(params), (client, signal) => client.responses.create(params, { signal }), {
              asked: params,
              firstByte: "5 minutes"
            })
          ).pipe(
            Effect.tap((response) => Effect.sync(() => answered(span, params, response))),
            Effect.tapError((error) => Effect.sync(() => span.attribute("error.type", error._tag)))
          )
      ),
    stream: (params) =>
      Line.toStream((terms) => {
        const body = { ...params, stream: true } as ResponseCreateParamsStreaming
        const attributes = Telemetry.chatStart(body, server)
        return Effect.flatMap(
          Line.span(terms.line, `chat ${params.model ?? ""}`.trimEnd(), attributes, "client"),
          (span) => {
            const failed = (error: RequestError) => span.attribute("error.type", error._tag)
            const opened = events(
              terms,
              "once",
              aboutParams(params),
              (client, signal, sending) => client.responses.create(body, { signal, ...sending }),
              { asked: params, onEnd: (end) => "_tag" in end ? failed(end) : answered(span, params, end) }
            )
            return Effect.tapError(
              Effect.zipRight(Validate.params(params), opened),
              (error) => Effect.sync(() => failed(error))
            )
          }
        )
      }),
    retrieve: Effect.fn("OpenAI.responses.retrieve")(function*(id, options) {
      yield* Validate.id("response id", id)
      return yield* request(
        "safe",
        response(id),
        (client, signal) => client.responses.retrieve(id, including(options), { signal })
      )
    }),
    resume: (id, { startingAfter }) =>
      Line.toStream((terms) =>
        Effect.zipRight(
          Validate.id("response id", id),
          events(
            terms,
            "safe",
            response(id),
            (client, signal) =>
              client.responses.retrieve(id, { stream: true, starting_after: startingAfter }, { signal })
          )
        )
      ),
    cancel: Effect.fn("OpenAI.responses.cancel")(function*(id) {
      yield* Validate.id("response id", id)
      return yield* request("safe", response(id), (client, signal) => client.responses.cancel(id, { signal }))
    }),
    delete: Effect.fn("OpenAI.responses.delete")(function*(id) {
      yield* Validate.id("response id", id)
      // Its answer has no body that would say more than its status.
      const { firstByte = firstByteByDefault, idle = idleByDefault, total } = yield* Timeouts
      yield* retry("once")(within(
        total,
        Line.using((line) =>
          send(line, (client, signal) => client.responses.delete(id, { signal }), response(id), { firstByte, idle })
        )
      ))
    }),
    countInputTokens: Effect.fn("OpenAI.responses.countInputTokens")(function*(params) {
      const count = yield* request(
        "safe",
        { resource: "endpoint" },
        (client, signal) => client.responses.inputTokens.count(params, { signal }),
        { isWhole: (count) => typeof count.input_tokens === "number" }
      )
      return count.input_tokens
    })
  }

  const files: Files = {
    upload: Effect.fn("OpenAI.files.upload")(function*(file) {
      yield* Validate.upload(file)
      const { bytes, expiresAfter, filename, mediaType = "application/octet-stream", purpose = "user_data" } = file
      const form = new FormData()
      form.append("purpose", purpose)
      if (expiresAfter !== undefined) {
        form.append("expires_after[anchor]", "created_at")
        form.append("expires_after[seconds]", String(Math.round(Duration.toSeconds(expiresAfter))))
      }
      form.append("file", new File([bytes as Blob], filename, { type: mediaType }))
      // Not `files.create`, which first asks the program's `fetch` for `data:,` to find out what it can do.
      return yield* request(
        "once",
        { resource: "endpoint" },
        (client, signal): APIPromise<FileObject> => client.post("/files", { body: form, signal }),
        { firstByte: "10 minutes", isWhole: ({ id }) => typeof id === "string" }
      )
    }),
    retrieve: Effect.fn("OpenAI.files.retrieve")(function*(id) {
      yield* Validate.id("file id", id)
      return yield* request("safe", { resource: "file", id }, (client, signal) => client.files.retrieve(id, { signal }))
    }),
    content: (file) => {
      const { containerId, fileId } = typeof file === "string" ? { containerId: undefined, fileId: file } : file
      return Pull.toStream(Effect.gen(function*() {
        yield* Validate.ids({ "container id": containerId, "file id": fileId })
        const { firstByte = firstByteByDefault, idle = idleByDefault } = yield* Timeouts
        const start = (client: SDK, signal: AbortSignal) =>
          containerId === undefined
            ? client.files.content(fileId, { signal })
            : client.containers.files.content.retrieve(fileId, { container_id: containerId }, { signal })
        const about = { resource: "file", id: fileId } as const
        const line = yield* Line.scoped
        const { answer, connection } = yield* retry("safe")(send(line, start, about, { firstByte, idle }))
        return pullBytes(connection, answer)
      }))
    },
    delete: Effect.fn("OpenAI.files.delete")(function*(id) {
      yield* Validate.id("file id", id)
      yield* request("once", { resource: "file", id }, (client, signal) => client.files.delete(id, { signal }))
    })
  }

  return {
    conversations,
    responses,
    files,
    rateLimits: gates.state,
    use: (f) =>
      Effect.tryPromise({
        try: (signal) => f(client, signal),
        catch: (error) => fromSdk(error, { resource: "endpoint" })
      })
  }
}

/**
 * The live layer with its options given by the program. No request is made to build it; a key or URL that cannot be
 * sent fails it with `InvalidInput`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<OpenAI, InvalidInput> =>
  Layer.effect(
    OpenAI,
    Effect.gen(function*() {
      if (!("client" in options)) {
        yield* Validate.baseUrl(options.baseUrl)
        yield* Validate.apiKey(options.apiKey)
      }
      return make(options)
    })
  )

/**
 * The live layer with its options from the configuration: `OPENAI_API_KEY`, and if they are set `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`. A missing or empty key is a `ConfigError` that names the variable.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<OpenAI, ConfigError.ConfigError> = Layer.unwrapEffect(
  Effect.map(
    Config.all({
      apiKey: Config.nonEmptyString("OPENAI_API_KEY").pipe(Config.map(Redacted.make)),
      baseUrl: Config.option(Config.nonEmptyString("OPENAI_BASE_URL")),
      organization: Config.option(Config.nonEmptyString("OPENAI_ORG_ID")),
      project: Config.option(Config.nonEmptyString("OPENAI_PROJECT_ID"))
    }),
    ({ apiKey, baseUrl, organization, project }) =>
      layer({
        apiKey,
        baseUrl: Option.getOrUndefined(baseUrl),
        organization: Option.getOrUndefined(organization),
        project: Option.getOrUndefined(project)
      }).pipe(Layer.catchAll(({ field, reason }) => {
        const name = field === "baseUrl" ? "OPENAI_BASE_URL" : "OPENAI_API_KEY"
        return Layer.fail(ConfigError.InvalidData([name], reason))
      }))
  )
)
