/** Whose services a handler sees, what counts as a toolkit, and what a handler's failures come to. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, ParseResult, Schema, Stream } from "effect"
import { Run, type RunEvent, Threads } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { threads } from "./support/layers.ts"
import { collect, collectSpans } from "./support/observe.ts"

const calling = threads([Script.functionCall("t", {}), "Done"])

const begin = Effect.gen(function*() {
  const service = yield* Threads.Threads
  return { service, id: (yield* service.create()).id }
})

const outputsOf = (events: Iterable<RunEvent.RunEvent>) =>
  Array.from(events).flatMap((event) => event._tag === "ToolCallCompleted" ? [event.output] : [])

const completed = (events: ReadonlyArray<RunEvent.RunEvent>) =>
  events.find((event): event is RunEvent.Of<"ToolCallCompleted"> => event._tag === "ToolCallCompleted")

describe("a handler sees", () => {
  class Layered extends Context.Tag("test/Layered")<Layered, string>() {}
  class Reader extends Context.Tag("test/Reader")<Reader, string>() {}

  const kit = Toolkit.make(Tool.make("t", { success: Schema.String, dependencies: [Reader] }))
  const handlers = Layer.provide(
    kit.toLayer(Effect.map(Layered, () => ({
      t: () =>
        Effect.gen(function*() {
          const context = yield* Effect.context<Reader>()
          return `${Context.unsafeGet(context, Layered)}, ${yield* Reader}`
        })
    }))),
    Layer.succeed(Layered, "of the layer")
  )
  const run = Effect.map(begin, ({ id, service }) => service.run(id, { message: "Hi", toolkit: kit }))

  it.effect("what its layer was made with and what the reader has", () =>
    Effect.gen(function*() {
      const events = yield* collect(yield* run).pipe(
        Effect.provideService(Reader, "of the reader"),
        Effect.provide(handlers)
      )
      expect(outputsOf(events)).toEqual(["of the layer, of the reader"])
    }).pipe(Effect.provide(calling)))

  it.effect("the reader's before the layer's", () =>
    Effect.gen(function*() {
      const events = yield* collect(yield* run).pipe(
        Effect.provideService(Reader, "of the reader"),
        Effect.provideService(Layered, "of the reader too"),
        Effect.provide(handlers)
      )
      expect(outputsOf(events)).toEqual(["of the reader too, of the reader"])
    }).pipe(Effect.provide(calling)))

  type Events = Iterable<RunEvent.RunEvent>
  const pulling = (later: (pull: Effect.Effect<Events, unknown>) => Effect.Effect<Events, unknown>) =>
    Effect.scoped(Effect.gen(function*() {
      // What it needs of its reader is there when it is opened, and those who pull later have none of it.
      const pull = yield* Stream.toPull((yield* run) as Stream.Stream<RunEvent.RunEvent, unknown, never>)
      yield* pull.pipe(Effect.provideService(Reader, "opened"), Effect.provide(handlers))
      for (;;) {
        const outputs = outputsOf(yield* later(pull))
        if (outputs.length > 0) return outputs
      }
    })).pipe(Effect.provide(threads([Script.functionCall("t", {})])))

  it.effect("what is there at a pull before what was there when the run was opened", () =>
    Effect.gen(function*() {
      expect(yield* pulling(Effect.provideService(Reader, "pull"))).toEqual(["of the layer, pull"])
    }))

  it.effect("what was there when the run was opened, whoever pulls", () =>
    Effect.gen(function*() {
      expect(yield* pulling((pull) => pull)).toEqual(["of the layer, opened"])
    }))
})

describe("what somebody made of a toolkit", () => {
  const kit = Toolkit.make(Tool.make("t", { success: Schema.String }))
  type Tools = Toolkit.Tools<typeof kit>
  const handlers = kit.toLayer({ t: () => Effect.succeed("fine") })

  it.effect("is asked, even if it has the tools of one", () =>
    Effect.gen(function*() {
      const { id, service } = yield* begin
      let audited = 0
      const audit = Object.assign(
        Effect.map(kit, (own): Toolkit.WithHandler<Tools> => ({
          ...own,
          handle: (name, parameters) => Effect.tap(own.handle(name, parameters), () => void audited++)
        })),
        { tools: kit.tools }
      )
      yield* Run.result(service.run(id, { message: "Hi", toolkit: audit })).pipe(Effect.provide(handlers))
      expect(audited).toBe(1)
    }).pipe(Effect.provide(calling)))

  it.effect("may be a service", () =>
    Effect.gen(function*() {
      class Kit extends Context.Tag("test/Kit")<Kit, Toolkit.WithHandler<Tools>>() {
        static readonly tools = kit.tools
      }
      const { id, service } = yield* begin
      const events = yield* collect(service.run(id, { message: "Hi", toolkit: Kit })).pipe(
        Effect.provide(Layer.provide(Layer.effect(Kit, kit), handlers))
      )
      expect(outputsOf(events)).toEqual(["fine"])
    }).pipe(Effect.provide(calling)))

  it.effect("as a class is a toolkit", () =>
    Effect.gen(function*() {
      class Own extends Toolkit.make(Tool.make("t", { success: Schema.String })) {}
      const { id, service } = yield* begin
      const { layer, spans } = collectSpans()
      const events = yield* collect(service.run(id, { message: "Hi", toolkit: Own })).pipe(
        Effect.provide([Own.toLayer({ t: () => Effect.succeed("fine") }), layer])
      )
      expect(outputsOf(events)).toEqual(["fine"])
      expect(spans.map(({ name }) => name)).not.toContain("Toolkit.handle")
    }).pipe(Effect.provide(calling)))
})

describe("a declared failure that is also a defect is a defect", () => {
  const NotEncodable = Schema.transformOrFail(Schema.String, Schema.Struct({ secret: Schema.String }), {
    strict: true,
    decode: (secret) => ParseResult.succeed({ secret }),
    encode: (value, _, ast) => ParseResult.fail(new ParseResult.Type(ast, value, "no"))
  })
  const toolOf = (failure: typeof Schema.String, failureMode: "error" | "return") =>
    Tool.make("t", { success: Schema.String, failure, failureMode })
  const both = Effect.ensuring(Effect.fail("declared"), Effect.die("bug"))
  const cases = {
    "it cannot be encoded": [toolOf(NotEncodable as never, "return"), Effect.fail({ secret: "x" })],
    "a defect comes with it": [toolOf(Schema.String, "return"), both],
    "a defect comes with one that ends the run": [toolOf(Schema.String, "error"), both]
  } as const
  for (const [what, [tool, handler]] of Object.entries(cases)) {
    const kit = Toolkit.make(tool)
    const handlers = kit.toLayer({ t: () => handler as Effect.Effect<string, string> })

    it.effect(`${what}: the program hears of it`, () =>
      Effect.gen(function*() {
        const { id, service } = yield* begin
        const events = yield* collect(service.run(id, { message: "Hi", toolkit: kit })).pipe(Effect.provide(handlers))
        const called = completed(events)
        expect(called).toMatchObject({ isFailure: true, output: "The tool failed unexpectedly." })
        expect(Cause.isCause(called?.cause)).toBe(true)
        expect(events.at(-1)).toMatchObject({ _tag: "RunCompleted", text: "Done" })
      }).pipe(Effect.provide(calling)))

    it.effect(`${what}: it ends the run with onToolDefect: "fail"`, () =>
      Effect.gen(function*() {
        const { id, service } = yield* begin
        const exit = yield* Effect.exit(Effect.provide(
          Run.result(service.run(id, { message: "Hi", toolkit: kit, onToolDefect: "fail" })),
          handlers
        ))
        const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        expect(String(defect)).toContain(what === "it cannot be encoded" ? "no" : "bug")
      }).pipe(Effect.provide(threads([Script.functionCall("t", {})]))))
  }
})

describe("the span of a call tells by name what it failed with", () => {
  const TooCold = Schema.TaggedStruct("TooCold", { secret: Schema.String })
  const tool = Tool.make("t", { success: Schema.String, failure: TooCold, failureMode: "return" })
  const kit = Toolkit.make(tool)
  const cases: Record<string, readonly [Effect.Effect<string, typeof TooCold.Type>, string | undefined]> = {
    "nothing": [Effect.succeed("fine"), undefined],
    "a declared failure": [Effect.fail(TooCold.make({ secret: "the secret" })), "TooCold"],
    "a defect": [Effect.die(new RangeError("the secret")), "RangeError"],
    "a defect with a declared failure": [
      Effect.ensuring(Effect.fail(TooCold.make({ secret: "the secret" })), Effect.die(new RangeError("the secret"))),
      "RangeError"
    ],
    "a defect without a name": [Effect.die("the secret"), "_OTHER"],
    "a time that is over": [Effect.delay(Effect.succeed("late"), "1 minute"), "TimeoutException"]
  }
  for (const [what, [handler, name]] of Object.entries(cases)) {
    const handlers: Layer.Layer<Tool.HandlersFor<Toolkit.Tools<typeof kit>>> = kit.toLayer({ t: () => handler })
    it.live(what, () =>
      Effect.gen(function*() {
        const { layer, spans } = collectSpans()
        const { id, service } = yield* begin
        yield* Run.result(service.run(id, { message: "Hi", toolkit: kit, toolTimeout: "50 millis" })).pipe(
          Effect.provide(Layer.merge(handlers, layer))
        )
        const span = spans.find((span) => span.name === "execute_tool t")!
        expect(span.status._tag).toBe("Ended")
        expect(span.attributes.get("error.type")).toBe(name)
        expect(JSON.stringify([...span.attributes])).not.toContain("the secret")
      }).pipe(Effect.provide(calling)))
  }
})
