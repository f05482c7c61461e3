/**
 * Serves the chat of web.ts on 127.0.0.1:3000, or where HOST and PORT say. With OPENAI_API_KEY and OPENAI_MODEL it talks to
 * OpenAI, without a key to a simulated model.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpServer from "@effect/platform/HttpServer"
import { Cause, Config, Console, Effect, Layer, Option } from "effect"
import { Assistant, Assistants, RunLog, Threads, ThreadStore } from "effect-openai-threads"
import { OpenAITest, Script } from "effect-openai-threads/testing"
import { createServer } from "node:http"
import { app } from "./web.ts"

const answer = [
  "This is a simulated answer: no model has read your question.",
  "It comes slowly, word by word, so that there is time to load the page again in the middle of it.",
  "Whatever you do to the page, the run goes on without it: close the tab, or cut the network.",
  "The page remembers one thing only, the cursor of the run, and reads all of it again from there.",
  "Only Stop ends it."
].join("\n")

const simulated = Threads.layer.pipe(
  Layer.provide(ThreadStore.layerConversations),
  Layer.provide(Assistants.layer([Assistant.make({ id: "chat", model: "simulated-model" })])),
  Layer.provide(OpenAITest.layer([Script.always(Script.turn(answer, { latency: "150 millis" }))]))
)

const threads = Layer.unwrapEffect(Effect.gen(function*() {
  const key = yield* Config.option(Config.nonEmptyString("OPENAI_API_KEY"))
  if (Option.isSome(key)) return Threads.layerConfig
  yield* Console.error("OPENAI_API_KEY is not set: the model is simulated and its answer is always the same.")
  return simulated
}))

const listening = Layer.suspend(() => {
  const server = createServer()
  const listen = NodeHttpServer.layerConfig(() => server, {
    host: Config.withDefault(Config.nonEmptyString("HOST"), "127.0.0.1"),
    port: Config.withDefault(Config.integer("PORT"), 3000)
  })
  // A page that reads along would keep the server from closing.
  const hangUp = Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  return Layer.provideMerge(Layer.scopedDiscard(hangUp), listen)
})

const serve = Layer.mergeAll(
  HttpServer.serve(app),
  Layer.effectDiscard(HttpServer.addressFormattedWith((address) => Console.error(`The chat is at ${address}`)))
).pipe(
  Layer.provide(listening),
  // What is known of a run of several steps once it is over; another process would need one that is kept elsewhere.
  Layer.provide(RunLog.layerMemory),
  Layer.provide(threads)
)

/** One sentence is enough for a person. */
const report = (cause: Cause.Cause<unknown>) =>
  Cause.isInterruptedOnly(cause)
    ? Effect.void
    : Console.error(Cause.prettyErrors(cause)[0]?.message ?? "The server failed.")

Layer.launch(serve).pipe(
  Effect.tapErrorCause(report),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
