/** A request and its answer, with a line in the journal. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Fault, HttpError } from "../Script.ts"
import { type Answer, bytesAnswer, errorAnswer, isEventStream, reject } from "./http.ts"
import { told } from "./limited.ts"
import { route } from "./router.ts"
import type { State } from "./state.ts"
import { isLast } from "./step.ts"
import { type Outcome, outcomeOf, unreachable } from "./transport.ts"

/**
 * One request in the simulator's journal.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedRequest {
  readonly method: string
  /** What follows `/v1`, without the query. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** With names in lower case; the value of `authorization` is replaced by `***`. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The decoded JSON, the fields of a form (a file is its `filename`, `type` and `bytes`), the text where it is neither,
   * undefined where there is none.
   */
  readonly body: unknown
  /** Undefined before the headers are sent, and where none ever were. */
  readonly status: number | undefined
  /** Nothing more is sent. */
  readonly ended: boolean
  /** The client went away before the end. */
  readonly aborted: boolean
  /** How the connection broke. A request that was refused is listed, though nothing was done for it. */
  readonly fault: Fault | undefined
  readonly requestId: string
}

type Entry = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] }

/**
 * What a fault's request can be chosen by.
 *
 * @since 0.1.0
 * @category models
 */
export type InjectionTarget = Pick<RecordedRequest, "method" | "path" | "body">

export interface Injection {
  readonly fault: Fault | HttpError
  readonly match: (request: InjectionTarget) => boolean
}

export interface RawRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export class Exchanges {
  readonly journal: Array<Entry> = []
  readonly #state: State
  readonly #injected: Array<Injection> = []
  openStreams = 0
  /** Grows with everything that happens, so that one can wait until nothing does. */
  activity = 0

  constructor(state: State) {
    this.#state = state
  }

  inject(injection: Injection): void {
    this.#injected.push(injection)
  }

  /** Answers a request. The exchange lasts as long as the scope. */
  open(raw: RawRequest): Effect.Effect<Outcome, never, Scope.Scope> {
    return Effect.flatMap(bodyOf(raw), (body) => {
      this.activity++
      const url = new URL(raw.url, "http://localhost")
      const path = url.pathname.startsWith("/v1/") ? url.pathname.slice(3) : undefined
      const query = queryOf(url)
      const entry: Entry = {
        method: raw.method,
        path: path ?? url.pathname,
        query,
        headers: raw.headers.authorization === undefined ? raw.headers : { ...raw.headers, authorization: "***" },
        body: Either.getOrElse(body, () => textOf(raw.body)),
        status: undefined,
        ended: false,
        aborted: false,
        fault: undefined,
        requestId: this.#state.id("req", 32)
      }
      this.journal.push(entry)
      const injected = this.#injection(entry)
      if (injected !== undefined && injected._tag !== "HttpError") entry.fault = injected
      const without = unreachable(entry.fault)
      if (without !== undefined) {
        entry.ended = true
        return Effect.succeed(without)
      }
      const startedAt = this.#state.clock.unsafeCurrentTimeMillis()
      const routed = path === undefined
        ? Effect.succeed(url.pathname === "/login" ? loginPage : wrongPath(raw.method, url.pathname))
        : Either.isLeft(body)
        ? Effect.succeed(wrongBody)
        : route(this.#state, { method: raw.method, path, query, headers: raw.headers, body: body.right })
      const answered = injected?._tag !== "HttpError"
        ? routed
        : Effect.as(
          injected.handled ? routed : Effect.void,
          bytesAnswer(
            injected.status,
            { ...told(this.#state, { ...entry, headers: raw.headers }), ...injected.headers },
            injected.body
          )
        )
      return Effect.zipRight(
        Effect.addFinalizer((exit) => Effect.sync(() => this.#close(entry, exit))),
        Effect.flatMap(answered, (answer) => {
          const outcome = this.#outcome(entry, answer, startedAt)
          const isOpen = outcome._tag === "Answered" && isEventStream(answer)
          return isOpen ? Effect.as(this.#countStream, outcome) : Effect.succeed(outcome)
        })
      )
    })
  }

  #injection(entry: Entry): Fault | HttpError | undefined {
    const index = this.#injected.findIndex(({ match }) => match(entry))
    return index === -1 ? undefined : this.#injected.splice(index, 1)[0]?.fault
  }

  #outcome(entry: Entry, answer: Answer, startedAt: number): Outcome {
    entry.fault ??= answer.fault
    const headers = {
      ...answer.headers,
      "openai-processing-ms": String(this.#state.clock.unsafeCurrentTimeMillis() - startedAt),
      "openai-version": "2020-10-01",
      "x-request-id": entry.requestId
    }
    const outcome = outcomeOf({ ...answer, headers }, entry.fault)
    if (outcome._tag !== "Answered") return outcome
    entry.status = outcome.status
    return {
      ...outcome,
      next: Effect.tap(outcome.next, (step) => {
        this.activity++
        if (isLast(step)) entry.ended = true
      })
    }
  }

  /** Counts among the open streams until the scope closes. */
  readonly #countStream = Effect.acquireRelease(
    Effect.sync(() => {
      this.openStreams++
    }),
    () =>
      Effect.sync(() => {
        this.openStreams--
      })
  )

  #close(entry: Entry, exit: Exit.Exit<unknown, unknown>): void {
    this.activity++
    entry.aborted = Exit.isInterrupted(exit) && !entry.ended
    entry.ended = true
  }
}

const decoder = new TextDecoder()

const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

/** JSON, or the fields of a form. */
const bodyOf = ({ body, headers }: RawRequest): Effect.Effect<Either.Either<unknown, Answer>> =>
  headers["content-type"]?.startsWith("multipart/form-data") ?
    formOf(body, headers["content-type"]) :
    Effect.sync(() =>
      body.length === 0
        ? Either.right(undefined)
        : Either.try({ try: (): unknown => JSON.parse(textOf(body)), catch: () => wrongBody })
    )

const formOf = (body: Uint8Array, contentType: string): Effect.Effect<Either.Either<unknown, Answer>> =>
  Effect.either(Effect.tryPromise({
    try: async (): Promise<unknown> => {
      const form = await new Response(new Blob([body as BlobPart]), { headers: { "content-type": contentType } })
        .formData()
      const fields = Array.from(form, async ([name, value]) => [
        name,
        typeof value === "string"
          ? value
          : { filename: value.name, type: value.type, bytes: new Uint8Array(await value.arrayBuffer()) }
      ])
      return Object.fromEntries(await Promise.all(fields))
    },
    catch: () => wrongBody
  }))

/** Values of one name are joined by commas. */
const queryOf = ({ searchParams }: URL): RecordedRequest["query"] =>
  Object.fromEntries(Array.from(searchParams.keys(), (name) => [name, searchParams.getAll(name).join(",")]))

const asAnswer = (error: ReturnType<typeof reject>): Answer =>
  Either.match(error, { onLeft: errorAnswer, onRight: (never) => never })

const wrongBody = asAnswer(reject(
  400,
  null,
  "We could not parse the JSON body of your request: what was sent was not valid JSON."
))

const wrongPath = (method: string, path: string): Answer =>
  asAnswer(reject(404, null, `Invalid URL (${method} ${path})`))

const loginPage: Answer = bytesAnswer(
  200,
  { "content-type": "text/html; charset=utf-8" },
  "<!doctype html><title>Log in</title><h1>Log in to go on</h1>\n"
)
