/** The answers that what waits in a thread still lacks, as far as they are known. */
import type { Pending } from "../../RunEvent.ts"
import type { CallId } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { answeredBy, closing, keyOf, outputOf } from "../pending.ts"
import { unknownOutcome } from "../settle.ts"
import type * as ToolSteps from "../toolSteps.ts"

export class Owed {
  readonly #items = new Map<string, ThreadStore.WireItem>()

  get items(): ReadonlyArray<ThreadStore.WireItem> {
    return Array.from(this.#items.values())
  }

  get isEmpty(): boolean {
    return this.#items.size === 0
  }

  put(item: ThreadStore.WireItem): void {
    const key = answeredBy(item)
    if (key !== undefined) this.#items.set(key, item)
  }

  set(callId: CallId, output: string): void {
    this.put(outputOf(callId, output))
  }

  /** From now on these lack their answer, and nothing else. */
  owe(asked: ReadonlyArray<Pending>, why: string): void {
    this.clear()
    for (const one of asked) this.put(closing(one, why))
  }

  /** Somebody else answers these. */
  leave(left: ReadonlyArray<Pending>): void {
    for (const one of left) this.#items.delete(keyOf(one))
  }

  clear(): void {
    this.#items.clear()
  }

  /** What is owed for a call changes when it begins and when it is done, whether or not anybody hears of it. */
  follow(tools: ToolSteps.Tools): ToolSteps.Tools {
    const { log } = tools
    // They are called when that is to be written down, and not before.
    return {
      ...tools,
      log: {
        ...log,
        start: (call) => {
          this.set(call.callId, unknownOutcome)
          return log.start(call)
        },
        finish: (call, outcome) => {
          this.set(call.callId, outcome.output)
          return log.finish(call, outcome)
        }
      }
    }
  }
}
