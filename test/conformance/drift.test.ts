/**
 * What OpenAI can say and what we make of it are in step. That the tables have every name of the SDK is checked by the
 * compiler (`known.ts`, `test/types/drift.test-d.ts`); here, that the library does what they say, and that OpenAI's
 * OpenAPI document has no other names.
 */
import { describe, expect, it } from "@effect/vitest"
import { Run, Thread, Threads } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ConversationItem } from "openai/resources/conversations/items"
import { toItem } from "../../src/internal/items.ts"
import { isKnown, wireEvents } from "../../src/internal/wireEvents.ts"
import { threads } from "../support/layers.ts"
import { isMissing, type OpenApi, propertyOf, read, suiteName, typesOf, valuesOf } from "./document.ts"
import { details, errorCodes, items, reasons, roles, statuses, verbosities } from "./known.ts"

/** One item of each type that is not `Unknown` to us, as the SDK's types have it. */
const samples: {
  readonly [K in ConversationItem["type"] as typeof items[K] extends "Unknown" ? never : K]: Extract<
    ConversationItem,
    { readonly type: K }
  >
} = {
  message: { type: "message", id: "msg_1", role: "user", status: "completed", content: [] },
  function_call: {
    type: "function_call",
    id: "fc_1",
    call_id: "call_1",
    name: "f",
    arguments: "{}",
    status: "completed"
  },
  function_call_output: {
    type: "function_call_output",
    id: "fco_1",
    call_id: "call_1",
    output: "done",
    status: "completed"
  },
  reasoning: { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Well." }] },
  mcp_approval_request: {
    type: "mcp_approval_request",
    id: "mcpr_1",
    server_label: "wiki",
    name: "search",
    arguments: "{}"
  },
  web_search_call: {
    type: "web_search_call",
    id: "ws_1",
    status: "completed",
    action: { type: "search", query: "Lima" }
  },
  file_search_call: { type: "file_search_call", id: "fs_1", status: "completed", queries: ["Lima"] },
  code_interpreter_call: {
    type: "code_interpreter_call",
    id: "ci_1",
    status: "completed",
    code: "1",
    container_id: "cntr_1",
    outputs: null
  },
  image_generation_call: { type: "image_generation_call", id: "ig_1", status: "completed", result: "AQID" },
  mcp_call: { type: "mcp_call", id: "mcp_1", server_label: "wiki", name: "search", arguments: "{}" },
  mcp_list_tools: { type: "mcp_list_tools", id: "mcpl_1", server_label: "wiki", tools: [] },
  computer_call: {
    type: "computer_call",
    id: "cu_1",
    call_id: "call_1",
    status: "completed",
    pending_safety_checks: []
  },
  local_shell_call: {
    type: "local_shell_call",
    id: "lsh_1",
    call_id: "call_1",
    status: "completed",
    action: { type: "exec", command: ["ls"], env: {} }
  },
  shell_call: {
    type: "shell_call",
    id: "sh_1",
    call_id: "call_1",
    status: "completed",
    environment: null,
    action: { commands: ["ls"], max_output_length: null, timeout_ms: null }
  },
  apply_patch_call: {
    type: "apply_patch_call",
    id: "apc_1",
    call_id: "call_1",
    status: "completed",
    operation: { type: "delete_file", path: "a.txt" }
  },
  tool_search_call: {
    type: "tool_search_call",
    id: "tsc_1",
    call_id: null,
    status: "completed",
    arguments: {},
    execution: "server"
  }
}

describe("what the SDK knows", () => {
  it("an event of the table is known, any other is not", () => {
    for (const type of Object.keys(wireEvents)) expect(isKnown({ type }), type).toBe(true)
    expect(isKnown({ type: "response.new" })).toBe(false)
  })

  for (const [type, tag] of Object.entries(items)) {
    it(`an item of type ${type} is ${tag}`, () => {
      const raw = type in samples ? samples[type as keyof typeof samples] : { type, id: "item_1", call_id: "call_1" }
      const item = toItem(raw)
      expect(item._tag).toBe(tag)
      expect(Schema.is(Thread.Item)(item)).toBe(true)
      if (item._tag === "Unknown") expect(item).toEqual({ _tag: "Unknown", id: "item_1", type, raw })
    })
  }

  for (const role of Object.keys(roles)) {
    it(`a message of the role ${role} can be read`, () =>
      expect(toItem({ ...samples.message, role })).toMatchObject({ _tag: "Message", role }))
  }

  const end = (part: Script.Part) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      return yield* Effect.flip(Run.text(service.run(id, { message: "Hi" })))
    }).pipe(Effect.provide(threads([part])))

  for (const [code, tag] of Object.entries(errorCodes)) {
    it.effect(`a response that failed with ${code} is ${tag}`, () =>
      Effect.gen(function*() {
        const error = yield* end(Script.failure(code))
        expect(error).toMatchObject(tag === "RunFailed" ? { _tag: tag, code } : { _tag: tag })
      }))
  }

  for (const [reason, tag] of Object.entries(reasons)) {
    it.effect(`a response that is incomplete for ${reason} is ${tag}`, () =>
      Effect.gen(function*() {
        expect(yield* end(Script.incomplete(reason))).toMatchObject({ _tag: tag, reason })
      }))
  }
})

