/** What a reader has heard of one response: how it ended, and what is missing where its end was not heard. */
import type { Response } from "openai/resources/responses/responses"
import { streamCode } from "./requestError.ts"
import { isKnown, isTextDelta, type WireEvent } from "./wireEvents.ts"

/** A part of a message, by its item and place. */
const partKey = (itemId: string, index: number) => `${itemId} ${index}`

/** What is told in pieces of an item that is no message, in one piece. */
const wholeOf = (item: Response["output"][number]): ReadonlyArray<object> =>
  item.type === "reasoning" && Array.isArray(item.summary)
    ? item.summary.map(({ text }, summary_index) => ({
      type: "response.reasoning_summary_text.delta",
      summary_index,
      delta: text
    }))
    : item.type === "function_call"
    ? [{ type: "response.function_call_arguments.delta", delta: item.arguments }]
    : []

export class Heard {
  readonly #keepPartial: boolean
  /** The text of the parts before the one that grows now, and of that one, if it is kept. */
  #before = ""
  #growing = ""
  completed: Response | undefined
  incomplete: { readonly response: Response; readonly requestId: string | undefined } | undefined
  failure: { readonly payload: unknown; readonly requestId: string | undefined } | undefined
  readonly #items = new Set<string>()
  readonly #itemsDone = new Set<string>()
  readonly #partsDone = new Set<string>()
  readonly #lengths = new Map<string, number>()
  /** How many annotations each part has had. */
  readonly #annotations = new Map<string, number>()
  /** The part that grows now: its deltas come one after the other. */
  #itemId = ""
  #contentIndex = -1
  #length = 0

  constructor(keepPartial: boolean) {
    this.#keepPartial = keepPartial
  }

  note(event: WireEvent): void {
    if (isTextDelta(event)) {
      if (!this.#isGrowing(event)) this.#turnTo(event.item_id, event.content_index)
      if (typeof event.delta !== "string") return
      this.#length += event.delta.length
      if (this.#keepPartial) this.#growing += event.delta
      return
    }
    if (!isKnown(event)) return
    switch (event.type) {
      case "response.output_text.done":
        // In one piece: what was put together of deltas holds each of them.
        if (this.#keepPartial && this.#isWholeHere(event) && typeof event.text === "string") this.#growing = event.text
        this.#partsDone.add(partKey(event.item_id, event.content_index))
        return
      case "response.refusal.done":
        this.#partsDone.add(partKey(event.item_id, event.content_index))
        return
      case "response.output_text.annotation.added": {
        const key = partKey(event.item_id, event.content_index)
        this.#annotations.set(key, (this.#annotations.get(key) ?? 0) + 1)
        return
      }
      case "response.output_item.added":
      case "response.output_item.done": {
        const id = event.item?.id
        if (typeof id !== "string") return
        this.#items.add(id)
        if (event.type === "response.output_item.done") this.#itemsDone.add(id)
        return
      }
      case "response.completed":
        this.completed = event.response
        return
      case "response.incomplete":
        this.incomplete = { response: event.response, requestId: (event as WireEvent)._request_id }
        return
      case "error":
        this.failure = { payload: event, requestId: (event as WireEvent)._request_id }
        return
      case "response.failed":
        // The `error` event before it may know more, such as the headers of a rate limit.
        if (streamCode(this.failure?.payload) === undefined) {
          this.failure = { payload: event.response?.error, requestId: (event as WireEvent)._request_id }
        }
    }
  }

  /** The text until now, if it is kept. */
  get partial(): string {
    return this.#before + this.#growing
  }

  #isGrowing(event: { readonly item_id: string; readonly content_index: number }): boolean {
    return event.item_id === this.#itemId && event.content_index === this.#contentIndex
  }

  /** Whether all that was heard of the part is in the piece that grows. */
  #isWholeHere(event: { readonly item_id: string; readonly content_index: number }): boolean {
    return this.#isGrowing(event) && this.#growing.length === this.#length
  }

  #turnTo(itemId: string, contentIndex: number): void {
    this.#before += this.#growing
    this.#growing = ""
    this.#lengths.set(partKey(this.#itemId, this.#contentIndex), this.#length)
    this.#itemId = itemId
    this.#contentIndex = contentIndex
    this.#length = this.#lengths.get(partKey(itemId, contentIndex)) ?? 0
  }

  /**
   * The events that would have told the rest of a response that is complete, without the last one. With gaps in what was
   * heard there is no telling which piece of a text is missing: then it comes whole, not in deltas and annotations.
   */
  rest(response: Response, hasGaps: boolean): ReadonlyArray<WireEvent> {
    this.#turnTo("", -1)
    return response.output.flatMap((item, output_index): ReadonlyArray<object> => {
      const { id } = item
      if (typeof id !== "string" || this.#itemsDone.has(id)) return []
      const isNew = !this.#items.has(id)
      const added = !isNew ? [] : [{ type: "response.output_item.added", output_index, item }]
      const parts = item.type === "message" && Array.isArray(item.content) ? item.content : []
      return [
        ...added,
        ...(isNew && !hasGaps ? wholeOf(item) : []).map((event) => ({ ...event, item_id: id, output_index })),
        ...parts.flatMap((part, content_index): ReadonlyArray<object> => {
          const at = { item_id: id, output_index, content_index }
          const key = partKey(id, content_index)
          if (this.#partsDone.has(key)) return []
          if (part.type === "refusal") return [{ type: "response.refusal.done", ...at, refusal: part.refusal }]
          if (part.type !== "output_text" || typeof part.text !== "string") return []
          const done = { type: "response.output_text.done", ...at, text: part.text }
          if (hasGaps) return [done]
          const delta = part.text.slice(this.#lengths.get(key) ?? 0)
          const annotations = Array.isArray(part.annotations) ? part.annotations : []
          return [
            ...(delta === "" ? [] : [{ type: "response.output_text.delta", ...at, delta }]),
            ...annotations.slice(this.#annotations.get(key) ?? 0).map((annotation) => ({
              type: "response.output_text.annotation.added",
              ...at,
              annotation
            })),
            done
          ]
        }),
        { type: "response.output_item.done", output_index, item }
      ]
    }) as ReadonlyArray<WireEvent>
  }
}
