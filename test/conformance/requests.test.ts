/** Every request that the library sends is one that OpenAI's OpenAPI document describes. */
import { describe, expect, it } from "@effect/vitest"
import { Assistant, OpenAI, Run, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import type { ResponseInputItem } from "openai/resources/responses/responses"
import { stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { isMissing, suiteName } from "./document.ts"
import { operations } from "./operations.ts"

const users = (count: number): ReadonlyArray<ResponseInputItem> =>
  Array.from({ length: count }, (_, index) => ({ type: "message", role: "user", content: `message ${index}` }))

const always = [Script.always("Hello.")]

describe.skipIf(isMissing)(suiteName("requests of OpenAI conform"), () => {
  type Case<A> = (openai: OpenAI.Service) => Effect.Effect<A, unknown>
  interface Expected {
    readonly run: Case<unknown>
    readonly operations: ReadonlyArray<string>
  }
  const create = "POST /conversations"
  const respond = "POST /responses"
  const appended = "POST /conversations/{conversation_id}/items"

  const inThread =
    <A>(f: (id: Thread.ThreadId, openai: OpenAI.Service) => Effect.Effect<A, unknown>): Case<A> => (openai) =>
      Effect.flatMap(openai.conversations.create(), ({ id }) => f(id as Thread.ThreadId, openai))

  const inBackground =
    <A>(f: (id: Thread.ResponseId, openai: OpenAI.Service) => Effect.Effect<A, unknown>): Case<A> => (openai) =>
      Effect.flatMap(
        openai.responses.create({ model: "m", input: "Hi", background: true }),
        ({ id }) => f(Thread.ResponseId.make(id), openai)
      )

  const withItem = <A>(
    f: (id: Thread.ThreadId, itemId: Thread.ItemId, openai: OpenAI.Service) => Effect.Effect<A, unknown>
  ): Case<A> =>
    inThread((id, openai) =>
      Effect.flatMap(
        openai.conversations.createItems(id, users(1)),
        ([item]) => f(id, Thread.ItemId.make(item!.id!), openai)
      )
    )

  const conversations: Record<keyof OpenAI.Conversations, Expected> = {
    create: {
      run: ({ conversations }) => conversations.create({ metadata: { a: "1" }, items: users(45) }),
      operations: [create, appended, appended]
    },
    retrieve: {
      run: inThread((id, { conversations }) => conversations.retrieve(id)),
      operations: [create, "GET /conversations/{conversation_id}"]
    },
    update: {
      run: inThread((id, { conversations }) => conversations.update(id, { metadata: { a: "1" } })),
      operations: [create, "POST /conversations/{conversation_id}"]
    },
    delete: {
      run: inThread((id, { conversations }) => conversations.delete(id)),
      operations: [create, "DELETE /conversations/{conversation_id}"]
    },
    createItems: {
      run: inThread((id, { conversations }) => conversations.createItems(id, users(41))),
      operations: [create, appended, appended, appended]
    },
    listItems: {
      run: inThread((id, { conversations }) =>
        Effect.gen(function*() {
          const [first] = yield* conversations.createItems(id, users(101))
          const include = ["web_search_call.action.sources", "code_interpreter_call.outputs"]
          const last = conversations.listItems(id, { order: "desc", after: Thread.ItemId.make(first!.id!), include })
          expect(yield* collect(conversations.listItems(id))).toHaveLength(101)
          expect(yield* collect(last)).toHaveLength(0)
        })
      ),
      operations: [
        create,
        ...Array.from({ length: 6 }, () => appended),
        ...Array.from({ length: 3 }, () => "GET /conversations/{conversation_id}/items")
      ]
    },
    retrieveItem: {
      run: withItem((id, itemId, { conversations }) => conversations.retrieveItem(id, itemId, { include: [] })),
      operations: [create, appended, "GET /conversations/{conversation_id}/items/{item_id}"]
    },
    deleteItem: {
      run: withItem((id, itemId, { conversations }) => conversations.deleteItem(id, itemId)),
      operations: [create, appended, "DELETE /conversations/{conversation_id}/items/{item_id}"]
    }
  }

  const responses: Record<keyof OpenAI.Responses, Expected> = {
    create: {
      run: ({ responses }) => responses.create({ model: "m", input: "Hi" }),
      operations: [respond]
    },
    stream: {
      run: ({ responses }) => collect(responses.stream({ model: "m", input: "Hi" })),
      operations: [respond]
    },
    retrieve: {
      run: inBackground((id, { responses }) => responses.retrieve(id, { include: ["file_search_call.results"] })),
      operations: [respond, "GET /responses/{response_id}"]
    },
    resume: {
      run: ({ responses }) =>
        Effect.gen(function*() {
          const events = yield* collect(responses.stream({ model: "m", input: "Hi", background: true }))
          const [created] = events as ReadonlyArray<{ readonly response?: { readonly id: string } }>
          const id = Thread.ResponseId.make(created!.response!.id)
          const rest = yield* collect(responses.resume(id, { startingAfter: 2 }))
          expect(rest.map((event) => event.sequence_number)).toEqual(
            events.slice(3).map((event) => event.sequence_number)
          )
        }),
      operations: [respond, "GET /responses/{response_id}"]
    },
    cancel: {
      run: inBackground((id, { responses }) => responses.cancel(id)),
      operations: [respond, "POST /responses/{response_id}/cancel"]
    },
    delete: {
      run: inBackground((id, { responses }) => responses.delete(id)),
      operations: [respond, "DELETE /responses/{response_id}"]
    },
    countInputTokens: {
      run: ({ responses }) =>
        responses.countInputTokens({ model: "m", input: [...users(2)], instructions: "Be brief.", tools: [] }),
      operations: ["POST /responses/input_tokens"]
    }
  }

  for (const [group, cases] of Object.entries({ conversations, responses })) {
    for (const [name, expected] of Object.entries(cases)) {
      it.effect(`${group}.${name}`, () =>
        Effect.gen(function*() {
          yield* expected.run(yield* OpenAI.OpenAI)
          expect(yield* operations).toEqual(expected.operations)
        }).pipe(Effect.provide(OpenAITest.layer(always))))
    }
  }
})

const bytes = Uint8Array.of(1, 2, 3)
const parts: { readonly [Tag in Thread.PartInput["_tag"]]: ReadonlyArray<Thread.PartInput> } = {
  Text: [Thread.text("Hola, 世界")],
  ImageUrl: [Thread.imageUrl("https://example.com/a.png"), Thread.imageUrl("data:image/png;base64,AQID")],
  ImageFile: (["auto", "low", "high"] as const).map((detail) => Thread.imageFile("file-1", { detail })),
  ImageBytes: [Thread.imageBytes(bytes, { mediaType: "image/png" })],
  FileId: [Thread.fileId("file-1")],
  FileBytes: [Thread.fileBytes(bytes, { filename: "a.csv", mediaType: "text/csv" })]
}
const allParts = Object.values(parts).flat()
const roles: Record<Thread.Role, Thread.MessageInput> = {
  user: { role: "user", content: allParts },
  system: { role: "system", content: "Be brief." },
  developer: { role: "developer", content: [Thread.text("Be"), Thread.text("brief.")] },
  assistant: { role: "assistant", content: [Thread.text("Hello."), Thread.text("You.")] }
}

const tools: Record<string, Assistant.Tool> = {
  function: {
    type: "function",
    name: "get_weather",
    description: "The weather of a city",
    strict: true,
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false
    }
  },
  "function without strict": { type: "function", name: "now", parameters: { type: "object", properties: {} } },
  web_search: { type: "web_search", filters: { allowed_domains: ["example.com"] }, search_context_size: "low" },
  file_search: { type: "file_search", vector_store_ids: ["vs_1"], max_num_results: 3 },
  code_interpreter: { type: "code_interpreter", container: { type: "auto", file_ids: ["file-1"] } },
  "code_interpreter in a container": { type: "code_interpreter", container: "cntr_1" },
  mcp: { type: "mcp", server_label: "wiki", server_url: "https://example.com/mcp", require_approval: "always" },
  image_generation: { type: "image_generation", size: "1024x1024", quality: "low", partial_images: 1 }
}

/** A new setting or option has to be here, so that it is judged too. */
const sampling: Required<Assistant.Sampling> = {
  temperature: 0.5,
  topP: 0.9,
  maxOutputTokens: 16,
  reasoning: { effort: "low", summary: "auto" },
  verbosity: "low"
}
const options: Required<Threads.RunOptions<Record<string, never>>> = {
  ...sampling,
  assistant: Assistant.make({ id: "other", instructions: "Be thorough.", metadata: { by: "assistant" } }),
  message: roles.user,
  model: "other-model",
  instructions: "Be brief.",
  additionalInstructions: "Answer in Spanish.",
  metadata: { by: "run", of: "test" },
  onBusy: "reject",
  busyTimeout: "1 minute",
  maxQueued: 10,
  keepPartial: false,
  idleTimeout: "1 minute",
  timeout: "10 minutes",
  onStop: "cancel",
  toolkit: undefined,
  background: false,
  include: ["web_search_call.action.sources", "message.output_text.logprobs"],
  toolChoice: undefined,
  toolConcurrency: 1,
  toolTimeout: "1 minute",
  onToolDefect: "inform",
  approve: undefined,
  onPending: "reject",
  maxSteps: 1,
  output: undefined
}

const toAnswer = (pending: RunEvent.Pending, index: number): Threads.Answer =>
  pending._tag === "PendingCall"
    ? { callId: pending.call.callId, output: "{}" }
    : { approvalId: pending.itemId, approve: index === 0, ...(index === 0 ? {} : { reason: "Too dear." }) }

/** What tools that OpenAI runs leave in a thread. */
const hosted = {
  web_search_call: Script.hostedTool("web_search", { query: "Lima" }),
  file_search_call: Script.hostedTool("file_search", { queries: ["Lima"] }),
  code_interpreter_call: Script.hostedTool("code_interpreter", { code: "1 + 1" }),
  image_generation_call: Script.hostedTool("image_generation", { result: "AQID" }),
  mcp_list_tools: Script.hostedTool("mcp_list_tools", {
    tools: [{ name: "search", input_schema: { type: "object" } }]
  }),
  mcp_call: Script.hostedTool("mcp", { name: "search", arguments: { query: "Lima" }, output: "Lima is a city." })
}

describe.skipIf(isMissing)(suiteName("requests of Threads conform"), () => {
  for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
    describe(store, () => {
      /** Runs, and gives the bodies that were sent to the model. */
      const asked = (
        script: Script.Script,
        f: (service: Threads.Service, id: Thread.ThreadId) => Effect.Effect<unknown, unknown, Simulator.Simulator>
      ) =>
        Effect.gen(function*() {
          const service = yield* Threads.Threads
          const { id } = yield* service.create({ metadata: { of: "test" } })
          yield* f(service, id)
          yield* operations
          const requests = yield* (yield* Simulator.Simulator).requests
          return requests.filter(({ path }) => path === "/responses").map(({ body }) =>
            body as { readonly [key: string]: unknown; readonly input?: ReadonlyArray<{ readonly type: string }> }
          )
        }).pipe(Effect.provide(threads(script, { store })))

      const typesIn = (body: { readonly input?: ReadonlyArray<{ readonly type: string }> } | undefined) =>
        body?.input?.map(({ type }) => type)

      for (const [role, message] of Object.entries(roles)) {
        it.effect(`a message of the ${role}, at the beginning, later, and with a run`, () =>
          Effect.gen(function*() {
            const bodies = yield* asked(always, (service, first) =>
              Effect.gen(function*() {
                const second = yield* service.create({ messages: [message, "Hi"] })
                yield* service.addMessage(first, message)
                yield* Run.text(service.run(first, { message }))
                yield* Run.text(service.run(second.id, { message }))
              }))
            expect(bodies).toHaveLength(2)
          }))
      }

      it.effect("more than 20 messages, read, changed and deleted", () =>
        Effect.gen(function*() {
          const bodies = yield* asked(always, (service) =>
            Effect.gen(function*() {
              const messages = Array.from({ length: 45 }, (_, index) => `message ${index}`)
              const { id } = yield* service.create({ messages })
              const read = yield* collect(service.messages(id))
              yield* collect(service.items(id, { order: "desc", after: read[3]!.id }))
              yield* service.update(id, { metadata: { a: "1", of: null } })
              yield* service.get(id)
              yield* Run.text(service.run(id))
              yield* service.delete(id)
            }))
          expect(bodies).toHaveLength(1)
        }))

      it.effect("a run with every option", () =>
        Effect.gen(function*() {
          const [body] = yield* asked(always, (service, id) => Run.text(service.run(id, options)))
          expect(body).toMatchObject({
            model: "other-model",
            instructions: "Be brief.\n\nAnswer in Spanish.",
            temperature: 0.5,
            top_p: 0.9,
            max_output_tokens: 16,
            reasoning: { effort: "low", summary: "auto" },
            text: { verbosity: "low" },
            include: expect.arrayContaining(["message.output_text.logprobs"]),
            metadata: { by: "run", of: "test" }
          })
        }))

      for (const [name, tool] of Object.entries(tools)) {
        it.effect(`the tool ${name}`, () =>
          Effect.gen(function*() {
            const assistant = Assistant.make({ id: "tools", model: "m", tools: [tool] })
            const [body] = yield* asked(
              always,
              (service, id) => Run.text(service.run(id, { assistant, message: "Hi" }))
            )
            expect(body?.["tools"]).toEqual([tool])
          }))
      }

      it.effect("outputs of calls, and what came before them", () =>
        Effect.gen(function*() {
          const script = [
            Script.turn([
              Script.reasoning("Two cities."),
              Script.functionCall("get_weather", { city: "Lima" }, { callId: "call_1" }),
              Script.functionCall("get_weather", "not JSON", { callId: "call_2" })
            ]),
            Script.turn([Script.reasoning(), "Sunny."]),
            "You are welcome."
          ]
          const bodies = yield* asked(script, (service, id) =>
            Effect.gen(function*() {
              const { pending } = yield* Run.result(service.run(id, { message: "Weather?" }))
              yield* Run.text(service.submit(id, pending.map(toAnswer), { instructions: "Be brief." }))
              yield* Run.text(service.run(id, { message: "Thanks." }))
            }))
          const outputs = ["function_call_output", "function_call_output"]
          const history = ["message", "reasoning", "function_call", "function_call", ...outputs]
          expect(bodies.map(typesIn)).toEqual(
            store === "memory"
              ? [["message"], history, [...history, "reasoning", "message", "message"]]
              : [undefined, outputs, undefined]
          )
        }))

      it.effect("answers to approvals", () =>
        Effect.gen(function*() {
          const ask = Script.turn([Script.approvalRequest("search", {}), Script.approvalRequest("search", {})])
          const bodies = yield* asked([ask, "Done."], (service, id) =>
            Effect.gen(function*() {
              const { pending } = yield* Run.result(service.run(id, { message: "Search." }))
              yield* Run.text(service.submit(id, pending.map(toAnswer)))
            }))
          expect(typesIn(bodies[1])?.slice(-2)).toEqual(["mcp_approval_response", "mcp_approval_response"])
        }))

      for (const [type, part] of Object.entries(hosted)) {
        it.effect(`what came after ${type}`, () =>
          Effect.gen(function*() {
            const bodies = yield* asked([Script.turn([part, "Found."]), "Again."], (service, id) =>
              Effect.gen(function*() {
                yield* Run.text(service.run(id, { message: "Search." }))
                yield* Run.text(service.run(id, { message: "Again." }))
              }))
            expect(typesIn(bodies[1])).toEqual(
              store === "memory" ? ["message", type, "message", "message"] : undefined
            )
          }))
      }

      it.effect("an answer that was refused, one that was cut off, and one that broke", () =>
        Effect.gen(function*() {
          const script = [
            Script.refusal("I cannot."),
            Script.turn([Script.text("Half of it"), Script.incomplete("max_output_tokens")]),
            Script.turn("A broken one", { fault: Script.cut({ afterEvents: 4 }) }),
            "Hello."
          ]
          const bodies = yield* asked(script, (service, id) =>
            Effect.gen(function*() {
              yield* Run.text(service.run(id, { message: "Do it." }))
              expect(yield* Effect.flip(Run.text(service.run(id)))).toMatchObject({ _tag: "RunIncomplete" })
              expect(yield* Effect.flip(Run.text(service.run(id)))).toMatchObject({ _tag: "ConnectionLost" })
              yield* Run.text(service.run(id, { message: "Again." }))
            }))
          expect(bodies).toHaveLength(4)
        }))
    })
  }
})
