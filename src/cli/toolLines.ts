/** What the tools of a run do, for a person: a line when a call begins, and one when it is over. */
import * as Predicate from "effect/Predicate"
import type { RunEvent } from "../RunEvent.ts"
import { shortened } from "./terminal.ts"

const stringOf = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) ? value.map(stringOf).join(", ") : ""

const isNonEmpty = (text: string) => text !== ""

const joined = (...texts: ReadonlyArray<string>) => texts.filter(isNonEmpty).join(" ")

interface Hosted {
  readonly name: string
  /** What it was asked, and what it gave. */
  readonly detail: string
  readonly isFailure: boolean
}

/** The item of a tool that OpenAI runs. Each kind has its own words for what it was asked. */
const hosted = (tool: string, raw: unknown): Hosted => {
  const item = Predicate.isRecord(raw) && Predicate.isRecord(raw["item"]) ? raw["item"] : {}
  const action = Predicate.isRecord(item["action"]) ? item["action"] : {}
  const asked =
    [action["query"], action["url"], item["queries"], item["code"], item["arguments"], item["revised_prompt"]]
      .map(stringOf).find(isNonEmpty) ?? ""
  const offered = Array.isArray(item["tools"]) ? `${item["tools"].length} tools` : ""
  const error = Predicate.isRecord(item["error"]) ? item["error"]["message"] : item["error"]
  const gave = stringOf(error) || stringOf(item["output"]) || offered
  return {
    name: joined(tool, [item["server_label"], item["name"]].map(stringOf).filter(isNonEmpty).join(".")),
    detail: [asked, gave].filter(isNonEmpty).join(" → "),
    isFailure: item["status"] === "failed" || (item["error"] ?? undefined) !== undefined
  }
}

/** The lines of one run: what an event is worth a line for, at `now` in milliseconds. */
export const make = () => {
  const begun = new Map<string, number>()

  const begins = (key: string, name: string, detail: string, now: number, width: number) => {
    begun.set(key, now)
    return shortened(joined("→", name, detail), width)
  }

  const ends = (key: string, name: string, detail: string, isFailure: boolean, now: number, width: number) => {
    const since = begun.get(key)
    const took = since === undefined ? "" : ` (${((now - since) / 1000).toFixed(1)} s)`
    return `${shortened(joined(isFailure ? "✗" : "✓", name, detail), width - took.length)}${took}`
  }

  return (event: RunEvent, now: number, width: number): string | undefined => {
    switch (event._tag) {
      case "ToolCallRequested":
        return begins(event.call.callId, event.call.name, event.call.arguments, now, width)
      case "ToolCallCompleted":
        return ends(event.callId, event.name, event.output, event.isFailure, now, width)
      case "HostedToolProgress": {
        const { itemId = "", phase, raw, tool } = event
        const { detail, isFailure, name } = hosted(tool, raw)
        if (phase === "added") return begins(itemId, name, "", now, width)
        return phase === "done" ? ends(itemId, name, detail, isFailure, now, width) : undefined
      }
      default:
        return undefined
    }
  }
}
