import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, FiberId } from "effect"
import { Thread } from "effect-openai-threads"
import { declare } from "../../src/internal/declare.ts"
import { handlersOf } from "../../src/internal/handlers.ts"
import { Line } from "../../src/internal/line.ts"
import * as ToolCalls from "../../src/internal/toolCalls.ts"

const toolkit = Toolkit.make(Tool.make("wait"))

const call: Thread.FunctionCall = {
  _tag: "FunctionCall",
  id: Thread.ItemId.make("fc_1"),
  callId: Thread.CallId.make("call_1"),
  name: "wait",
  arguments: "{}",
  status: "completed"
}

const at = { threadId: Thread.ThreadId.make("conv_1"), runId: Thread.RunId.make("run_1"), callId: call.callId }

/** So many operations, of which a fiber does 2048 before it lets others run. */
const operations = (count: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    let done = 0
    const next: Effect.Effect<void> = Effect.suspend(() => ++done >= count ? Effect.void : next)
    return next
  })

const callsOf = Effect.fnUntraced(function*(handlers: ReturnType<typeof toolkit.toLayer>) {
  const known = yield* Effect.provide(handlersOf(toolkit as never), handlers as never)
  return ToolCalls.make(known, yield* declare(known.tools), {
    declaredElsewhere: new Set(),
    context: Context.empty(),
    timeout: "1 minute"
  })
})

it.live("what a handler gives is heard, wherever whoever waits for it lets others run", () =>
  Effect.gen(function*() {
    const calls = yield* callsOf(toolkit.toLayer({ wait: () => Effect.yieldNow() }))
    for (let count = 1_990; count < 2_050; count++) {
      const made = yield* Effect.zipRight(operations(count), calls.run(call, at, new Line())).pipe(
        Effect.timeoutOption("1 second"),
        Effect.fork,
        Effect.flatMap(Fiber.join)
      )
      expect([count, made._tag]).toEqual([count, "Some"])
    }
  }))

it.live("a handler is interrupted when its line ends, and is not begun on one that has", () =>
  Effect.gen(function*() {
    const seen: Array<string> = []
    const calls = yield* callsOf(toolkit.toLayer({
      wait: () =>
        Effect.onInterrupt(
          Effect.zipRight(Effect.sync(() => void seen.push("begun")), Effect.never),
          () => Effect.sync(() => void seen.push("interrupted"))
        )
    }))
    const line = new Line()
    const fiber = yield* Effect.fork(calls.run(call, at, line))
    yield* Effect.yieldNow()
    expect(seen).toEqual(["begun"])
    line.end(Exit.void)
    expect(Exit.isInterrupted(yield* Fiber.await(fiber))).toBe(true)
    yield* Effect.yieldNow()
    expect(seen).toEqual(["begun", "interrupted"])
    expect(Exit.isInterrupted(yield* Effect.exit(calls.run(call, at, line)))).toBe(true)
    expect(seen).toHaveLength(2)
  }))

it.live("a handler ends with whoever waits for it, wherever that one is interrupted", () =>
  Effect.gen(function*() {
    let running = 0
    let begun = 0
    const handlers = toolkit.toLayer({
      wait: () =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            begun++
            running++
          }),
          () => Effect.never,
          () => Effect.sync(() => void running--)
        )
    })
    const calls = yield* callsOf(handlers)
    for (let count = 1_850; count < 2_050; count++) {
      const fiber = yield* Effect.fork(Effect.zipRight(operations(count), calls.run(call, at, new Line())))
      yield* Effect.yieldNow()
      fiber.unsafeInterruptAsFork(FiberId.none)
      yield* Fiber.await(fiber)
    }
    yield* Effect.sleep("50 millis")
    expect(begun).toBeGreaterThan(10)
    expect(running).toBe(0)
  }))
