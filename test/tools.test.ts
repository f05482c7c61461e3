import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Run, type RunEvent, type Thread, Threads, Tools } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { stores, threads } from "./support/layers.ts"
import { collect, collectSpans } from "./support/observe.ts"

class NoSuchCity extends Schema.TaggedError<NoSuchCity>()("NoSuchCity", { city: Schema.String }) {}

const Weather = Tool.make("weather", {
  description: "The weather in a city.",
  parameters: { city: Schema.String, days: Schema.optional(Schema.Int) },
  success: Schema.Struct({ celsius: Schema.Number }),
  failure: NoSuchCity,
  failureMode: "return"
})
const Strictly = Tool.make("strictly", {
  parameters: { city: Schema.String },
  success: Schema.String,
  failure: NoSuchCity
})
const Nothing = Tool.make("nothing")

const toolkit = Toolkit.make(Weather, Strictly, Nothing)

const handlers = toolkit.toLayer({
  weather: ({ city }) =>
    city === "Nowhere"
      ? Effect.fail(new NoSuchCity({ city }))
      : city === "Bug"
      ? Effect.die(new Error("secret detail"))
      : Effect.succeed({ celsius: city === "Odd" ? "hot" as never : 21.5 }),
  strictly: ({ city }) => city === "Nowhere" ? Effect.fail(new NoSuchCity({ city })) : Effect.succeed("fine"),
  nothing: () => Effect.void
})

const over = (...args: Parameters<typeof threads>) => Layer.merge(handlers, threads(...args))

const call = Script.functionCall

/** A toolkit, whose handlers are called by themselves, and what somebody made of one. */
const ways = { "a toolkit": toolkit, "somebody's own": Effect.map(toolkit, (own) => own) }

const run = (
  options: Threads.RunOptions<Toolkit.Tools<typeof toolkit>> = {},
  given: typeof ways[keyof typeof ways] = toolkit
) =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    return { id, run: service.run(id, { message: "Hi", ...options, toolkit: given }) }
  })

const itemsOf = (id: Thread.ThreadId) => Effect.flatMap(Threads.Threads, (service) => collect(service.items(id)))

