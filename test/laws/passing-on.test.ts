import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { Cursor, Run, type RunEvent, Thread, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { inspect } from "node:util"
import { noRetries, threads } from "../support/layers.ts"
import { badEnd, collect, collectLogs, collectSpans, observe } from "../support/observe.ts"

const run = (turns: ReadonlyArray<Script.TurnInput>, store: "conversations" | "memory" = "conversations") =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const thread = yield* service.create()
    const seen = yield* observe(service.run(thread.id, { message: "Go on." }))
    return { seen, items: yield* collect(service.items(thread.id)) }
  }).pipe(Effect.provide(threads(turns, { store })))

describe("law 9: what is unknown", () => {
  it.effect("law 9: an event is passed on as it came", () =>
    Effect.gen(function*() {
      const { seen } = yield* run([
        Script.turn([Script.unknownEvent("response.hologram.delta", { beam: 7 }), Script.text("Hi")])
      ])
      expect(badEnd(seen)).toBeUndefined()
      const unknown = seen.events.find((event): event is RunEvent.Of<"Unknown"> => event._tag === "Unknown")
      expect(unknown).toMatchObject({ type: "response.hologram.delta", raw: { beam: 7 } })
    }))

  it.effect("law 9: a known event of another shape is passed on, not fatal", () =>
    Effect.gen(function*() {
      const odd = (event: object) => Script.raw(`data: ${JSON.stringify(event)}\n\n`)
      const { seen } = yield* run([
        Script.turn([
          odd({ type: "response.output_text.delta", sequence_number: 90, delta: 5 }),
          odd({ type: "response.output_item.done", sequence_number: 91, item: { type: "hologram", id: "h_1" } }),
          odd({ type: "response.output_item.done", sequence_number: 92 }),
          odd({ type: "response.created", sequence_number: 93 }),
          Script.text("Hi")
        ])
      ])
      expect(badEnd(seen)).toBeUndefined()
      expect(seen.error).toBeUndefined()
      expect(seen.tags.filter((tag) => tag === "Unknown")).toHaveLength(4)
    }))

  it.effect("law 9: hosted tools show their progress", () =>
    Effect.gen(function*() {
      const { items, seen } = yield* run([
        Script.turn([Script.hostedTool("web_search"), Script.hostedTool("code_interpreter"), Script.text("Found.")])
      ])
      expect(badEnd(seen)).toBeUndefined()
      const progress = seen.events.filter((event) => event._tag === "HostedToolProgress")
      expect(new Set(progress.map(({ tool }) => tool))).toEqual(new Set(["web_search", "code_interpreter"]))
      expect(progress.map(({ phase }) => phase)).toContain("searching")
      expect(items.filter((item) => item._tag === "HostedToolCall")).toHaveLength(2)
    }))
})

const secret = "sk-very-secret-key"
const content = "SENTINEL-CONTENT"

describe("law 10: secrets", () => {
  it.effect("law 10: no key and no content is in messages, JSON, inspection, logs or spans", () =>
    Effect.gen(function*() {
      const logs = collectLogs()
      const traced = collectSpans()
      const turns: ReadonlyArray<Script.TurnInput> = [
        Script.text(`${content} and more`),
        Script.turn([Script.text(content), Script.incomplete("max_output_tokens")]),
        Script.turn([Script.text(`${content} x y z`)], { fault: Script.cut({ afterEvents: 7 }) }),
        Script.turn([Script.text(content), Script.failure("invalid_prompt", `You said ${content}`)]),
        Script.httpError({ status: 400, code: "invalid_value", message: `Bad: ${content} ${secret}`, param: "input" }),
        Script.httpError({ status: 401, code: "invalid_api_key", message: `Incorrect API key: ${secret}` }),
        Script.turn([Script.garbage(`{"${content}`)]),
        Script.notSse(`<html>${content}</html>`, "text/html")
      ]
      const shown: Array<string> = []
      let failures = 0
      yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const thread = yield* service.create({ messages: [content] })
        for (const _ of turns) {
          const exit = yield* Effect.exit(
            Run.result(service.run(thread.id, { message: content, instructions: content }))
          )
          if (Exit.isSuccess(exit)) continue
          failures++
          yield* Effect.logError("the run failed", exit.cause)
          const error = Cause.failureOption(exit.cause)
          if (error._tag === "None") throw new Error("not a failure")
          yield* Effect.logError(error.value)
          shown.push(
            error.value.message,
            JSON.stringify(error.value),
            inspect(error.value, { depth: 9 }),
            Cause.pretty(exit.cause),
            JSON.stringify(exit)
          )
        }
      }).pipe(noRetries, Effect.provide(Layer.mergeAll(threads(turns), logs.layer, traced.layer)))
      expect(failures).toBe(turns.length - 1)
      // A tracer is handed the value of a success, but exporters read names, attributes, events and failures.
      const spans = traced.spans.map((span) => {
        const failed = span.status._tag === "Ended" && Exit.isFailure(span.status.exit) ? span.status.exit : undefined
        return inspect([span.name, [...span.attributes], failed], { depth: 9 }) + JSON.stringify(failed)
      })
      expect(spans.length).toBeGreaterThan(turns.length)
      for (const text of [...shown, ...logs.lines, ...spans]) {
        expect(text).not.toContain(content)
        expect(text).not.toContain(secret)
      }
    }))

  it.effect("law 10: the content that an error carries is in its field", () =>
    Effect.gen(function*() {
      const { seen } = yield* run([Script.turn([Script.text(content), Script.incomplete("max_output_tokens")])])
      expect(seen.error).toMatchObject({ partial: content })
      expect(String(Redacted.make(secret))).not.toContain(secret)
    }))
})

