import { Effect } from "effect"
import { Assistant, Run, type RunEvent, Threads } from "effect-openai-threads"

/** A function is declared in OpenAI's own words; the program answers its calls. */
const clerk = Assistant.make({
  id: "clerk",
  tools: [{
    type: "function",
    name: "opening_hours",
    description: "The opening hours on a day of the week.",
    strict: true,
    parameters: {
      type: "object",
      properties: { day: { type: "string" } },
      required: ["day"],
      additionalProperties: false
    }
  }]
})

const answer = (pending: RunEvent.Pending): Threads.Answer => {
  switch (pending._tag) {
    case "PendingCall":
      return { callId: pending.call.callId, output: pending.call.arguments.includes("Sunday") ? "closed" : "9 to 17" }
    case "PendingApproval":
      return { approvalId: pending.itemId, approve: false, reason: "This program approves nothing." }
    case "PendingItem":
      // A tool that is no function is answered by an item of the wire.
      return { callId: pending.callId, item: { type: "custom_tool_call_output", output: "There is no such tool." } }
  }
}

export const ask = (message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create()
    let result = yield* Run.result(threads.run(thread.id, { assistant: clerk, message }))
    while (result.status === "requires_action") {
      result = yield* Run.result(threads.submit(thread.id, result.pending.map(answer), { assistant: clerk }))
    }
    return result.text
  })
