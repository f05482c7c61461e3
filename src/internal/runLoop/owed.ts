/** The outputs that the calls in a thread still lack, as far as they are known. */
import * as Effect from "effect/Effect"
import type { CallId, FunctionCall } from "../../Thread.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { unknownOutcome } from "../settle.ts"
import * as ToolSteps from "../toolSteps.ts"

export class Owed {
  readonly #outputs = new Map<CallId, ThreadStore.WireItem>()

  get items(): ReadonlyArray<ThreadStore.WireItem> {
    return Array.from(this.#outputs.values())
  }

  set(callId: CallId, output: string): void {
    this.#outputs.set(callId, ToolSteps.outputOf(callId, output))
  }

  /** From now on these calls lack their output, and no other. */
  owe(calls: ReadonlyArray<FunctionCall>, output: string): void {
    this.clear()
    for (const { callId } of calls) this.set(callId, output)
  }

  clear(): void {
    this.#outputs.clear()
  }

  /** What is owed for a call changes when it begins and when it is done, whether or not anybody hears of it. */
  follow(tools: ToolSteps.Tools): ToolSteps.Tools {
    const { log } = tools
    const settle = (callId: CallId, output: string) => Effect.sync(() => this.set(callId, output))
    return {
      ...tools,
      log: {
        ...log,
        start: (call) => Effect.zipRight(settle(call.callId, unknownOutcome), log.start(call)),
        finish: (call, output) => Effect.zipRight(settle(call.callId, output), log.finish(call, output))
      }
    }
  }
}
