import { Console, Effect, Stream } from "effect"
import { Assistant, OpenAI, Run, type Thread, Threads } from "effect-openai-threads"

const researcher = Assistant.make({
  id: "researcher",
  instructions: "Search the web, then compute and plot with Python.",
  tools: [{ type: "web_search" }, { type: "code_interpreter", container: { type: "auto" } }]
})

export const research = (id: Thread.ThreadId, message: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const openai = yield* OpenAI.OpenAI
    const result = yield* threads.run(id, { assistant: researcher, message }).pipe(
      Run.handle({
        // `call` is there when a tool begins and when it is done.
        HostedToolProgress: ({ call, phase }) => {
          if (phase !== "done" || call?.result === undefined) return Effect.void
          switch (call.result._tag) {
            case "WebSearch":
              return Console.error(`searched ${call.result.queries.join(", ")}`, ...call.result.sources)
            case "CodeInterpreter":
              return Console.error(call.result.code, ...call.result.outputs)
            default:
              return Effect.void
          }
        }
      })
    )
    // What the code has left, as far as the answer names it.
    const files = yield* Effect.forEach(Run.files(result), (file) =>
      Effect.map(
        Stream.runCollect(openai.files.content(file)),
        (chunks) => ({ name: file.filename, bytes: Buffer.concat([...chunks]) })
      ))
    return { text: result.text, files }
  })
