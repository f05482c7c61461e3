/**
 * How a connection breaks, and what else a network does to an answer.
 *
 * A fault is plain data: printed as JSON it says what happens, and read back it does the same again.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * How a connection breaks, or what else happens to an answer on its way. Make one with {@link cut}, {@link stall} and the
 * other constructors, and several at once with {@link all}.
 *
 * An event is one piece of the body: an event, a comment or raw bytes each count one; a JSON body is a single one. A
 * fault at a place that the body never reaches does not happen. Times are milliseconds on the Clock.
 *
 * @since 0.1.0
 * @category faults
 */
export type Fault =
  // before the headers
  | { readonly _tag: "Refuse" }
  | { readonly _tag: "ConnectTimeout" }
  // the end of the body
  | { readonly _tag: "Cut"; readonly afterEvents: number | undefined; readonly afterBytes: number | undefined }
  | { readonly _tag: "Reset"; readonly afterEvents: number | undefined; readonly afterBytes: number | undefined }
  | {
    readonly _tag: "Stall"
    readonly afterEvents: number | undefined
    readonly afterBytes: number | undefined
    readonly headers: boolean
    readonly keepalive: number | undefined
  }
  // events
  | { readonly _tag: "Duplicate"; readonly event: number }
  | { readonly _tag: "Swap"; readonly event: number }
  | { readonly _tag: "Truncate"; readonly event: number }
  | { readonly _tag: "Comments"; readonly every: number }
  | { readonly _tag: "LineEnds"; readonly lineEnd: "cr" | "crlf" }
  // how it travels
  | { readonly _tag: "Split"; readonly reads: ReadonlyArray<number> }
  | { readonly _tag: "Drip"; readonly bytes: number; readonly every: number }
  | { readonly _tag: "Gzip" }
  | { readonly _tag: "ContentType"; readonly contentType: string }
  | { readonly _tag: "All"; readonly faults: ReadonlyArray<Fault> }

/** A place in the body: after so many events or bytes, whichever comes first. */
interface Place {
  readonly afterEvents?: number | undefined
  readonly afterBytes?: number | undefined
}

const isNowhere = (place: Place): boolean => place.afterEvents === undefined && place.afterBytes === undefined

/**
 * Several faults. Each meets what those before it leave of the answer, so events are best changed before the body is
 * ended, and ended before it is split.
 *
 * @since 0.1.0
 * @category faults
 */
export const all = (faults: ReadonlyArray<Fault>): Fault => ({ _tag: "All", faults })

// ---------------------------------------------------------------------------------------------------------------------
// before the headers
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Nobody listens: `fetch` rejects with `TypeError: fetch failed` and a cause whose code is `ECONNREFUSED`, and the
 * request has no effect. A real port cannot refuse while it listens; there the socket is reset before anything is done.
 *
 * @since 0.1.0
 * @category faults
 */
export const refuse: Fault = { _tag: "Refuse" }

/**
 * Nobody answers the attempt to connect: after 10 seconds, Node's own limit, `fetch` rejects with `TypeError: fetch
 * failed` and a cause whose code is `UND_ERR_CONNECT_TIMEOUT`, and the request has no effect. A real port accepts every
 * connection; there it is the same as {@link refuse}, at once.
 *
 * @since 0.1.0
 * @category faults
 */
export const connectTimeout: Fault = { _tag: "ConnectTimeout" }

// ---------------------------------------------------------------------------------------------------------------------
// the end of the body
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The peer drops the connection. Without a place the request is handled and the connection dies before the headers
 * (`fetch` rejects, code `ECONNRESET`); with one, the body fails with `TypeError: terminated` after so many events or
 * bytes, whichever comes first.
 *
 * @since 0.1.0
 * @category faults
 */
export const reset = (
  options?: { readonly afterEvents?: number | undefined; readonly afterBytes?: number | undefined }
): Fault => ({
  _tag: "Reset",
  afterEvents: options?.afterEvents,
  afterBytes: options?.afterBytes
})

/**
 * The body ends cleanly, but too early: after so many events or bytes, whichever comes first. With neither, it has no
 * bytes at all.
 *
 * @since 0.1.0
 * @category faults
 */
