import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Console, Effect, Schema } from "effect"
import { Run, Threads } from "effect-openai-threads"

class NoSuchCity extends Schema.TaggedError<NoSuchCity>()("NoSuchCity", { city: Schema.String }) {}

const Weather = Tool.make("weather", {
  description: "The weather in a city.",
  parameters: { city: Schema.String, days: Schema.optional(Schema.Int) },
  success: Schema.Struct({ celsius: Schema.Number }),
  failure: NoSuchCity,
  // The model is told of the failure and goes on. By default it ends the run with `ToolFailed`.
  failureMode: "return"
})

const toolkit = Toolkit.make(Weather)

/** The handlers are a layer, which a test can swap. */
export const handlers = toolkit.toLayer({
  weather: ({ city }) => city === "Lima" ? Effect.succeed({ celsius: 19.5 }) : Effect.fail(new NoSuchCity({ city }))
})

export const ask = (message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create()
    const { text } = yield* threads.run(thread.id, { message, toolkit }).pipe(
      Run.handle({
        ToolCallCompleted: ({ name, output }) => Console.error(`${name}: ${output}`)
      })
    )
    return text
  })
