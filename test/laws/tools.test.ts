import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { Run, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { noRetries, stores, threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { advancing } from "./advancing.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
const toolkit = Toolkit.make(Note)

/** Counts how often each call was made. */
const counting = () => {
  const made = new Map<string, number>()
  const layer = toolkit.toLayer({
    note: ({ text }) =>
      Effect.gen(function*() {
        made.set(text, (made.get(text) ?? 0) + 1)
        yield* Effect.sleep("20 millis")
        return `noted ${text}`
      })
  })
  return { made, layer }
}

const step = (name: string, fault?: Script.Fault) =>
  Script.turn([
    Script.reasoning("Let me see."),
    ...["a", "b", "c"].map((each) => Script.functionCall("note", { text: `${name}${each}` }, { chunks: 1 }))
  ], fault === undefined ? {} : { fault })

/** Three steps with tools and an answer, and one more for the run after. What is next is told by what is there. */
const script = (fault?: { readonly at: number; readonly fault: Script.Fault }): Script.Script => [
  Script.always(({ context }) => {
    if (JSON.stringify(context).includes("And now?")) return "Fine."
    const at = context.filter(({ type }) => type === "function_call_output").length / 3
    const broken = fault?.at === at ? fault.fault : undefined
    const name = ["first ", "second ", "third "][at]
    return name === undefined
      ? Script.turn("All noted.", broken === undefined ? {} : { fault: broken })
      : step(name, broken)
  })
]

/** The next message is accepted, and so is the next run. */
const usable = Effect.fnUntraced(function*(id: Parameters<Threads.Service["get"]>[0]) {
  const service = yield* Threads.Threads
  return yield* Run.text(service.run(id, { message: "And now?" }))
})

const eachPart = <A>(ways: Record<string, A>, parts: number) =>
  Object.entries(ways).flatMap(([what, way]) =>
    Array.from({ length: parts }, (_, index) => [what, way, index + 1] as const)
  )

const eventCount = (store: keyof typeof stores) =>
  Effect.gen(function*() {
    const { layer } = counting()
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const events = yield* advancing(
      collect(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)),
      "1 second"
    )
    expect(events.at(-1)?._tag).toBe("RunCompleted")
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index))
    return events.length
  }).pipe(Effect.provide(threads(script(), { store })))

for (const store of Object.keys(stores) as ReadonlyArray<keyof typeof stores>) {
  describe(`a run with tools, ${store}`, () => {
    const ways = {
      "that is not read on": (run: Stream.Stream<unknown, unknown>, at: number) =>
        Stream.runDrain(Stream.take(run, at)),
      "whose reader is interrupted": (run: Stream.Stream<unknown, unknown>, at: number) => {
        let seen = 0
        return Stream.runForEach(run, () => ++seen === at ? Effect.interrupt : Effect.void)
      }
    }
    const parts = 4
    for (const [what, stop, part] of eachPart(ways, parts)) {
      it.effect(`law 3: ${what}, at any event, leaves a thread for the next run (${part} of ${parts})`, () =>
        Effect.gen(function*() {
          const count = yield* eventCount(store)
          for (let at = part; at <= count; at += parts) {
            yield* Effect.gen(function*() {
              const { layer, made } = counting()
              const service = yield* Threads.Threads
              const { id } = yield* service.create()
              const run = service.run(id, { message: "Go", toolkit })
              yield* advancing(Effect.exit(stop(Stream.provideLayer(run, layer), at)), "1 second")
              expect(yield* advancing(usable(id), "1 second")).toBe("Fine.")
              for (const [text, times] of made) expect([text, times]).toEqual([text, 1])
            }).pipe(Effect.provide(threads(script(), { store })))
          }
        }))
    }

    it.effect("law 3: interrupted at any time while tools run, too", () =>
      Effect.gen(function*() {
        for (const time of [0, 5, 19, 20, 21, 30, 41, 55, 61, 200]) {
          yield* Effect.gen(function*() {
            const { layer, made } = counting()
            const service = yield* Threads.Threads
            const simulator = yield* Simulator.Simulator
            const { id } = yield* service.create()
            const fiber = yield* Effect.fork(
              Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))
            )
            yield* simulator.advance(`${time} millis`)
            yield* advancing(Fiber.interrupt(fiber), "10 seconds")
            expect(yield* advancing(usable(id), "1 second")).toBe("Fine.")
            for (const [text, times] of made) expect([text, times]).toEqual([text, 1])
          }).pipe(Effect.provide(threads(script(), { store })))
        }
      }))

    it.effect("law 3: a connection that breaks in any step leaves a thread for the next run", () =>
      Effect.gen(function*() {
        const faults = [
          ...[10, 400, 900, 1_500, 2_500].map((afterBytes) => Script.cut({ afterBytes })),
          ...[10, 900, 2_000].map((afterBytes) => Script.reset({ afterBytes }))
        ]
        for (let at = 0; at < 4; at++) {
          for (const fault of faults) {
            yield* Effect.gen(function*() {
              const { layer, made } = counting()
              const service = yield* Threads.Threads
              const { id } = yield* service.create()
              const exit = yield* advancing(
                Effect.exit(Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer))),
                "5 minutes"
              )
              if (Exit.isSuccess(exit)) expect(exit.value.text).toBe("All noted.")
              expect(yield* advancing(usable(id), "5 minutes")).toBe("Fine.")
              for (const [text, times] of made) expect([text, times]).toEqual([text, 1])
            }).pipe(Effect.provide(threads(script({ at, fault }), { store })))
          }
        }
      }))

    it.effect("law 3: a continuation that is refused leaves the outputs in the thread", () =>
      Effect.gen(function*() {
        const { layer } = counting()
        const service = yield* Threads.Threads
        const { id } = yield* service.create()
        const error = yield* advancing(
          Effect.flip(noRetries(Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)))),
          "1 second"
        )
        expect(error).toMatchObject({ _tag: "RateLimited" })
        expect(yield* usable(id)).toBe("Fine.")
        const items = yield* collect(service.items(id))
        const outputs = items.flatMap((item) => item._tag === "FunctionCallOutput" ? [item.output] : [])
        expect(outputs).toEqual(["noted first a", "noted first b", "noted first c"])
      }).pipe(Effect.provide(
        threads([step("first "), Script.httpError({ status: 429, code: "rate_limit_exceeded" }), "Fine."], { store })
      )))
  })
}

it.effect("law 13: a run with tools costs one request for each step", () =>
  Effect.gen(function*() {
    const { layer } = counting()
    const service = yield* Threads.Threads
    const simulator = yield* Simulator.Simulator
    const { id } = yield* service.create()
    const before = (yield* simulator.requests).length
    yield* advancing(
      Run.result(service.run(id, { message: "Go", toolkit })).pipe(Effect.provide(layer)),
      "1 second"
    )
    const paths = (yield* simulator.requests).slice(before).map(({ method, path }) => `${method} ${path}`)
    expect(paths).toEqual([
      `POST /conversations/${id}/items`,
      "POST /responses",
      "POST /responses",
      "POST /responses",
      "POST /responses"
    ])
  }).pipe(Effect.provide(Layer.fresh(threads(script())))))