const shape = (items: ReadonlyArray<Thread.Item>) =>
  items.map((item) =>
    item._tag === "Message"
      ? item.role
      : item._tag === "FunctionCallOutput"
      ? `output ${String(item.output)}`
      : item._tag
  )

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  describe(`tools, ${store}`, () => {
    it.effect("a run calls them until the answer is there", () =>
      Effect.gen(function*() {
        const { id, run: stream } = yield* run()
        const events = yield* collect(stream)
        const completed = events.at(-1) as RunEvent.Of<"RunCompleted">
        expect(completed).toMatchObject({ _tag: "RunCompleted", status: "completed", text: "21.5 degrees", step: 1 })
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index))
        const called = events.filter((event) => event._tag === "ToolCallCompleted")
        expect(called).toMatchObject([{ name: "weather", output: "{\"celsius\":21.5}", isFailure: false }])
        expect(shape(yield* itemsOf(id))).toEqual(["user", "FunctionCall", "output {\"celsius\":21.5}", "assistant"])
        const simulator = yield* Simulator.Simulator
        const requests = (yield* simulator.requests).filter(({ path }) => path === "/responses")
        expect(requests).toHaveLength(2)
        expect(requests[0]!.body).toMatchObject({
          instructions: "Be brief.",
          tools: [
            { type: "function", name: "weather", strict: true, description: "The weather in a city." },
            { name: "strictly" },
            { name: "nothing", parameters: { type: "object", properties: {} } }
          ]
        })
        // OpenAI remembers neither instructions nor tools.
        expect(requests[1]!.body).toMatchObject({ instructions: "Be brief.", tools: [{ name: "weather" }, {}, {}] })
      }).pipe(
        Effect.provide(over([call("weather", { city: "Lima", days: null }), "21.5 degrees"], { store }))
      ))

    it.effect("several calls of a step go in one continuation, in their order", () =>
      Effect.gen(function*() {
        const { id, run: stream } = yield* run()
        const result = yield* Run.result(stream)
        expect(result).toMatchObject({ text: "Done", steps: 2 })
        const usage = result.usage
        expect(usage.total).toBe(usage.input + usage.output)
        expect(shape(yield* itemsOf(id))).toEqual([
          "user",
          "FunctionCall",
          "FunctionCall",
          "FunctionCall",
          "output {\"celsius\":21.5}",
          "output fine",
          "output null",
          "assistant"
        ])
      }).pipe(
        Effect.provide(over([
          Script.turn([call("weather", { city: "Lima" }), call("strictly", { city: "Rome" }), call("nothing", "")]),
          "Done"
        ], { store }))
      ))

    const told: Record<string, readonly [Script.Part, RegExp]> = {
      "a declared failure that is returned": [call("weather", { city: "Nowhere" }), /Nowhere.*NoSuchCity/],
      "arguments that are no JSON": [call("weather", "{\"city\":"), /not called.*\n.*not valid JSON/],
      "arguments that do not fit": [call("weather", { city: 7, days: "x" }), /city: Expected string.*\n?.*days: /s],
      "a name that nobody declared": [call("wether", {}), /no tool "wether".*weather, strictly, nothing/],
      "a defect": [call("weather", { city: "Bug" }), /^The tool failed unexpectedly\.$/],
      "a result that is none": [call("weather", { city: "Odd" }), /^The tool failed unexpectedly\.$/]
    }
    const cases = Object.entries(ways).flatMap(([way, given]) =>
      Object.entries(told).map(([what, [part, expected]]) => ({ expected, given, part, way, what }))
    )
    for (const { expected, given, part, way, what } of cases) {
      it.effect(`${what}, of ${way}: the model is told, and the run goes on`, () =>
        Effect.gen(function*() {
          const { run: stream } = yield* run({}, given)
          const events = yield* collect(stream)
          expect(events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "I see." })
          const called = events.find((event) => event._tag === "ToolCallCompleted")
          expect(called?.isFailure).toBe(true)
          expect(called?.output).toMatch(expected)
          if (what === "a defect") {
            expect(Cause.pretty(called?.cause as Cause.Cause<unknown>)).toContain("secret detail")
            expect(called?.output).not.toContain("secret")
          } else if (what === "a result that is none") {
            expect(Cause.isCause(called?.cause)).toBe(true)
          } else expect(called?.cause).toBe(undefined)
        }).pipe(Effect.provide(over([part, "I see."], { store }))))
    }

    it.effect("law 3: a declared failure that ends the run leaves all outputs in the thread", () =>
      Effect.gen(function*() {
        const { id, run: stream } = yield* run()
        const error = yield* Effect.flip(Run.result(stream))
        expect(error).toMatchObject({ _tag: "ToolFailed", name: "strictly", failure: { city: "Nowhere" } })
        expect(error.message).not.toContain("Nowhere")
        expect(JSON.stringify(error)).not.toContain("Nowhere")
        const service = yield* Threads.Threads
        expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine")
        expect(shape(yield* itemsOf(id))).toEqual([
          "user",
          "FunctionCall",
          "FunctionCall",
          expect.stringMatching(/^output .*NoSuchCity/),
          "output {\"celsius\":21.5}",
          "user",
          "assistant"
        ])
      }).pipe(
        Effect.provide(
          over([Script.turn([call("strictly", { city: "Nowhere" }), call("weather", { city: "Lima" })]), "Fine"], {
            store
          })
        )
      ))

    it.effect("a defect dies if that is wanted, with all outputs in the thread", () =>
      Effect.gen(function*() {
        const { id, run: stream } = yield* run({ onToolDefect: "fail" })
        const exit = yield* Effect.exit(Run.result(stream))
        expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("secret detail")
        const service = yield* Threads.Threads
        expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine")
      }).pipe(
        Effect.provide(over([call("weather", { city: "Bug" }), "Fine"], { store }))
      ))

    it.effect("law 3: too many steps", () =>
      Effect.gen(function*() {
        const { id, run: stream } = yield* run({ maxSteps: 3 })
        const error = yield* Effect.flip(Run.result(stream))
        expect(error).toMatchObject({ _tag: "TooManySteps", maxSteps: 3 })
        const service = yield* Threads.Threads
        expect(yield* Run.text(service.run(id, { message: "And now?" }))).toBe("Fine")
        const items = shape(yield* itemsOf(id))
        expect(items.filter((item) => item === "output fine")).toHaveLength(2)
        expect(items.filter((item) => item.includes("reached its last step"))).toHaveLength(1)
      }).pipe(
        Effect.provide(over([
          call("strictly", { city: "A" }),
          call("strictly", { city: "B" }),
          call("strictly", { city: "C" }),
          "Fine"
        ], { store }))
      ))
  })
}