describe("spans", () => {
  it.effect("invoke_agent holds chat, which alone has the usage", () =>
    Effect.gen(function*() {
      const traced = collectSpans()
      const threadId = yield* Effect.gen(function*() {
        const service = yield* Threads.Threads
        const thread = yield* service.create()
        yield* Run.text(service.run(thread.id, { message: "Hi" }))
        yield* Effect.exit(Run.text(service.run(thread.id)))
        return thread.id
      }).pipe(
        Effect.provide(
          Layer.mergeAll(threads([Script.text("Hello"), Script.failure("server_error")]), traced.layer)
        )
      )
      const named = (name: string) => traced.spans.filter((span) => span.name === name)
      const [agent, failedAgent] = named("invoke_agent Analyst")
      const [chat, failedChat] = named("chat test-model")
      expect(Object.fromEntries(agent!.attributes)).toMatchObject({
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": "analyst",
        "gen_ai.conversation.id": threadId
      })
      expect([...agent!.attributes.keys()].filter((key) => key.includes("usage"))).toEqual([])
      expect(chat!.kind).toBe("client")
      expect(chat!.parent).toMatchObject({ value: { spanId: agent!.spanId } })
      expect(Object.fromEntries(chat!.attributes)).toMatchObject({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "test-model",
        "gen_ai.conversation.id": threadId,
        "gen_ai.usage.input_tokens": expect.any(Number),
        "gen_ai.usage.output_tokens": expect.any(Number),
        "gen_ai.response.id": expect.stringMatching(/^resp_/)
      })
      expect(failedAgent!.attributes.get("error.type")).toBe("RunFailed")
      expect(failedChat!.attributes.get("error.type")).toBe("server_error")
      expect(traced.spans.every((span) => span.status._tag === "Ended")).toBe(true)
      expect(traced.spans.every((span) => !span.name.startsWith("http"))).toBe(true)
    }))
})

