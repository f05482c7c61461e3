import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Assistant, Assistants, OpenAI, Run, RunLog, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { analyst, stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"

const screen = { type: "computer_screenshot", image_url: "data:image/png;base64,AQID" }

/** The calls that the program answers besides functions: what comes, what answers it, and what closes it. */
const kinds = {
  custom_tool_call: {
    call: { name: "grep", input: "-r x" },
    item: { type: "custom_tool_call_output", output: "nothing" },
    closed: { output: expect.stringContaining("not known") }
  },
  local_shell_call: {
    call: { action: { type: "exec", command: ["ls"], env: {} } },
    item: { type: "local_shell_call_output", output: "a.txt" },
    closed: { output: expect.stringContaining("not known") }
  },
  shell_call: {
    call: { action: { commands: ["ls"] }, environment: { type: "local" } },
    item: {
      type: "shell_call_output",
      output: [{ stdout: "a.txt", stderr: "", outcome: { type: "exit", exit_code: 0 } }]
    },
    closed: { output: [{ stderr: expect.stringContaining("not known"), outcome: { type: "exit", exit_code: 1 } }] }
  },
  apply_patch_call: {
    call: { operation: { type: "delete_file", path: "a.txt" } },
    item: { type: "apply_patch_call_output", status: "completed" },
    closed: { status: "failed", output: expect.stringContaining("not known") }
  },
  computer_call: {
    call: { action: { type: "screenshot" }, pending_safety_checks: [] },
    item: { type: "computer_call_output", output: screen },
    closed: { output: { type: "computer_screenshot" } }
  }
} as const

const LocalShell = Tool.providerDefined({
  id: "openai.local_shell",
  toolkitName: "LocalShell",
  providerName: "local_shell",
  args: {}
})
const shells = Toolkit.make(Tool.make("own", { success: Schema.String }), LocalShell({}))

const asking = { type: "mcp", server_label: "wiki", server_url: "https://wiki.test", require_approval: "always" }

const raws = (items: ReadonlyArray<Thread.Item>, type: string) =>
  items.flatMap((item) => item._tag === "Unknown" && item.type === type ? [item.raw] : [])

const asked = Effect.flatMap(
  Simulator.Simulator,
  (simulator) =>
    Effect.map(
      simulator.requests,
      (requests) => requests.flatMap(({ body, path }) => path === "/responses" ? [body] : [])
    )
)

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  const over = (script: Script.Script) => Effect.provide(threads(script, { store }))

  describe(`what waits, ${store}`, () => {
    for (const [type, { call, closed, item }] of Object.entries(kinds)) {
      const wait = Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const { pending, status } = yield* Run.result(service.run(id, { message: "Go" }))
        expect(status).toBe("requires_action")
        expect(pending).toMatchObject([{ _tag: "PendingItem", type, raw: { type, ...call } }])
        const [one] = pending
        if (one?._tag !== "PendingItem") throw new Error("it does not wait")
        return { id, callId: one.callId }
      })

      it.effect(`${type}: is answered by its item`, () =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { callId, id } = yield* wait
          const busy = yield* Effect.flip(Run.result(service.run(id, { message: "And now?" })))
          expect(busy).toMatchObject({ _tag: "ThreadBusy", why: "requires_action" })
          const asText = yield* Effect.flip(Run.result(service.submit(id, [{ callId, output: "x" }])))
          expect(asText).toMatchObject({ _tag: "InvalidInput", field: "answers" })
          expect(yield* Run.text(service.submit(id, [{ callId, item }]))).toBe("Fine.")
          const [answered] = raws(yield* collect(service.items(id)), item.type)
          expect(answered).toMatchObject({ ...item, call_id: callId })
          expect(yield* Run.text(service.run(id, { message: "And then?" }))).toBe("Then.")
        }).pipe(over([Script.toolCall(type, call), "Fine.", "Then."])))

      it.effect(`law 3: ${type}: is closed by whoever wants the thread to go on`, () =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { callId, id } = yield* wait
          expect(yield* service.reconcile(id)).toEqual({ closed: [callId], removed: [] })
          const [answered] = raws(yield* collect(service.items(id)), item.type)
          expect(answered).toMatchObject({ ...closed, call_id: callId })
          expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine.")
          const again = yield* wait
          expect(yield* Run.text(service.run(again.id, { onPending: "close" }))).toBe("Fine.")
        }).pipe(over([Script.toolCall(type, call), "Fine.", Script.toolCall(type, call), "Fine."])))
    }

    it.effect("a tool without a handler waits beside one that has one", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const first = yield* Run.result(service.run(id, { message: "Go", toolkit: shells }))
        expect(first.pending).toMatchObject([{ _tag: "PendingItem", type: "local_shell_call" }])
        expect((yield* asked).at(-1)).toMatchObject({
          tools: [{ type: "function", name: "own" }, { type: "local_shell" }]
        })
        const [one] = first.pending
        if (one?._tag !== "PendingItem") throw new Error("it does not wait")
        const { callId } = one
        const { item } = kinds.local_shell_call
        expect(yield* Run.text(service.submit(id, [{ callId, item }], { toolkit: shells }))).toBe("Fine.")
        const tags = (yield* collect(service.items(id))).map((item) => item._tag)
        expect(tags.filter((tag) => tag === "FunctionCallOutput")).toHaveLength(1)
      }).pipe(
        Effect.provide(shells.toLayer({ own: () => Effect.succeed("made") })),
        over([
          Script.turn([
            Script.functionCall("own", {}),
            Script.toolCall("local_shell_call", kinds.local_shell_call.call)
          ]),
          "Fine."
        ])
      ))

    it.effect("a shell that OpenAI runs answers itself", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const result = yield* Run.result(service.run(id, { message: "Go" }))
        expect(result).toMatchObject({ status: "completed", text: "Done." })
        expect(yield* service.pending(id)).toEqual([])
      }).pipe(over([Script.turn([
        Script.toolCall("shell_call", { call_id: "call_1", environment: { type: "container_reference" } }),
        Script.toolCall("shell_call_output", { call_id: "call_1", output: [] }),
        Script.text("Done.")
      ])])))

    it.effect("a call that is marked async does not wait", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const result = yield* Run.result(service.run(id, { message: "Go" }))
        expect(result).toMatchObject({ status: "completed", pending: [] })
        expect(yield* service.pending(id)).toEqual([])
        expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine.")
      }).pipe(over([Script.functionCall("later", {}, { async: true }), "Fine."])))

    const askedForApproval = Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const { pending } = yield* Run.result(service.run(id, { message: "Go" }))
      const [one] = pending
      if (one?._tag !== "PendingApproval") throw new Error("nobody asks")
      return { id, approvalId: one.itemId }
    })

    it.effect("what an MCP server asks for waits, until it is answered", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const { approvalId, id } = yield* askedForApproval
        for (let times = 0; times < 2; times++) {
          const busy = yield* Effect.flip(Run.result(service.run(id, { message: "And now?" })))
          expect(busy).toMatchObject({ _tag: "ThreadBusy", why: "requires_action" })
        }
        const unknown = [{ approvalId: Thread.ItemId.make("mcpr_x"), approve: true }]
        expect(yield* Effect.flip(Run.result(service.submit(id, unknown)))).toMatchObject({ _tag: "InvalidInput" })
        expect(yield* Run.text(service.submit(id, [{ approvalId, approve: true }]))).toBe("Found.")
        const twice = yield* Effect.flip(Run.result(service.submit(id, [{ approvalId, approve: true }])))
        expect(twice).toMatchObject({ _tag: "InvalidInput", field: "answers" })
        expect(yield* Run.text(service.run(id, { message: "And then?" }))).toBe("Fine.")
      }).pipe(over([Script.approvalRequest("search", { q: "x" }), "Found.", "Fine."])))

    it.effect("what an MCP server asks for is closed where a run says so, and by reconcile", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const first = yield* askedForApproval
        expect(yield* Run.text(service.run(first.id, { onPending: "close" }))).toBe("Fine.")
        const second = yield* askedForApproval
        expect(yield* service.reconcile(second.id)).toEqual({ closed: [second.approvalId], removed: [] })
        expect(yield* Run.text(service.run(second.id))).toBe("Fine.")
        for (const { approvalId, id } of [first, second]) {
          expect(raws(yield* collect(service.items(id)), "mcp_approval_response")).toMatchObject([
            { approval_request_id: approvalId, approve: false, reason: expect.stringContaining("nobody") }
          ])
        }
      }).pipe(over([Script.approvalRequest("search", {}), "Fine.", Script.approvalRequest("search", {}), "Fine."])))

    if (store === "conversations") {
      it.effect("what an MCP server asks for waits for another process too", () =>
        Effect.gen(function*() {
          const { approvalId, id } = yield* askedForApproval
          const other = yield* Effect.provide(
            Threads.Threads,
            Layer.fresh(Layer.provide(Threads.layer, [
              ThreadStore.layerConversations,
              Assistants.layer([Assistant.make({ ...analyst, tools: [asking] })])
            ]))
          )
          const busy = yield* Effect.flip(Run.result(other.run(id, { message: "And now?" })))
          expect(busy).toMatchObject({ _tag: "ThreadBusy", why: "requires_action" })
          expect(yield* Run.text(other.submit(id, [{ approvalId, approve: true }]))).toBe("Found.")
          expect(yield* Run.text(other.run(id, { message: "And then?" }))).toBe("Fine.")
        }).pipe(over([Script.approvalRequest("search", {}), "Found.", "Fine."])))

      it.effect.each([
        { tool: { ...asking, require_approval: "never" }, times: 0 },
        { tool: asking, times: 1 }
      ])("a thread is read before a run whose server may ask: %o", ({ times, tool }) =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const simulator = yield* Simulator.Simulator
          const { id } = yield* service.create()
          yield* Run.result(
            service.run(id, { message: "Go", assistant: Assistant.make({ ...analyst, tools: [tool] }) })
          )
          const read = (yield* simulator.requests).filter(({ method }) => method === "GET")
          expect(read).toHaveLength(times)
        }).pipe(over(["Fine."])))
    }

    it.effect("what somebody else has answered meanwhile does not wait", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const threadStore = yield* ThreadStore.ThreadStore
        const { approvalId, id } = yield* askedForApproval
        yield* threadStore.append(id, [
          { type: "mcp_approval_response", approval_request_id: approvalId, approve: true }
        ])
        expect(yield* Run.text(service.run(id))).toBe("Found.")
      }).pipe(over([Script.approvalRequest("search", {}), "Found."])))

    const kit = Toolkit.make(Tool.make("own", { success: Schema.String }))
    const handlers = kit.toLayer({ own: () => Effect.succeed("made") })

    /** A call as a run leaves it that died. */
    const left = Effect.fnUntraced(
      function*(name: string, log: RunLog.Service, known: "Intended" | "Started" | "Done") {
        const service = yield* Threads.Threads
        const threadStore = yield* ThreadStore.ThreadStore
        const { id } = yield* service.create({ messages: ["Go"] })
        const callId = Thread.CallId.make("call_1")
        yield* threadStore.append(id, [{ type: "function_call", call_id: callId, name, arguments: "{}" }])
        const call = { threadId: id, runId: Thread.RunId.make("run_1"), callId }
        yield* log.intend([call])
        if (known !== "Intended") yield* log.start(call)
        if (known === "Done") yield* log.finish(call, { output: "what it gave", isFailure: false })
        return id
      }
    )
    const outputs = (id: Thread.ThreadId) =>
      Effect.flatMap(
        Threads.Threads,
        (service) =>
          Effect.map(collect(service.items(id)), (items) =>
            items.flatMap((item) => item._tag === "FunctionCallOutput" ? [String(item.output)] : []))
      )

    it.effect("what is closed is told what a log remembers of it", () =>
      Effect.gen(function*() {
        const service = yield* Threads.Threads
        const log = yield* RunLog.RunLog
        const cases = [
          ["theirs", "Done", "what it gave", "what it gave"],
          ["theirs", "Started", "not known", "not known"],
          ["theirs", "Intended", "nobody has answered", "not known"],
          ["own", "Done", "what it gave", "what it gave"],
          ["own", "Started", "not known", "not known"],
          ["own", "Intended", "made", "not known"]
        ] as const
        for (const [name, known, closed, reconciled] of cases) {
          const first = yield* left(name, log, known)
          expect(
            yield* Run.text(service.run(first, { onPending: "close", ...(name === "own" ? { toolkit: kit } : {}) }))
          ).toBe("Fine.")
          expect(yield* outputs(first)).toEqual([expect.stringContaining(closed)])
          const second = yield* left(name, log, known)
          yield* service.reconcile(second)
          expect(yield* outputs(second)).toEqual([expect.stringContaining(reconciled)])
        }
        const unknown = yield* Effect.provideService(left("theirs", RunLog.none, "Done"), RunLog.RunLog, RunLog.none)
        expect(yield* Run.text(service.run(unknown, { onPending: "close" }))).toBe("Fine.")
        expect(yield* outputs(unknown)).toEqual([expect.stringContaining("not carried out")])
      }).pipe(
        (test) => Effect.flatMap(RunLog.makeMemory, (log) => Effect.provideService(test, RunLog.RunLog, log)),
        Effect.provide(handlers),
        over([Script.always("Fine.")])
      ))
  })
}

