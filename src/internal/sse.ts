/**
 * An incremental parser of server-sent events.
 *
 * Bytes come in as the network cuts them, events go out as soon as they are whole. A read is decoded once and searched
 * once, however large an event grows: an unfinished line is kept as the pieces it came in. Line ends are LF, CRLF and
 * CR, which a cut may fall inside of, as it may inside a character.
 *
 * Source: HTML Living Standard, "Server-sent events", 9.2.6.
 */

/** One event: its name, empty where the stream gave none, and its data lines joined by a line feed. */
export interface SseEvent {
  readonly event: string
  readonly data: string
}

/** An event grew past the limit. A stream that never ends a line must not fill the memory. */
export class EventTooLarge extends Error {}

/** The largest event in UTF-16 code units: eight times the largest that OpenAI is known to send (8 MiB). */
export const maxEventLength = 64 * 1024 * 1024

export class SseParser {
  // Node 24.21 removes two byte order marks where a read ends inside the first, so the one that counts is removed here.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  readonly #emit: (event: SseEvent) => void
  /** The unfinished line. */
  #pieces: Array<string> = []
  #length = 0
  /** The unfinished event. */
  #event = ""
  #data: string | undefined = undefined
  /** What counts for nothing where it comes first in the next text: a byte order mark, or the line feed of a CRLF. */
  #skipped: string | undefined = "\uFEFF"

  constructor(emit: (event: SseEvent) => void) {
    this.#emit = emit
  }

  push(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true })
    if (text.length === 0) return
    let start = text[0] === this.#skipped ? 1 : 0
    this.#skipped = undefined
    let lineFeed = text.indexOf("\n", start)
    let carriageReturn = text.indexOf("\r", start)
    while (lineFeed !== -1 || carriageReturn !== -1) {
      const atReturn = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed)
      const end = atReturn ? carriageReturn : lineFeed
      this.#line(start, end, text)
      start = end + 1
      if (atReturn) {
        if (start === text.length) this.#skipped = "\n"
        else if (lineFeed === start) start++
        carriageReturn = text.indexOf("\r", start)
      }
      if (lineFeed !== -1 && lineFeed < start) lineFeed = text.indexOf("\n", start)
    }
    if (start < text.length) this.#keep(start === 0 ? text : text.slice(start))
  }

  #keep(piece: string): void {
    this.#length += piece.length
    if (this.#length + (this.#data?.length ?? 0) > maxEventLength) throw new EventTooLarge()
    this.#pieces.push(piece)
  }

  #line(start: number, end: number, text: string): void {
    if (this.#pieces.length === 0) return this.#field(text, start, end)
    this.#keep(text.slice(start, end))
    const line = this.#pieces.join("")
    this.#pieces = []
    this.#length = 0
    this.#field(line, 0, line.length)
  }

  /** One whole line of `text`, without its end. */
  #field(text: string, start: number, end: number): void {
    if (start === end) return this.#dispatch()
    if (text.startsWith("data:", start)) {
      const value = text.slice(text.charCodeAt(start + 5) === 32 && start + 5 < end ? start + 6 : start + 5, end)
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
      if (this.#data.length > maxEventLength) throw new EventTooLarge()
    } else if (text.startsWith("event:", start)) {
      this.#event = text.slice(text.charCodeAt(start + 6) === 32 && start + 6 < end ? start + 7 : start + 6, end)
    } else if (text.slice(start, end) === "data") {
      this.#data = this.#data === undefined ? "" : `${this.#data}\n`
    }
    // A comment (":…"), "id" and "retry" mean nothing to this API.
  }

  #dispatch(): void {
    const event = this.#event
    const data = this.#data
    this.#event = ""
    this.#data = undefined
    if (data !== undefined) this.#emit({ event, data })
  }
}