it.effect("a step's span is over before its calls are made", () =>
  Effect.gen(function*() {
    const traced = collectSpans()
    const open: Array<ReadonlyArray<string>> = []
    const spying = toolkit.toLayer({
      weather: () =>
        Effect.sync(() => {
          open.push(traced.spans.filter(({ status }) => status._tag === "Started").map(({ name }) => name))
          return { celsius: 20 }
        }),
      strictly: () => Effect.succeed("fine"),
      nothing: () => Effect.void
    })
    yield* Effect.flatMap(run(), ({ run }) => Run.text(run)).pipe(
      Effect.provide(
        Layer.mergeAll(spying, threads([Script.turn(call("weather", { city: "Lima" })), "Mild"]), traced.layer)
      )
    )
    expect(open).toEqual([["invoke_agent Analyst", "execute_tool weather"]])
  }))

describe("tools", () => {
  it.effect("run at once, as many as wanted, and each tells when it is done", () =>
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const gates = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>(), Deferred.make<void>()])
      const slow = toolkit.toLayer({
        weather: () => Effect.succeed({ celsius: 1 }),
        nothing: () => Effect.void,
        strictly: ({ city }) =>
          Effect.gen(function*() {
            running++
            most = Math.max(most, running)
            yield* Deferred.await(gates[Number(city)]!)
            running--
            return city
          })
      })
      const { run: stream } = yield* run({ toolConcurrency: 2 })
      const done: Array<string> = []
      const fiber = yield* stream.pipe(
        Run.handle({
          ToolCallCompleted: ({ output }) => {
            done.push(output)
            const next = { 1: 2, 2: 0 }[output]
            return next === undefined ? Effect.void : Deferred.succeed(gates[next]!, undefined)
          }
        }),
        Effect.provide(slow),
        Effect.fork
      )
      yield* Deferred.succeed(gates[1], undefined)
      expect(yield* fiber).toMatchObject({ text: "Done" })
      expect(done).toEqual(["1", "2", "0"])
      expect(most).toBe(2)
      const simulator = yield* Simulator.Simulator
      const last = (yield* simulator.requests).at(-1)
      expect((last!.body as { input: ReadonlyArray<{ output: string }> }).input.map(({ output }) => output)).toEqual([
        "0",
        "1",
        "2"
      ])
    }).pipe(Effect.provide(threads([
      Script.turn([call("strictly", { city: "0" }), call("strictly", { city: "1" }), call("strictly", { city: "2" })]),
      "Done"
    ]))))

  it.effect("a forced choice is forced once", () =>
    Effect.gen(function*() {
      for (const toolChoice of [{ tool: "strictly" }, "required", "none"] as const) {
        const { run: stream } = yield* run({ toolChoice })
        yield* Run.result(stream)
      }
      const simulator = yield* Simulator.Simulator
      const choices = (yield* simulator.requests).filter(({ path }) => path === "/responses")
        .map(({ body }) => (body as { tool_choice?: unknown }).tool_choice)
      expect(choices).toEqual([{ type: "function", name: "strictly" }, undefined, "required", undefined, "none"])
    }).pipe(
      Effect.provide(over([call("strictly", { city: "A" }), "Done", call("nothing", {}), "Done", "Done"]))
    ))

  it.effect("one that takes too long is stopped, and the model is told", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const stuck = toolkit.toLayer({
        weather: () => Effect.succeed({ celsius: 1 }),
        nothing: () => Effect.void,
        strictly: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
      })
      const { run: stream } = yield* run({ toolTimeout: "3 seconds" })
      const simulator = yield* Simulator.Simulator
      const fiber = yield* collect(stream).pipe(Effect.provide(stuck), Effect.fork)
      yield* simulator.advance("5 seconds")
      const events = yield* Fiber.join(fiber)
      const called = events.find((event) => event._tag === "ToolCallCompleted")
      expect(called).toMatchObject({ isFailure: true, output: expect.stringContaining("longer than 3s") })
      yield* Deferred.await(stopped)
    }).pipe(Effect.provide(threads([call("strictly", { city: "A" }), "Done"]))))

  it.effect.each(Object.values(ways))(
    "law 10: no span has parameters or results; the handler's own spans stay",
    (given) =>
      Effect.gen(function*() {
        const { layer, spans } = collectSpans()
        const inner = toolkit.toLayer({
          weather: () => Effect.withSpan(Effect.succeed({ celsius: 33.25 }), "my own span"),
          nothing: () => Effect.void,
          strictly: () => Effect.succeed("x")
        })
        const { run: stream } = yield* run({}, given)
        yield* Run.result(stream).pipe(Effect.provide([inner, layer]))
        const names = spans.map(({ name }) => name)
        expect(names).toContain("my own span")
        expect(names).toContain("execute_tool weather")
        const written = JSON.stringify(spans.map((span) => [span.name, Array.from(span.attributes)]))
        expect(written).not.toContain("Samarkand")
        expect(written).not.toContain("33.25")
        expect(written).toContain("gen_ai.tool.call.id")
      }).pipe(Effect.provide(threads([call("weather", { city: "Samarkand" }), "Done"])))
  )

  it.effect("a result that is none is a defect, even where anything may be a failure", () =>
    Effect.gen(function*() {
      const kit = Toolkit.make(Tool.make("odd", { success: Schema.Number, failure: Schema.Unknown }))
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const events = yield* collect(service.run(id, { message: "Hi", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ odd: () => Effect.succeed("secret detail" as never) }))
      )
      const called = events.find((event) => event._tag === "ToolCallCompleted")
      expect(called).toMatchObject({ isFailure: true, output: "The tool failed unexpectedly." })
      expect(Cause.isDie(called?.cause as Cause.Cause<unknown>)).toBe(true)
      expect(events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Done" })
    }).pipe(Effect.provide(threads([call("odd", {}), "Done"]))))

  it.effect("a handler knows which call it is made for", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const knowing = toolkit.toLayer({
        weather: () => Effect.succeed({ celsius: 1 }),
        nothing: () => Effect.void,
        strictly: () => Effect.map(Tools.CurrentCall, (current) => (seen.push(current), "x"))
      })
      const { id, run: stream } = yield* run()
      const events = yield* collect(stream).pipe(Effect.provide(knowing))
      const called = events.filter((event) => event._tag === "ToolCallCompleted")
      expect(called).toHaveLength(2)
      expect(seen).toEqual(called.map(({ callId, runId }) => ({ callId, runId, threadId: id })))
      expect(yield* Tools.CurrentCall).toBe(undefined)
    }).pipe(
      Effect.provide(
        threads([Script.turn([call("strictly", { city: "A" }), call("strictly", { city: "B" })]), "Done"])
      )
    ))

  it.effect("of two toolkits with one name neither wins", () =>
    Effect.gen(function*() {
      const other = Toolkit.make(Tool.make("weather"))
      const both = yield* Effect.flip(Effect.flatMap(
        Effect.all([toolkit, Effect.provide(other, other.toLayer({ weather: () => Effect.void }))]),
        (all) => Tools.merge(...all)
      ))
      expect(both).toMatchObject({ _tag: "InvalidInput", field: "toolkit.weather" })
    }).pipe(Effect.provide(handlers)))

  it.effect("of several toolkits as one have each their own handler", () =>
    Effect.gen(function*() {
      const other = Toolkit.make(Tool.make("echo", { parameters: { text: Schema.String }, success: Schema.String }))
      const merged = Effect.flatMap(Effect.all([toolkit, other]), (all) => Tools.merge(...all))
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const events = yield* collect(service.run(id, { message: "Hi", toolkit: merged })).pipe(
        Effect.provide(other.toLayer({ echo: ({ text }) => Effect.succeed(`${text}, ${text}`) }))
      )
      const outputs = events.flatMap((event) => event._tag === "ToolCallCompleted" ? [event.output] : [])
      expect(outputs.sort()).toEqual(["hello, hello", JSON.stringify({ celsius: 21.5 })])
    }).pipe(Effect.provide([
      handlers,
      threads([Script.turn([call("weather", { city: "Lima" }), call("echo", { text: "hello" })]), "Done"])
    ])))

  it.effect("are checked before any request", () =>
    Effect.gen(function*() {
      const loose = Tool.make("loose", { parameters: { any: Schema.Unknown } })
      const checked = yield* Tools.check(Toolkit.make(Weather, loose))
      expect(checked).toMatchObject([{ name: "weather", wire: { strict: true } }, {
        name: "loose",
        wire: { strict: false },
        notStrict: "any may be anything"
      }])
      const strict = yield* Effect.flip(Tools.check(Toolkit.make(loose.annotate(Tools.Strict, true))))
      expect(strict).toMatchObject({ _tag: "InvalidInput", field: "toolkit.loose" })
      const named = yield* Effect.flip(Tools.check(Toolkit.make(Tool.make("not a name"))))
      expect(named).toMatchObject({ _tag: "InvalidInput" })
      const unwritable = Tool.make("when", { parameters: { at: Schema.DateFromSelf } })
      expect(yield* Effect.flip(Tools.check(Toolkit.make(unwritable)))).toMatchObject({ _tag: "InvalidInput" })
      const elsewhere = Tool.providerDefined({
        id: "other.search",
        toolkitName: "Search",
        providerName: "search",
        args: {}
      })({})
      expect(yield* Effect.flip(Tools.check(Toolkit.make(elsewhere)))).toMatchObject({ _tag: "InvalidInput" })
    }))

  it.effect("of OpenAI's own are declared in its words", () =>
    Effect.gen(function*() {
      const search = Tool.providerDefined({
        id: "openai.web_search",
        toolkitName: "OpenAiWebSearch",
        providerName: "web_search",
        args: { search_context_size: Schema.optional(Schema.String) }
      })({ search_context_size: "low" })
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* Run.result(
        service.run(id, { toolkit: Toolkit.make(search), toolChoice: { tool: "OpenAiWebSearch" }, message: "Hi" })
      )
      const simulator = yield* Simulator.Simulator
      expect((yield* simulator.requests).at(-1)?.body).toMatchObject({
        tools: [{ type: "web_search", search_context_size: "low" }],
        tool_choice: { type: "web_search" },
        include: ["web_search_call.action.sources"]
      })
    }).pipe(Effect.provide(threads(["Done"]))))
})

