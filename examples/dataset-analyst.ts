/**
 * Asks about a dataset, into which the model looks with tools. With OPENAI_API_KEY and OPENAI_MODEL it talks to OpenAI,
 * without a key to a simulated model. `--cut` breaks the simulated connection in the middle of the answer.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FileSystem from "@effect/platform/FileSystem"
import { Cause, Config, Console, Data, Effect, Layer, Option, Stream } from "effect"
import { Assistant, Assistants, Run, type RunEvent, Thread, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest } from "effect-openai-threads/testing"
import { fileURLToPath } from "node:url"
import * as CsvTools from "./csv-tools.ts"
import { analyst } from "./scripted-analyst.ts"

const filename = "iris-30.csv"
const file = fileURLToPath(new URL(`./data/${filename}`, import.meta.url))

/** What the person who started the program has to change. */
class Usage extends Data.TaggedError("Usage")<{ readonly message: string }> {}

const write = (text: string) => Effect.sync(() => process.stdout.write(text))

/** A line on stderr for each call: what was asked, and how the output begins. */
const show = ({ arguments: asked, name, output }: RunEvent.Of<"ToolCallCompleted">) =>
  Console.error(`${name} ${asked} → ${output.length > 40 ? `${output.slice(0, 39)}…` : output}`)

const ask = Effect.gen(function*() {
  const threads = yield* Threads.Threads
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* fs.readFile(file)

  const thread = yield* threads.create()
  yield* threads.addMessage(thread.id, {
    content: [
      Thread.text("¿Qué puedes decirme sobre este dataset?"),
      Thread.fileBytes(bytes, { filename, mediaType: "text/csv" })
    ]
  })
  const run = threads.run(thread.id, {
    instructions: "Actúa como un analista de datos profesional",
    additionalInstructions: "Toma cada cifra de las herramientas; no calcules ninguna por tu cuenta",
    toolkit: CsvTools.toolkit
  }).pipe(
    Run.handle({ ToolCallCompleted: show, TextDelta: ({ delta }) => write(delta) })
  )
  return { thread, run }
})

const readBack = (id: Thread.ThreadId) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    yield* Console.log(`\nThread ${id}`)
    yield* threads.messages(id).pipe(
      Stream.runForEach((message) => {
        const [firstLine] = Thread.textOf(message).split("\n", 1)
        return Console.log(`  ${message.role}: ${firstLine}`)
      })
    )
  })

const analyse = Effect.gen(function*() {
  const { run, thread } = yield* ask
  yield* run
  yield* write("\n")
  yield* readBack(thread.id)
})

const analyseOverBrokenWire = Effect.gen(function*() {
  const { run, thread } = yield* ask
  yield* run.pipe(
    Effect.zipRight(new Usage({ message: "The connection was to be cut, but the answer came to its end." })),
    Effect.catchTag("ConnectionLost", (error) =>
      Console.log(
        `\n\nConnectionLost: ${error.message}.\n` +
          `  how: ${error.how}\n` +
          `  partial: ${error.partial?.length ?? 0} characters`
      ))
  )
  yield* readBack(thread.id)
})

const simulated = (options: { readonly cut: boolean }) =>
  Threads.layer.pipe(
    Layer.provide(ThreadStore.layerConversations),
    Layer.provide(Assistants.layer([Assistant.make({ id: "analyst", model: "simulated-model" })])),
    Layer.provide(OpenAITest.layer(analyst({ ...options, latency: "25 millis" })))
  )

/** What the tools say they have from the file. Another layer here, and the model is told something else. */
const tools = CsvTools.layerFile(file)

const main = Effect.gen(function*() {
  const args = process.argv.slice(2)
  const cut = args.includes("--cut")
  const unknown = args.find((arg) => arg !== "--cut")
  if (unknown !== undefined) {
    return yield* new Usage({ message: `There is no option "${unknown}"; the only one is --cut.` })
  }

  const key = yield* Config.option(Config.nonEmptyString("OPENAI_API_KEY"))
  if (Option.isNone(key)) {
    yield* Console.error(
      "OPENAI_API_KEY is not set: the model is simulated. Its words come from a script, its figures from the tools that it calls.\n"
    )
    return yield* Effect.provide(cut ? analyseOverBrokenWire : analyse, [simulated({ cut }), tools])
  }
  if (cut) {
    return yield* new Usage({ message: "--cut works on the simulated model only: unset OPENAI_API_KEY to use it." })
  }
  const model = yield* Config.option(Config.nonEmptyString("OPENAI_MODEL"))
  if (Option.isNone(model)) {
    return yield* new Usage({ message: "OPENAI_MODEL is not set: set it to the id of a model that your key can use." })
  }
  return yield* Effect.provide(analyse, [Threads.layerConfig, tools])
})

/** One sentence is enough for a person; the stack is for nobody here. */
const report = (cause: Cause.Cause<{ readonly message: string }>) =>
  Cause.isInterruptedOnly(cause)
    ? Effect.void
    : Console.error(Cause.prettyErrors(cause)[0]?.message ?? "The program failed.")

// A reader that goes away, as `| head -1` does, is no failure of ours.
process.stdout.on("error", () => process.exit(0))

main.pipe(
  Effect.tapErrorCause(report),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