export const cut = (
  options: { readonly afterEvents?: number | undefined; readonly afterBytes?: number | undefined }
): Fault => ({
  _tag: "Cut",
  afterEvents: isNowhere(options) ? 0 : options.afterEvents,
  afterBytes: options.afterBytes
})

/**
 * The connection stays open and silent after so many events or bytes, whichever comes first (by default none), until the
 * client gives up. With `headers: true` not even the headers come.
 *
 * With `keepalive` an event stream is not silent: so often a comment line comes, for ever, and never the rest. A comment
 * inside of an event would spoil it, so the stream then stalls only at the end of the event in which it should.
 *
 * @since 0.1.0
 * @category faults
 */
export const stall = (
  options?: {
    readonly afterEvents?: number | undefined
    readonly afterBytes?: number | undefined
    readonly headers?: boolean | undefined
    readonly keepalive?: Duration.DurationInput | undefined
  }
): Fault => ({
  _tag: "Stall",
  afterEvents: isNowhere(options ?? {}) ? 0 : options?.afterEvents,
  afterBytes: options?.afterBytes,
  headers: options?.headers ?? false,
  keepalive: options?.keepalive === undefined ? undefined : Duration.toMillis(options.keepalive)
})

// ---------------------------------------------------------------------------------------------------------------------
// events
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The event at this place, counted from 0, comes twice. Only in an event stream.
 *
 * @since 0.1.0
 * @category faults
 */
export const duplicate = (options: { readonly event: number }): Fault => ({ _tag: "Duplicate", event: options.event })

/**
 * The event at this place, counted from 0, changes places with the one after it. Only in an event stream.
 *
 * @since 0.1.0
 * @category faults
 */
export const swap = (options: { readonly event: number }): Fault => ({ _tag: "Swap", event: options.event })

/**
 * Of the event at this place, counted from 0, the second half of the data is missing. Those after it are whole. Only in
 * an event stream.
 *
 * @since 0.1.0
 * @category faults
 */
export const truncate = (options: { readonly event: number }): Fault => ({ _tag: "Truncate", event: options.event })

/**
 * A comment line comes before the first event and each so many after it, which a client skips. Only in an event stream.
 *
 * @since 0.1.0
 * @category faults
 */
export const comments = (options: { readonly every: number }): Fault => ({ _tag: "Comments", every: options.every })

/**
 * Lines end in CR or in CR LF, which an event stream may do, instead of LF. Only in an event stream.
 *
 * @since 0.1.0
 * @category faults
 */
export const lineEnds = (lineEnd: "cr" | "crlf"): Fault => ({ _tag: "LineEnds", lineEnd })

// ---------------------------------------------------------------------------------------------------------------------
// how it travels
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The body comes in network reads of these sizes in bytes, in turn and over and over: across events and inside of
 * characters. On a real port the network may join them again.
 *
 * @since 0.1.0
 * @category faults
 */
export const split = (reads: ReadonlyArray<number>): Fault => ({ _tag: "Split", reads })

/**
 * A slow line: the body comes in pieces of so many bytes, with so much time between them.
 *
 * @since 0.1.0
 * @category faults
 */
export const drip = (options: { readonly bytes: number; readonly every: Duration.DurationInput }): Fault => ({
  _tag: "Drip",
  bytes: options.bytes,
  every: Duration.toMillis(options.every)
})

/**
 * The body is compressed, with `content-encoding: gzip`. `fetch` decompresses it, and so does the one in process: what a
 * program reads is the same, each write by itself. Bytes of other faults are counted before they are compressed. A
 * compressed body that is cut ends as cleanly as a plain one (Node's fetch gives what it can and no error); one that is
 * reset fails as a plain one, though over a real port Node may lose what it has not decompressed yet.
 *
 * @since 0.1.0
 * @category faults
 */
export const gzip: Fault = { _tag: "Gzip" }

/**
 * The body as it is, with another content type: `text/plain` for an event stream, or a harmless spelling such as
 * `Text/Event-Stream;charset=UTF-8`.
 *
 * @since 0.1.0
 * @category faults
 */
export const contentType = (contentType: string): Fault => ({ _tag: "ContentType", contentType })