describe("approval", () => {
  const guarded = Toolkit.make(
    Strictly.annotate(Tools.NeedsApproval, (parameters: { readonly city: string }) => parameters.city !== "Home"),
    Nothing
  )
  const counting = () => {
    const made: Array<string> = []
    const layer = guarded.toLayer({
      strictly: ({ city }) => Effect.sync(() => (made.push(city), "done")),
      nothing: () => Effect.void
    })
    return { made, layer }
  }
  const script = [
    Script.turn([call("strictly", { city: "Home" }), call("strictly", { city: "Away" }), call("nothing", {})]),
    "Done"
  ]

  it.effect("decodes the parameters once for whoever decides and for the handler", () =>
    Effect.gen(function*() {
      let decoded = 0
      const Text = Schema.transform(Schema.String, Schema.String, {
        strict: true,
        decode: (text) => (decoded++, text),
        encode: (text) => text
      })
      const kit = Toolkit.make(
        Tool.make("own", { parameters: { text: Text }, success: Schema.String }).annotate(
          Tools.NeedsApproval,
          ({ text }) => text === "b"
        )
      )
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* Run.result(service.run(id, { message: "Hi", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ own: ({ text }) => Effect.succeed(text) }))
      )
      expect(decoded).toBe(1)
    }).pipe(Effect.provide(threads([call("own", { text: "a" }), "Done"]))))

  it.effect("whoever decides is given what the handler is", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const kit = Toolkit.make(
        Tool.make("own", { parameters: { at: Schema.Date }, success: Schema.String }).annotate(
          Tools.NeedsApproval,
          ({ at }: { readonly at: Date }) => (seen.push(at), false)
        )
      )
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      yield* Run.result(service.run(id, { message: "Hi", toolkit: kit })).pipe(
        Effect.provide(kit.toLayer({ own: ({ at }) => Effect.sync(() => (seen.push(at), "done")) }))
      )
      const at = new Date("2026-01-02T03:04:05.000Z")
      expect(seen).toEqual([at, at])
    }).pipe(Effect.provide(threads([call("own", { at: "2026-01-02T03:04:05.000Z" }), "Done"]))))

  it.effect("is asked for where the tool wants it, and a refusal is told", () =>
    Effect.gen(function*() {
      const { layer, made } = counting()
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const asked: Array<string> = []
      const events = yield* collect(service.run(id, {
        message: "Hi",
        toolkit: guarded,
        approve: (pending) =>
          Effect.sync(() => {
            asked.push(pending._tag === "PendingCall" ? pending.call.arguments : pending.name)
            return { approve: false, reason: "too far" }
          })
      })).pipe(Effect.provide(layer))
      expect(asked).toEqual([`{"city":"Away"}`])
      expect(made).toEqual(["Home"])
      const told = events.flatMap((event) =>
        event._tag === "ToolCallCompleted" && event.isFailure ? [event.output] : []
      )
      expect(told).toEqual([expect.stringContaining("too far")])
      expect(events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Done" })
    }).pipe(Effect.provide(threads(script))))

  it.effect("without anybody to ask the run waits; what needs no approval is done", () =>
    Effect.gen(function*() {
      const { layer, made } = counting()
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      const waiting = yield* Run.result(service.run(id, { message: "Hi", toolkit: guarded })).pipe(
        Effect.provide(layer)
      )
      expect(waiting).toMatchObject({
        status: "requires_action",
        pending: [{ _tag: "PendingCall", needsApproval: true, call: { arguments: `{"city":"Away"}` } }]
      })
      expect(made).toEqual(["Home"])
    }).pipe(Effect.provide(threads([script[0]!]))))
})

