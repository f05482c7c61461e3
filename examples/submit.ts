import { Effect } from "effect"
import { Assistant, Run, type RunEvent, Threads } from "effect-openai-threads"

/** An assistant whose MCP server may do nothing without being asked. */
const librarian = Assistant.make({
  id: "librarian",
  tools: [{ type: "mcp", server_label: "library", server_url: "https://mcp.example.com", require_approval: "always" }]
})

const decide = (pending: RunEvent.Pending): Threads.Answer =>
  pending._tag === "PendingApproval"
    ? { approvalId: pending.itemId, approve: pending.name.startsWith("read_") }
    : { callId: pending.call.callId, output: "This program has no functions." }

export const ask = (message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create()
    let result = yield* Run.result(threads.run(thread.id, { assistant: librarian, message }))
    while (result.status === "requires_action") {
      const answers = result.pending.map(decide)
      result = yield* Run.result(threads.submit(thread.id, answers, { assistant: librarian }))
    }
    return result.text
  })