describe("law 12: the same program over any store", () => {
  const program = Effect.gen(function*() {
    const service = yield* Threads.Threads
    const thread = yield* service.create({ metadata: { topic: "test" }, messages: ["Hello"] })
    yield* service.update(thread.id, { metadata: { more: "yes" } })
    const first = yield* Run.result(service.run(thread.id, { message: "And?" }))
    const call = yield* Run.result(service.run(thread.id, { message: "The time?" }))
    const [pending] = call.pending
    if (pending?._tag !== "PendingCall") throw new Error("no call is pending")
    const early = yield* Effect.flip(Run.text(service.run(thread.id)))
    const after = yield* Run.result(service.submit(thread.id, [{ callId: pending.call.callId, output: "noon" }]))
    const cut = yield* Effect.flip(Run.text(service.run(thread.id, { message: "Go on" })))
    const failed = yield* Effect.flip(Run.text(service.run(thread.id)))
    const last = yield* Run.text(service.run(thread.id))
    const messages = yield* collect(service.messages(thread.id))
    const items = yield* collect(service.items(thread.id, { order: "desc" }))
    const { metadata } = yield* service.get(thread.id)
    yield* service.delete(thread.id)
    const gone = yield* Effect.flip(service.get(thread.id))
    return {
      texts: [first.text, after.text, last],
      statuses: [first.status, call.status, after.status],
      errors: [early._tag, cut._tag, failed._tag, gone._tag],
      messages: messages.map((message) => [message.role, message.status, Thread.textOf(message)]),
      items: items.map((item) => item._tag),
      metadata
    }
  })

  const script: Script.Script = [
    Script.turn([Script.reasoning("thinking"), Script.text("First.")]),
    Script.turn([Script.reasoning("about time"), Script.functionCall("clock", {})]),
    Script.text("It is noon."),
    Script.turn([Script.text("Half of it")], { fault: Script.cut({ afterEvents: 5 }) }),
    Script.failure("server_error"),
    Script.text("Last.")
  ]

  it.effect("law 12: gives the same result on OpenAI's conversations and in memory", () =>
    Effect.gen(function*() {
      const conversations = yield* Effect.provide(program, threads(script))
      const memory = yield* Effect.provide(program, threads(script, { store: "memory" }))
      expect(memory).toEqual(conversations)
      expect(conversations.texts).toEqual(["First.", "It is noon.", "Last."])
      expect(conversations.errors).toEqual(["ThreadBusy", "ConnectionLost", "RunFailed", "ThreadNotFound"])
    }))

  it.effect("law 12: memory replays without ids and asks for encrypted reasoning", () =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const simulator = yield* Simulator.Simulator
      const thread = yield* service.create()
      yield* Run.text(service.run(thread.id, { message: "One" }))
      yield* Run.text(service.run(thread.id, { message: "Two" }))
      const bodies = (yield* simulator.requests).map(({ body }) => body as Record<string, unknown>)
      for (const body of bodies) {
        expect(body).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] })
        expect(body).not.toHaveProperty("conversation")
        for (const item of body["input"] as ReadonlyArray<object>) expect(item).not.toHaveProperty("id")
      }
      const replay = bodies[1]!["input"] as ReadonlyArray<{ readonly type: string }>
      expect(replay.map(({ type }) => type)).toEqual(["message", "reasoning", "message", "message"])
      expect(replay[1]).toHaveProperty("encrypted_content", expect.any(String))
    }).pipe(Effect.provide(threads([
      Script.turn([Script.reasoning("hm"), Script.text("First.")]),
      Script.text("Second.")
    ], { store: "memory" }))))
})

it.effect.each(["conversations", "memory"] as const)(
  "law 12: answers to which no answer came are given once more, %s",
  (store) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const thread = yield* service.create()
      const { pending: [pending] } = yield* Run.result(service.run(thread.id, { message: "Time?" }))
      if (pending?._tag !== "PendingCall") throw new Error("no call is pending")
      const submit = service.submit(thread.id, [{ callId: pending.call.callId, output: "noon" }])
      expect((yield* Effect.flip(Run.text(submit)))._tag).toBe("RateLimited")
      expect(yield* Run.text(submit)).toBe("It is noon.")
      const outputs = (yield* collect(service.items(thread.id))).filter((item) => item._tag === "FunctionCallOutput")
      expect(outputs).toHaveLength(1)
    }).pipe(
      noRetries,
      Effect.provide(threads([
        Script.functionCall("clock", {}),
        Script.httpError({ status: 429, code: "rate_limit_exceeded" }),
        Script.text("It is noon.")
      ], { store }))
    )
)

it.effect("each event has a cursor, and the run's own ids", () =>
  Effect.gen(function*() {
    const { seen } = yield* run([Script.text("Hello there")])
    for (const event of seen.events) {
      const cursor = Cursor.fromEvent(event)
      expect(yield* Cursor.decode(Cursor.encode(cursor))).toEqual(cursor)
    }
    const stepCompleted = seen.events.find(({ _tag }) => _tag === "StepCompleted")!
    expect(stepCompleted.wire).toBe(seen.events.at(-1)!.wire - 1)
  }))

it.effect("the instructions of a run replace the assistant's, additional ones come after", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const thread = yield* service.create({ messages: ["Hi"] })
    yield* Stream.runDrain(service.run(thread.id, { additionalInstructions: "In Spanish." }))
    yield* Stream.runDrain(service.run(thread.id, { instructions: "Sing.", temperature: 0.5, model: "other-model" }))
    const bodies = (yield* simulator.requests).slice(1).map(({ body }) => body)
    expect(bodies).toMatchObject([
      { model: "test-model", instructions: "Be brief.\n\nIn Spanish." },
      { model: "other-model", instructions: "Sing.", temperature: 0.5 }
    ])
    const invalid = yield* observe(service.run(thread.id, { maxOutputTokens: 3 }))
    expect(invalid.error).toMatchObject({ _tag: "InvalidInput", field: "maxOutputTokens" })
    const unnamed = yield* observe(service.run(thread.id, { model: " " }))
    expect(unnamed.error).toMatchObject({ _tag: "InvalidInput", field: "model" })
  }).pipe(Effect.provide(threads([Script.text("Hola"), Script.text("La la")]))))