describe("structured output", () => {
  const City = Schema.Struct({
    name: Schema.String,
    founded: Schema.optionalWith(Schema.Int, { exact: true })
  }).annotations({ identifier: "City" })
  const ask = <A, I>(output: Schema.Schema<A, I>) =>
    Effect.gen(function*() {
      const service = yield* Threads.Threads
      const { id } = yield* service.create()
      return yield* Run.result(service.run(id, { message: "Which?", output }))
    })

  it.effect("is decoded", () =>
    Effect.gen(function*() {
      const result = yield* ask(City)
      expect(result.output).toEqual({ name: "Lima" })
      const simulator = yield* Simulator.Simulator
      expect((yield* simulator.requests).at(-1)?.body).toMatchObject({
        text: { format: { type: "json_schema", name: "City", strict: true, schema: { required: ["name", "founded"] } } }
      })
    }).pipe(Effect.provide(threads([`{"name":"Lima","founded":null}`]))))

  it.effect("of what is no object is put into one", () =>
    Effect.gen(function*() {
      expect((yield* ask(Schema.Array(City))).output).toEqual([{ name: "Lima" }])
      expect((yield* ask(Schema.Literal("yes", "no"))).output).toBe("no")
    }).pipe(Effect.provide(threads([`{"value":[{"name":"Lima","founded":null}]}`, `{"value":"no"}`]))))

  it.effect("is the message that is final, or the last", () =>
    Effect.gen(function*() {
      expect((yield* ask(City)).output).toEqual({ name: "Lima" })
      expect((yield* ask(City)).output).toEqual({ name: "Lima" })
      expect((yield* ask(City)).output).toEqual({ name: "Lima" })
      expect(yield* Effect.flip(ask(City))).toMatchObject({ _tag: "OutputInvalid", raw: "Lima." })
    }).pipe(Effect.provide(threads([
      Script.turn([
        Script.text("Let me see.", { phase: "commentary" }),
        Script.text(`{"name":"Lima","founded":null}`, { phase: "final_answer" })
      ]),
      Script.turn([
        Script.text(`{"name":"Lima","founded":null}`, { phase: "final_answer" }),
        Script.text("That was easy.", { phase: "commentary" })
      ]),
      Script.turn([Script.text("Let me see."), Script.text(`{"name":"Lima","founded":null}`)]),
      Script.turn([Script.text(`{"name":"Lima","founded":null}`), Script.text("Lima.")])
    ]))))

  it.effect("that is refused after some text is refused", () =>
    Effect.gen(function*() {
      expect(yield* Effect.flip(ask(City))).toMatchObject({ _tag: "OutputRefused", refusal: "No." })
    }).pipe(Effect.provide(threads([Script.turn([Script.text("Let me see."), Script.refusal("No.")])]))))

  it.effect("that does not fit carries what came", () =>
    Effect.gen(function*() {
      const invalid = yield* Effect.flip(ask(City))
      expect(invalid).toMatchObject({
        _tag: "OutputInvalid",
        raw: `{"name":7}`,
        reason: expect.stringContaining("name")
      })
      expect(JSON.stringify(invalid)).not.toContain("7}")
      expect(yield* Effect.flip(ask(City))).toMatchObject({ _tag: "OutputInvalid", reason: "it is not valid JSON" })
      expect(yield* Effect.flip(ask(City))).toMatchObject({ _tag: "OutputRefused", refusal: "No." })
    }).pipe(Effect.provide(threads([`{"name":7}`, "Lima", Script.refusal("No.")]))))
})
