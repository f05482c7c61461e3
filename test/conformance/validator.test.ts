/** That the judge of requests can say no: what it lets pass is worth nothing otherwise. */
import { describe, expect, it } from "@effect/vitest"
import { isMissing, read, suiteName } from "./document.ts"
import { make } from "./validator.ts"

const user = { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] }
const many = (count: number) => Array.from({ length: count }, () => user)

describe.skipIf(isMissing)(suiteName("the judge of requests"), () => {
  const judge = isMissing ? () => ({ operation: "", problems: [] }) : make(read())

  const post = (path: string, body: unknown) => judge({ method: "POST", path, query: {}, body })
  const respond = (body: object) => post("/responses", { model: "m", conversation: "conv_1", ...body })
  const append = (item: object) => post("/conversations/conv_1/items", { items: [item] })
  const list = (query: Record<string, string>) =>
    judge({ method: "GET", path: "/conversations/conv_1/items", query, body: undefined })

  const conforming = {
    "20 items": () => post("/conversations", { items: many(20) }),
    "no body where none is needed": () => post("/conversations", undefined),
    "16 tokens": () => respond({ max_output_tokens: 16 }),
    "a message of each role": () =>
      respond({ input: ["user", "assistant", "system", "developer"].map((role) => ({ ...user, role })) }),
    "an output": () => append({ type: "function_call_output", call_id: "call_1", output: "done" }),
    "an approval": () => append({ type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true }),
    "a page": () => list({ limit: "100", order: "asc", after: "msg_1" }),
    "the path that is named before the one with a parameter": () => post("/responses/input_tokens", { model: "m" })
  }
  for (const [name, judged] of Object.entries(conforming)) {
    it(`accepts ${name}`, () => expect(judged().problems).toEqual([]))
  }

  it("names the operation", () => {
    expect(append(user).operation).toBe("POST /conversations/{conversation_id}/items")
    expect(post("/responses/input_tokens", {}).operation).toBe("POST /responses/input_tokens")
  })

  const wrong = {
    "21 items of a new conversation": [() => post("/conversations", { items: many(21) }), "body/items"],
    "21 items": [() => post("/conversations/conv_1/items", { items: many(21) }), "body/items"],
    "15 tokens": [() => respond({ max_output_tokens: 15 }), "body/max_output_tokens"],
    "a temperature above 2": [() => respond({ temperature: 2.1 }), "body/temperature"],
    "an effort that is none": [() => respond({ reasoning: { effort: "some" } }), "body/reasoning"],
    "a verbosity that is none": [() => respond({ text: { verbosity: "loud" } }), "body/text"],
    "an include that is none": [() => respond({ include: ["everything"] }), "body/include"],
    "metadata that is no string": [() => respond({ metadata: { a: 1 } }), "body/metadata"],
    "a parameter that does not exist": [() => respond({ max_tokens: 100 }), "max_tokens"],
    "a tool that does not exist": [() => respond({ tools: [{ type: "calculator" }] }), "body/tools/0"],
    "a code interpreter without a container": [
      () => respond({ tools: [{ type: "code_interpreter" }] }),
      "body/tools/0"
    ],
    "a function without a name": [
      () => respond({ tools: [{ type: "function", strict: true, parameters: {} }] }),
      "body/tools/0"
    ],
    "an unknown role": [() => append({ ...user, role: "nobody" }), "body/items/0"],
    "an unknown item": [() => append({ ...user, type: "note" }), "body/items/0"],
    "an unknown item with an id": [() => append({ id: "x", note: "Hi" }), "body/items/0"],
    "an unknown part": [() => append({ ...user, content: [{ type: "text", text: "Hi" }] }), "body/items/0"],
    "an image without detail": [
      () => append({ ...user, content: [{ type: "input_image", file_id: "file-1" }] }),
      "body/items/0"
    ],
    "a field of an item that does not exist": [() => append({ ...user, rôle: "user" }), "body/items/0"],
    "a field of a part that does not exist": [
      () => append({ ...user, content: [{ type: "input_text", text: "Hi", detail: "low" }] }),
      "body/items/0"
    ],
    "an output without output": [() => append({ type: "function_call_output", call_id: "call_1" }), "body/items/0"],
    "a call that has lost its call id": [
      () => respond({ input: [{ type: "function_call", name: "f", arguments: "{}" }] }),
      "body/input/0"
    ],
    "reasoning that has lost its summary": [
      () => respond({ input: [{ type: "reasoning", encrypted_content: "g" }] }),
      "body/input/0"
    ],
    "an approval of nothing": [() => append({ type: "mcp_approval_response", approve: true }), "body/items/0"],
    "no items": [() => post("/conversations/conv_1/items", {}), "'items'"],
    "no body": [() => post("/conversations/conv_1/items", undefined), "body"],
    "a body where none is taken": [() => post("/responses/resp_1/cancel", {}), "body"],
    "a limit that is no number": [() => list({ limit: "all" }), "query/limit"],
    "an order that is none": [() => list({ order: "up" }), "query/order"],
    "a query that does not exist": [() => list({ before: "msg_1" }), "before"],
    "a path that does not exist": [() => post("/threads", {}), "no operation"],
    "an empty id": [() => post("/conversations//items", { items: [] }), "no operation"]
  } as const
  for (const [name, [judged, where]] of Object.entries(wrong)) {
    it(`rejects ${name}`, () => expect(judged().problems.join("\n")).toContain(where))
  }
})
