/** What the types of tools and outputs promise. Checked by the compiler only. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { expectTypeOf } from "@effect/vitest"
import { Context, Effect, Schema, Stream } from "effect"
import { Run, type RunError, type RunEvent, type Thread, type Threads, Tools } from "effect-openai-threads"

declare const threads: Threads.Service
declare const id: Thread.ThreadId

class Database extends Context.Tag("Database")<Database, { readonly name: string }>() {}

const Head = Tool.make("head", { parameters: { rows: Schema.Int }, success: Schema.String })
const Save = Tool.make("save", { parameters: {}, success: Schema.Void, dependencies: [Database] })
const toolkit = Toolkit.make(Head, Save)

// the handlers are required of the run, and disappear where their layer is given
const run = threads.run(id, { toolkit })
expectTypeOf<Stream.Stream.Context<typeof run>>().toEqualTypeOf<
  Tool.Handler<"head"> | Tool.Handler<"save"> | Database
>()
expectTypeOf<Stream.Stream.Error<typeof run>>().toEqualTypeOf<RunError.RunError>()
const given = Stream.provideSomeLayer(run, toolkit.toLayer({ head: () => Effect.succeed(""), save: () => Effect.void }))
expectTypeOf<Stream.Stream.Context<typeof given>>().toEqualTypeOf<Database>()

// a toolkit with its handlers needs what its tools need
declare const made: Toolkit.WithHandler<Toolkit.Tools<typeof toolkit>>
expectTypeOf<Stream.Stream.Context<ReturnType<typeof withMade>>>().toEqualTypeOf<Database>()
const withMade = () => threads.run(id, { toolkit: made })
const submitted = threads.submit(id, [], { toolkit })
expectTypeOf<Stream.Stream.Context<typeof submitted>>().toEqualTypeOf<Stream.Stream.Context<typeof run>>()

// whoever makes the toolkit may fail and need something
declare const making: Effect.Effect<Toolkit.WithHandler<Toolkit.Tools<typeof toolkit>>, "no toolkit", "a service">
const fromMaking = threads.run(id, { toolkit: making })
expectTypeOf<Stream.Stream.Error<typeof fromMaking>>().toEqualTypeOf<RunError.RunError | "no toolkit">()
expectTypeOf<Stream.Stream.Context<typeof fromMaking>>().toEqualTypeOf<Database | "a service">()

// several toolkits as one have the tools of all, and need what those need
const Tail = Tool.make("tail", { success: Schema.String, failure: Schema.String, failureMode: "return" })
const merged = Effect.flatMap(Effect.all([toolkit, Toolkit.make(Tail)]), (all) => Tools.merge(...all))
const fromMerged = threads.run(id, { toolkit: merged, toolChoice: { tool: "tail" } })
expectTypeOf<Stream.Stream.Error<typeof fromMerged>>().toEqualTypeOf<RunError.RunError>()
expectTypeOf<Stream.Stream.Context<typeof fromMerged>>().toEqualTypeOf<
  Tool.Handler<"head"> | Tool.Handler<"save"> | Tool.Handler<"tail"> | Database
>()
// @ts-expect-error there is no such tool in any of them
threads.run(id, { toolkit: merged, toolChoice: { tool: "middle" } })

// @ts-expect-error that handles nothing of it
Effect.map(toolkit, ({ tools }) => Tools.merge({ tools, handle: () => Effect.succeed(5) }))

// a run without tools needs nothing
expectTypeOf<Stream.Stream.Context<ReturnType<typeof plain>>>().toEqualTypeOf<never>()
const plain = () => threads.run(id)

threads.run(id, { toolkit, toolChoice: { tool: "head" } })
// @ts-expect-error there is no such tool
threads.run(id, { toolkit, toolChoice: { tool: "tail" } })
// @ts-expect-error there is no such option
threads.run(id, { toolKit: toolkit })
// @ts-expect-error it takes a number of rows
toolkit.toLayer({ head: ({ lines }) => Effect.succeed(String(lines)), save: () => Effect.void })
// @ts-expect-error it gives a string
toolkit.toLayer({ head: () => Effect.succeed(1), save: () => Effect.void })

// the output has the type of its schema, in the event and in what a terminal gives
const Invoice = Schema.Struct({ date: Schema.Date })
const typed = threads.run(id, { output: Invoice })
expectTypeOf<Extract<Stream.Stream.Success<typeof typed>, { _tag: "RunCompleted" }>["output"]>().toEqualTypeOf<{
  readonly date: Date
}>()
const result = Run.result(typed)
expectTypeOf<Effect.Effect.Success<typeof result>["output"]>().toEqualTypeOf<{ readonly date: Date }>()
const handled = typed.pipe(Run.handle({ ToolCallCompleted: ({ name }) => Effect.log(name) }))
expectTypeOf<Effect.Effect.Success<typeof handled>["output"]>().toEqualTypeOf<{ readonly date: Date }>()
const untyped = Run.result(threads.run(id))
expectTypeOf<Effect.Effect.Success<typeof untyped>["output"]>().toEqualTypeOf<undefined>()
declare const any: Stream.Stream<RunEvent.RunEvent>
expectTypeOf(Run.text(any)).toMatchTypeOf<Effect.Effect<string, unknown>>()

// what a schema needs, the run needs
const Stored = Schema.String.pipe(
  Schema.transformOrFail(Schema.String, {
    strict: true,
    decode: (name) => Effect.map(Database, (database) => database.name + name),
    encode: Effect.succeed
  })
)
const stored = threads.run(id, { output: Schema.Struct({ name: Stored }) })
expectTypeOf<Stream.Stream.Context<typeof stored>>().toEqualTypeOf<Database>()

// annotations have their types
Head.annotate(Tools.NeedsApproval, (parameters: { readonly rows: number }) => parameters.rows > 10)
// @ts-expect-error it is no answer
Head.annotate(Tools.NeedsApproval, "maybe")
