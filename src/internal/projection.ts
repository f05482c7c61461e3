/**
 * Wire events become events of a run, each from itself alone: what a delta belongs to is told by its `item_id`, and a
 * call's name and arguments by `output_item.done`. So a reader can go on anywhere without what came before. The only
 * state is the numbering.
 */
import type { Response } from "openai/resources/responses/responses"
import type { Cursor } from "../Cursor.ts"
import type { RunEvent, Usage } from "../RunEvent.ts"
import { type Message, ResponseId, type RunId, type ThreadId } from "../Thread.ts"
import { textOf } from "../Thread.ts"
import { toAnnotation, toItem } from "./items.ts"
import { answeredBy, keyOf, pendingOf } from "./pending.ts"
import { isKeepalive, isKnown, isLast, isTextDelta, type WireEvent, wireEvents } from "./wireEvents.ts"

type ItemId = Message["id"]

/** The tool and its phase in a name such as `response.web_search_call.searching`. */
const hostedName = (type: string) => {
  const [, tool = "unknown", phase = "progress"] = type.split(".")
  return {
    tool: tool.replace(/_call(_.*)?$/, ""),
    phase: tool.includes("_call_") ? `${tool.split("_call_")[1]}.${phase}` : phase
  }
}

/** How many numbers below the newest are waited for. */
const maxSkipped = 64

export class Projection {
  readonly runId: RunId
  readonly threadId: ThreadId
  #sequence = 0
  #step = -1
  #wire = -1
  #responseId: ResponseId | undefined = undefined
  /** The highest number of the wire so far, the type of its event, and the numbers below it that are missing. */
  #last = -1
  #lastType = ""
  readonly #skipped = new Set<number>()
  #numbered = true

  constructor(runId: RunId, threadId: ThreadId) {
    this.runId = runId
    this.threadId = threadId
  }

  get responseId(): ResponseId | undefined {
    return this.#responseId
  }

  /** How many steps have begun. */
  get steps(): number {
    return this.#step + 1
  }

  /** What each event carries. */
  at() {
    return {
      runId: this.runId,
      threadId: this.threadId,
      sequence: this.#sequence++,
      step: this.#step,
      responseId: this.#responseId,
      wire: this.#wire
    }
  }

  /** Where its reader stands, who has been told all of the step. */
  here(): Cursor {
    return {
      v: 1,
      threadId: this.threadId,
      runId: this.runId,
      step: this.#step,
      responseId: this.#responseId,
      wire: this.#wire,
      sequence: this.#sequence - 1,
      over: true
    }
  }

  /** Goes on behind what another reader has been told. */
  resumeAt({ responseId, sequence, step, wire }: Cursor): void {
    this.#sequence = sequence + 1
    this.#step = step
    this.#wire = this.#last = wire
    this.#responseId = responseId
  }

  /** A response begins whose id is known before it tells of itself. */
  nextKnown(responseId: ResponseId): void {
    this.nextStep()
    this.#responseId = responseId
  }

  /** The number on the wire of the last event that was told. */
  get wire(): number {
    return this.#wire
  }

  /** The next response begins. */
  nextStep(): void {
    this.#step++
    this.#wire = -1
    this.#responseId = undefined
    this.#last = -1
    this.#lastType = ""
    this.#skipped.clear()
    this.#numbered = true
  }

