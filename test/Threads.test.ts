import { expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Run, Threads } from "effect-openai-threads"
import { Script, Simulator } from "effect-openai-threads/testing"
import { threads } from "./support/layers.ts"

it.effect("creates, writes, runs, reads back", () =>
  Effect.gen(function*() {
    const service = yield* Threads.Threads
    const thread = yield* service.create()
    yield* service.addMessage(thread.id, "Hi?")
    const events = yield* Stream.runCollect(service.run(thread.id, { message: "More" }))
    console.log(JSON.stringify([...events], null, 1))
    const messages = yield* Stream.runCollect(service.messages(thread.id))
    console.log(JSON.stringify([...messages], null, 1))
    console.log(yield* Run.text(service.run(thread.id, { message: "More" })))
    const simulator = yield* Simulator.Simulator
    console.log((yield* simulator.requests).map((r) => `${r.method} ${r.path} ${r.status}`))
  }).pipe(Effect.provide(threads([Script.text("Hello you there"), Script.text("Bye")]))))