describe("the simulated OpenAI", () => {
  it.effect("refuses an approval of what nobody asked for", () =>
    Effect.gen(function*() {
      const openai = yield* OpenAI.OpenAI
      const item = { type: "mcp_approval_response", approval_request_id: "mcpr_x", approve: true } as const
      const error = yield* Effect.flip(openai.responses.create({ model: "test-model", input: [item] }))
      expect(error).toMatchObject({ _tag: "InvalidRequest", kind: "orphanOutput" })
    }).pipe(Effect.provide(threads([]))))
})

it.effect("law 13: a run on a thread whose approvals are given costs no reading", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const answers: Record<string, (id: Thread.ThreadId) => Effect.Effect<Run.RunResult, unknown>> = {
      "by the run": (id) =>
        Run.result(service.run(id, { message: "Go", approve: () => Effect.succeed({ approve: true }) })),
      "by somebody": (id) =>
        Effect.flatMap(Run.result(service.run(id, { message: "Go" })), ({ pending }) =>
          Run.result(service.submit(
            id,
            pending.flatMap((one) => one._tag === "PendingApproval" ? [{ approvalId: one.itemId, approve: true }] : [])
          )))
    }
    for (const answer of Object.values(answers)) {
      const { id } = yield* service.create()
      expect((yield* answer(id)).text).toBe("Found.")
      const before = (yield* simulator.requests).length
      yield* Run.result(service.run(id))
      expect((yield* simulator.requests).slice(before).map(({ path }) => path)).toEqual(["/responses"])
    }
  }).pipe(Effect.provide(threads([
    Script.approvalRequest("search", {}),
    "Found.",
    "Fine.",
    Script.approvalRequest("search", {}),
    "Found.",
    "Fine."
  ]))))