  /**
   * Whether the event was not there before. Its number tells, where the server numbers its events; one that was skipped
   * may still come.
   */
  isNew(event: WireEvent): boolean {
    const number = event.sequence_number
    if (number === this.#last + 1) {
      this.#last = number
      this.#lastType = event.type
      return true
    }
    if (number === undefined || !this.#numbered) return true
    // What ends a stream counts whatever its number: a gateway that adds an error has none for it.
    if (isLast(event) || event.type === "error") return true
    if (number > this.#last) {
      for (const skipped of this.#skipped) if (skipped < number - maxSkipped) this.#skipped.delete(skipped)
      for (let skipped = Math.max(this.#last + 1, number - maxSkipped); skipped < number; skipped++) {
        this.#skipped.add(skipped)
      }
      this.#last = number
      this.#lastType = event.type
      return true
    }
    // Another event with the same number, or one from long ago: this server has its own way to number.
    const isOdd = number === this.#last ? event.type !== this.#lastType : number < this.#last - maxSkipped
    if (isOdd) this.#numbered = false
    return !this.#numbered || this.#skipped.delete(number)
  }

  /** Whether events are missing between those that were seen. */
  get hasGaps(): boolean {
    return this.#skipped.size > 0
  }

  /** Adds the event that a wire event is, if it is news. */
  project(event: WireEvent, out: Array<RunEvent>): void {
    const before = this.#wire
    this.#wire = Math.max(before, event.sequence_number ?? before + 1)
    if (isTextDelta(event)) {
      if (typeof event.delta !== "string" || !event.item_id) return this.#unknown(event, out)
      // The one event that comes by the thousand: a plain literal, without a spread.
      out.push({
        _tag: "TextDelta",
        runId: this.runId,
        threadId: this.threadId,
        sequence: this.#sequence++,
        step: this.#step,
        responseId: this.#responseId,
        wire: this.#wire,
        itemId: event.item_id as ItemId,
        contentIndex: event.content_index,
        delta: event.delta
      })
      return
    }
    if (!isKnown(event)) {
      if (!isKeepalive(event)) this.#unknown(event, out)
      return
    }
    switch (event.type) {
      case "response.created":
        if (!event.response?.id) return this.#unknown(event, out)
        this.#responseId = ResponseId.make(event.response.id)
        out.push({ _tag: "StepStarted", ...this.at() })
        return
      case "response.completed": {
        // The run's end comes from this wire event too, so it is not seen before that one is.
        const completed = this.#wire
        this.#wire = before
        const usage = toUsage(event.response)
        out.push({ _tag: "StepCompleted", ...this.at(), ...(usage === undefined ? {} : { usage }) })
        this.#wire = completed
        return
      }
      case "response.failed":
      case "response.incomplete":
      case "error":
        return
      case "response.output_item.added":
      case "response.output_item.done":
        return this.#item(event, event.type === "response.output_item.done", out)
      case "response.output_text.done":
        if (typeof event.text !== "string" || !event.item_id) return this.#unknown(event, out)
        out.push({
          _tag: "TextCompleted",
          ...this.at(),
          itemId: event.item_id as ItemId,
          contentIndex: event.content_index,
          text: event.text
        })
        return
      case "response.output_text.annotation.added":
        if (!event.item_id) return this.#unknown(event, out)
        out.push({
          _tag: "AnnotationAdded",
          ...this.at(),
          itemId: event.item_id as ItemId,
          contentIndex: event.content_index,
          annotation: toAnnotation(event.annotation)
        })
        return
      case "response.refusal.delta":
        if (typeof event.delta !== "string" || !event.item_id) return this.#unknown(event, out)
        out.push({
          _tag: "RefusalDelta",
          ...this.at(),
          itemId: event.item_id as ItemId,
          contentIndex: event.content_index,
          delta: event.delta
        })
        return
      case "response.refusal.done":
        if (typeof event.refusal !== "string" || !event.item_id) return this.#unknown(event, out)
        out.push({
          _tag: "RefusalCompleted",
          ...this.at(),
          itemId: event.item_id as ItemId,
          contentIndex: event.content_index,
          refusal: event.refusal
        })
        return
      case "response.function_call_arguments.delta":
        if (typeof event.delta !== "string" || !event.item_id) return this.#unknown(event, out)
        out.push({
          _tag: "ToolCallArgumentsDelta",
          ...this.at(),
          itemId: event.item_id as ItemId,
          delta: event.delta
        })
        return
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta": {
        if (typeof event.delta !== "string" || !event.item_id) return this.#unknown(event, out)
        const isSummary = event.type === "response.reasoning_summary_text.delta"
        out.push({
          _tag: "ReasoningDelta",
          ...this.at(),
          itemId: event.item_id as ItemId,
          index: isSummary ? event.summary_index : event.content_index,
          kind: isSummary ? "summary" : "text",
          delta: event.delta
        })
        return
      }
      default:
        if (wireEvents[event.type] !== "hosted") return
        out.push({
          _tag: "HostedToolProgress",
          ...this.at(),
          ...("item_id" in event && event.item_id ? { itemId: event.item_id as ItemId } : {}),
          ...hostedName(event.type),
          raw: event
        })
    }
  }

  #unknown(event: WireEvent, out: Array<RunEvent>): void {
    out.push({ _tag: "Unknown", ...this.at(), type: event.type, raw: event })
  }

  #item(event: WireEvent & { readonly item: unknown }, done: boolean, out: Array<RunEvent>): void {
    const item = toItem(event.item)
    switch (item._tag) {
      case "Message":
        out.push(
          done
            ? { _tag: "MessageCompleted", ...this.at(), itemId: item.id, message: item }
            : { _tag: "MessageStarted", ...this.at(), itemId: item.id, role: item.role }
        )
        return
      case "FunctionCall":
        out.push(
          done
            ? { _tag: "ToolCallRequested", ...this.at(), itemId: item.id, call: item }
            : { _tag: "ToolCallStarted", ...this.at(), itemId: item.id, callId: item.callId, name: item.name }
        )
        return
      case "Reasoning":
        if (done) out.push({ _tag: "ReasoningCompleted", ...this.at(), itemId: item.id, summary: item.summary })
        return
      case "ApprovalRequest":
        if (done) {
          const { arguments: args, id, name, server } = item
          out.push({ _tag: "ApprovalRequested", ...this.at(), itemId: id, server, name, arguments: args })
        }
        return
      case "HostedToolCall":
        out.push({
          _tag: "HostedToolProgress",
          ...this.at(),
          itemId: item.id,
          tool: item.tool,
          phase: done ? "done" : "added",
          call: item,
          raw: event
        })
        return
      default:
        this.#unknown(event, out)
    }
  }
}

