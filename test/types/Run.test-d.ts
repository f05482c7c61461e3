/** What the types of a run's events and terminals promise. Checked by the compiler only. */
import { type OpenAIError, Run, type RunError, RunEvent, type Thread, type Threads } from "effect-openai-threads"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Match from "effect/Match"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"

declare const threads: Threads.Service
declare const id: Thread.ThreadId

class Boom extends Data.TaggedError("Boom") {}
class Bang extends Data.TaggedError("Bang") {}
class Screen extends Context.Tag("Screen")<Screen, { readonly print: (text: string) => Effect.Effect<void> }>() {}
class Log extends Context.Tag("Log")<Log, { readonly write: (text: string) => Effect.Effect<void, Bang> }>() {}

const run = threads.run(id)
declare const plain: Stream.Stream<RunEvent.RunEvent, Boom, Log>

// every event, by name: a new one is a change that users see
const name = Match.type<RunEvent.RunEvent>().pipe(
  Match.tag("RunQueued", ({ place }) => `${place} before`),
  Match.tag("RunStarted", ({ assistantId, model }) => `${assistantId} ${model}`),
  Match.tag("Retrying", "Reconnected", ({ attempt }) => String(attempt)),
  Match.tag("StepStarted", ({ step }) => String(step)),
  Match.tag("MessageStarted", ({ role }) => role),
  Match.tag("TextDelta", "RefusalDelta", "ReasoningDelta", "ToolCallArgumentsDelta", ({ delta }) => delta),
  Match.tag("TextCompleted", ({ text }) => text),
  Match.tag("RefusalCompleted", ({ refusal }) => refusal),
  Match.tag("ReasoningCompleted", ({ summary }) => summary.join()),
  Match.tag("AnnotationAdded", ({ annotation }) => annotation.type),
  Match.tag("ToolCallStarted", ({ callId, name }) => `${callId} ${name}`),
  Match.tag("ToolCallRequested", ({ call }) => call.arguments),
  Match.tag("ToolCallCompleted", ({ output }) => output),
  Match.tag("ApprovalRequested", ({ server }) => server),
  Match.tag("HostedToolProgress", ({ phase, tool }) => `${tool} ${phase}`),
  Match.tag("MessageCompleted", ({ message }) => message.role),
  Match.tag("StepCompleted", ({ usage }) => String(usage?.total)),
  Match.tag("Unknown", ({ type }) => type),
  Match.tag("RunCompleted", ({ status, text }) => `${status} ${text}`),
  Match.exhaustive
)
expectTypeOf(name).toEqualTypeOf<(event: RunEvent.RunEvent) => string>()

const incomplete = Match.type<RunEvent.RunEvent>().pipe(Match.tag("TextDelta", ({ delta }) => delta))
// @ts-expect-error one event is not enough
Match.exhaustive(incomplete)

// each has its place, and RunCompleted alone has two ends
expectTypeOf<RunEvent.RunEvent["sequence"]>().toEqualTypeOf<number>()
expectTypeOf<RunEvent.RunEvent["threadId"]>().toEqualTypeOf<Thread.ThreadId>()
expectTypeOf<RunEvent.RunEvent["runId"]>().toEqualTypeOf<Thread.RunId>()
expectTypeOf<RunEvent.Of<"RunCompleted">["status"]>().toEqualTypeOf<"completed" | "requires_action">()
expectTypeOf<RunEvent.Of<"TextDelta">>().toEqualTypeOf<typeof RunEvent.TextDelta.Type>()
expectTypeOf<RunEvent.Tag>().toEqualTypeOf<RunEvent.RunEvent["_tag"]>()

// deltas, text, result
expectTypeOf(Run.deltas(run)).toEqualTypeOf<Stream.Stream<string, RunError.RunError, never>>()
expectTypeOf(run.pipe(Run.deltas)).toEqualTypeOf<Stream.Stream<string, RunError.RunError, never>>()
expectTypeOf(Run.deltas(plain)).toEqualTypeOf<Stream.Stream<string, Boom, Log>>()
expectTypeOf(Run.text(run)).toEqualTypeOf<Effect.Effect<string, RunError.RunError, never>>()
expectTypeOf(Run.text(plain)).toEqualTypeOf<Effect.Effect<string, Boom | OpenAIError.ConnectionLost, Log>>()
expectTypeOf(Run.result(run)).toEqualTypeOf<Effect.Effect<Run.RunResult, RunError.RunError, never>>()
expectTypeOf(Run.result(plain)).toEqualTypeOf<Effect.Effect<Run.RunResult, Boom | OpenAIError.ConnectionLost, Log>>()
// @ts-expect-error these are no events
Run.text(Run.deltas(run))

// handle: events are known, errors and needs of handlers are added, both ways round
const handled = run.pipe(Run.handle({
  TextDelta: (event) => {
    expectTypeOf(event).toEqualTypeOf<RunEvent.Of<"TextDelta">>()
    return Effect.flatMap(Screen, (screen) => screen.print(event.delta))
  },
  ToolCallRequested: ({ call }) => {
    expectTypeOf(call).toEqualTypeOf<Thread.FunctionCall>()
    return Effect.flatMap(Log, (log) => log.write(call.name))
  },
  RunCompleted: ({ usage }) => {
    expectTypeOf(usage).toEqualTypeOf<RunEvent.Usage>()
    return Effect.fail(new Boom())
  }
}))
expectTypeOf(handled).toEqualTypeOf<Effect.Effect<Run.RunResult, RunError.RunError | Boom | Bang, Screen | Log>>()

const first = Run.handle(run, {
  TextDelta: (event) => {
    expectTypeOf(event).toEqualTypeOf<RunEvent.Of<"TextDelta">>()
    return Effect.flatMap(Screen, (screen) => screen.print(event.delta))
  }
})
expectTypeOf(first).toEqualTypeOf<Effect.Effect<Run.RunResult, RunError.RunError, Screen>>()
expectTypeOf(Run.handle(plain, {})).toEqualTypeOf<
  Effect.Effect<Run.RunResult, Boom | OpenAIError.ConnectionLost, Log>
>()
expectTypeOf(Run.handle(plain, { TextDelta: () => Effect.fail(new Bang()) })).toEqualTypeOf<
  Effect.Effect<Run.RunResult, Boom | Bang | OpenAIError.ConnectionLost, Log>
>()

// @ts-expect-error a key that is no event's name
run.pipe(Run.handle({ TextDeltas: () => Effect.void }))
// @ts-expect-error a key that is no event's name, beside one that is
run.pipe(Run.handle({ TextDelta: () => Effect.void, textDelta: () => Effect.void }))
// @ts-expect-error a key that is no event's name, data first
Run.handle(run, { TextDeltas: () => Effect.void })
// @ts-expect-error a handler of another event
run.pipe(Run.handle({ TextDelta: (event: RunEvent.Of<"RunCompleted">) => Effect.succeed(event.usage) }))
// @ts-expect-error a field that the event does not have
run.pipe(Run.handle({ TextDelta: ({ text }) => Effect.succeed(text) }))
// @ts-expect-error a handler that is no effect would not be run
run.pipe(Run.handle({ TextDelta: ({ delta }) => console.log(delta) }))
// @ts-expect-error a promise is no effect
Run.handle(run, { TextDelta: ({ delta }) => Promise.resolve(delta) })
