/**
 * `fetch` over Node's HTTP client, for the terminal: Node's own takes a fifth of the time to the first text to load. It
 * has what the SDK asks for. What is more than a request with a text and its answer goes to Node's own: forms, streams
 * and redirects.
 */
import type * as Http from "node:http"
import type { Readable } from "node:stream"
import { HttpHeaders } from "./HttpHeaders.ts"
import * as Rejection from "./rejection.ts"

/** As long as Node's own waits for a connection, in milliseconds. */
const connectTimeout = 10_000

/** As long as Node's own keeps a connection that nobody uses: servers close it after 5 seconds. In milliseconds. */
const idleTimeout = 4_000

/** Not all of it is in Node's types. */
type Agent = Http.Agent & { readonly options: { timeout?: number } }

const failed = (cause: unknown) => new TypeError("fetch failed", { cause })
const terminated = (cause: unknown) => new TypeError("terminated", { cause })

/** An answer, as far as the SDK and the library look at it. */
class HttpResponse implements Pick<Response, "body" | "ok" | "status" | "text" | "url"> {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly headers: HttpHeaders
  readonly status: number
  readonly url: string

  constructor(message: Http.IncomingMessage, url: string) {
    this.status = message.statusCode ?? 0
    this.url = url
    const { rawHeaders } = message
    this.headers = new HttpHeaders(rawHeaders.flatMap((name, at) => at % 2 === 0 ? [[name, rawHeaders[at + 1]!]] : []))
    this.body = bytes(this.headers.get("content-encoding") === "gzip" ? unzipped(message) : message)
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ""
    for await (const chunk of this.body) text += decoder.decode(chunk, { stream: true })
    text += decoder.decode()
    if (!this.ok) Rejection.note({ requestId: this.headers.get("x-request-id") ?? undefined, body: text })
    return text
  }
}

/** Some proxies compress also what is asked for as it is. */
const unzipped = (message: Http.IncomingMessage): Readable => {
  const { pipeline } = process.getBuiltinModule("node:stream")
  return pipeline(message, process.getBuiltinModule("node:zlib").createGunzip(), () => {})
}

/** The body, read from the socket when it is asked for. */
const bytes = (message: Readable): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let isOver = false
  const over = (end: () => void) => {
    if (isOver) return
    isOver = true
    end()
  }
  return new ReadableStream({
    start(controller) {
      message.on("data", (chunk: Buffer<ArrayBuffer>) => {
        message.pause()
        if (!isOver) controller.enqueue(chunk)
      })
      message.on("end", () => over(() => controller.close()))
      // An abort has its own reason, and is no failure of the network.
      message.on(
        "error",
        (error) => over(() => controller.error(error.name === "AbortError" ? error : terminated(error)))
      )
      message.pause()
    },
    pull() {
      message.resume()
    },
    cancel() {
      over(() => message.destroy())
    }
  }, { highWaterMark: 0 })
}

/** Whether it was not carried out here, and can be sent elsewhere. After another redirect a POST is over. */
const isToRepeat = ({ headers, statusCode = 0 }: Http.IncomingMessage, method = "GET") =>
  headers.location !== undefined &&
  ([307, 308].includes(statusCode) || (method === "GET" && [301, 302, 303].includes(statusCode)))

type Init = Omit<RequestInit, "headers"> & { readonly headers?: Iterable<readonly [string, string]> }

const send = (
  request: typeof Http.request,
  url: URL,
  { body, headers = [], method = "GET", signal }: Init
): Promise<Http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: { "accept": "*/*", "accept-encoding": "identity", ...Object.fromEntries(headers) }
    })
    let incoming: Http.IncomingMessage | undefined
    const abort = () => {
      const reason = signal?.reason
      if (incoming === undefined) outgoing.destroy()
      else incoming.destroy(reason)
      reject(reason)
    }
    outgoing.on("response", (message) => {
      incoming = message
      resolve(message)
    })
    outgoing.on("error", (error) => reject(failed(error)))
    // Nobody has asked for another protocol.
    outgoing.on("upgrade", (_message, socket) => {
      socket.destroy()
      reject(failed(new Error("bad upgrade")))
    })
    outgoing.on("socket", (socket) => {
      // Not before there is a connection: what fails until then was not sent.
      const go = () => outgoing.end(body ?? undefined)
      if (!socket.connecting) return go()
      const late = () =>
        outgoing.destroy(
          Object.assign(new Error("Connect Timeout Error"), { code: "ETIMEDOUT", syscall: "connect" })
        )
      socket.setTimeout(connectTimeout, late)
      socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
        socket.setTimeout(0, late)
        go()
      })
    })
    signal?.addEventListener("abort", abort, { once: true })
  })

export const fetch = (async (input: string, init: Init = {}) => {
  init.signal?.throwIfAborted()
  const elsewhere = () =>
    globalThis.fetch(input, { ...init, headers: Array.from(init.headers ?? [], ([...pair]) => pair) })
  if (init.body !== undefined && init.body !== null && typeof init.body !== "string") return elsewhere()
  const url = new URL(input)
  // Not by `import`: it looks at all that the module has, and one part of it belongs to Node's own `fetch`.
  const { globalAgent, request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http")
  ;(globalAgent as Agent).options.timeout = idleTimeout
  Rejection.forget()
  const message = await send(request, url, init)
  if (!isToRepeat(message, init.method)) return new HttpResponse(message, input)
  message.destroy()
  return elsewhere()
}) as typeof globalThis.fetch