const toUsage = (response: Response | undefined): Usage | undefined => {
  const usage = response?.usage ?? undefined
  return usage === undefined ? undefined : {
    input: usage.input_tokens ?? 0,
    cachedInput: usage.input_tokens_details?.cached_tokens ?? 0,
    output: usage.output_tokens ?? 0,
    reasoning: usage.output_tokens_details?.reasoning_tokens ?? 0,
    total: usage.total_tokens ?? 0
  }
}

/** What nothing takes. */
export const noUsage: Usage = { input: 0, cachedInput: 0, output: 0, reasoning: 0, total: 0 }

export const sum = (a: Usage, b: Usage): Usage => ({
  input: a.input + b.input,
  cachedInput: a.cachedInput + b.cachedInput,
  output: a.output + b.output,
  reasoning: a.reasoning + b.reasoning,
  total: a.total + b.total
})

/** Whether a response still goes on. */
export const isOpen = ({ status }: Response) => status === "in_progress" || status === "queued"

/** What a response says about itself at its end: the truth, of which the deltas were the display. */
export const outcome = (response: Response) => {
  const items = (response.output ?? []).map(toItem)
  const messages = items.filter((item) => item._tag === "Message")
  const asked = items.flatMap((item, index) => pendingOf(response.output[index], item) ?? [])
  // A tool may have been run by OpenAI, and its output be there.
  const answered = asked.length === 0 ? undefined : new Set(response.output.map(answeredBy))
  const pending = asked.filter((one) => answered?.has(keyOf(one)) !== true)
  return {
    messages,
    pending,
    text: messages.map(textOf).join(""),
    usage: toUsage(response) ?? noUsage,
    status: pending.length > 0 ? "requires_action" : "completed"
  } as const
}