describe.skipIf(isMissing)(suiteName("what the OpenAPI document knows"), () => {
  const document = isMissing ? undefined : read()
  const response = (document: OpenApi) => document.components.schemas["Response"]
  const component = (name: string) => (document: OpenApi) => document.components.schemas[name]

  /** Where the SDK is ahead of the document: an entry that has become wrong fails too. */
  const cases: Record<string, {
    readonly ours: object
    readonly theirs: (document: OpenApi) => ReadonlyArray<unknown>
    readonly ahead?: ReadonlyArray<string>
  }> = {
    "stream events": {
      ours: wireEvents,
      theirs: (document) => typesOf(document, component("ResponseStreamEvent")(document)),
      ahead: ["response.compaction.compacting"]
    },
    "items of a conversation": {
      ours: items,
      theirs: (document) => typesOf(document, component("ConversationItem")(document)),
      ahead: ["configuration_update"]
    },
    "items of an answer": {
      ours: items,
      theirs: (document) => typesOf(document, component("OutputItem")(document)),
      ahead: ["configuration_update"]
    },
    "statuses of a response": {
      ours: statuses,
      theirs: (document) => valuesOf(document, propertyOf(document, response(document), "status"))
    },
    "error codes of a response": {
      ours: errorCodes,
      theirs: (document) => valuesOf(document, component("ResponseErrorCode")(document)),
      ahead: ["misalignment_policy_violation"]
    },
    "reasons of an incomplete response": {
      ours: reasons,
      theirs: (document) =>
        valuesOf(
          document,
          propertyOf(document, propertyOf(document, response(document), "incomplete_details"), "reason")
        ),
      ahead: ["max_messages", "steered"]
    },
    "roles that are read": {
      ours: roles,
      theirs: (document) => valuesOf(document, component("MessageRole")(document))
    },
    "roles that are written": {
      ours: Object.fromEntries(Object.entries(roles).filter(([, use]) => use === "written")),
      theirs: (document) => valuesOf(document, propertyOf(document, component("EasyInputMessage")(document), "role"))
    },
    "details of an image": {
      ours: details,
      theirs: (document) => valuesOf(document, component("ImageDetail")(document))
    },
    "verbosities": {
      ours: verbosities,
      theirs: (document) => valuesOf(document, component("Verbosity")(document))
    }
  }

  for (const [name, { ahead = [], ours, theirs }] of Object.entries(cases)) {
    it(`${name} are ours`, () => {
      const names = theirs(document!)
      expect([...new Set([...names, ...ahead])].sort()).toEqual(Object.keys(ours).sort())
      expect(names.filter((name) => ahead.includes(String(name)))).toEqual([])
    })
  }
})
