/** A run in the background of three steps, with reasoning and tools. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { type Duration, Effect, Exit, Layer, Schema, Scope } from "effect"
import { type RunEvent, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import { threads } from "../support/layers.ts"
import { collect } from "../support/observe.ts"
import { inOwnTime, passing } from "../support/time.ts"

const Note = Tool.make("note", { parameters: { text: Schema.String }, success: Schema.String })
export const toolkit = Toolkit.make(Note)

/** Counts how often each call was made. */
export const counting = (time: Duration.DurationInput = "20 millis") => {
  const made: Array<string> = []
  const handlers = toolkit.toLayer({
    note: ({ text }) => Effect.delay(Effect.sync(() => `noted ${made.push(text) && text}`), time)
  })
  return { made, handlers }
}

/** Two steps with tools and an answer; what is next is told by what is there. */
const answering = (latency: Duration.DurationInput, calls: ReadonlyArray<string> = ["a", "b"]): Script.Script => [
  Script.always(({ context }) => {
    if (JSON.stringify(context).includes("And now?")) return "Fine."
    const step = context.filter(({ type }) => type === "function_call_output").length / calls.length
    return step < 2
      ? Script.turn([
        Script.reasoning("Let me see what there is."),
        Script.text(`Step ${step} is to note two things.`),
        ...calls.map((call) => Script.functionCall("note", { text: `${step}${call}` }))
      ], { latency })
      : Script.turn([Script.reasoning("That was all."), Script.text("All is noted, and nothing is missing.")], {
        latency
      })
  })
]

export const script = answering("10 millis")
/** The same with one call in a step. */
export const oneByOne = answering("10 millis", ["a"])
/** The same at once. */
export const quick = answering(0)

/** What a run has told, whatever the pieces it came in. */
export const told = (events: ReadonlyArray<RunEvent.RunEvent>) => {
  const texts = new Map<string, string>()
  const reasoning = new Map<string, string>()
  for (const event of events) {
    if (event._tag === "TextDelta") texts.set(event.itemId, (texts.get(event.itemId) ?? "") + event.delta)
    if (event._tag === "ReasoningDelta") {
      reasoning.set(event.itemId, (reasoning.get(event.itemId) ?? "") + event.delta)
    }
  }
  const of = <T extends RunEvent.Tag>(tag: T) => events.filter((event): event is RunEvent.Of<T> => event._tag === tag)
  return {
    texts: [...texts.values()],
    reasoning: [...reasoning.values()],
    whole: of("TextCompleted").map(({ text }) => text),
    messages: of("MessageCompleted").map(({ message }) => Thread.textOf(message)),
    calls: of("ToolCallRequested").map(({ call }) => call.arguments),
    outputs: [...new Map(of("ToolCallCompleted").map(({ callId, output }) => [callId, output])).values()].sort(),
    usage: of("StepCompleted").map(({ usage }) => usage),
    end: of("RunCompleted").map(({ messages, status, text, usage }) => ({
      status,
      text,
      usage,
      messages: messages.map(Thread.textOf)
    }))
  }
}

/** Another process: nothing is shared but OpenAI. */
export const elsewhere = Effect.gen(function*() {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const layer = Threads.layer.pipe(Layer.provide(ThreadStore.layerConversations))
  const context = yield* Layer.buildWithScope(Layer.fresh(layer), scope)
  return { service: yield* Effect.provide(Threads.Threads, context), die: Scope.close(scope, Exit.void) }
})

/** Over a simulated OpenAI, in a time of its own. */
export const over = (...options: Parameters<typeof threads>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(threads(...options)), inOwnTime(1))

/** What a run says that nothing disturbs. */
export const wholeOf = (script: Script.Script) =>
  Effect.gen(function*() {
    const { handlers } = counting()
    const service = yield* Threads.Threads
    const { id } = yield* service.create()
    const run = collect(service.run(id, { message: "Go", toolkit, background: true })).pipe(Effect.provide(handlers))
    return yield* passing(run, 10_000)
  }).pipe(over(script))

export const whole = wholeOf(script)
