/**
 * One run, as a source that is pulled: take the lock, write the message, ask the model, pass its events on, take its
 * answer into the thread, call the tools that it wants and ask again, give the lock back, say that it is complete. Each
 * pull does the next piece of that, so nothing is held ahead of the reader but one network read.
 *
 * Each stage is a function of the run that gives the next events and sets `run.next` to the stage after it:
 *
 *     enter ─→ ask ─→ hear ─→ complete ─→ over
 *       │       ↑      ↑         ├─→ act ─→ callAll ─→ ask
 *       └─→ rejoin ────┘         └─→ follow ─→ hear, or enter
 *
 * A run on a thread that waits for something comes from `enter` to `ask` by `answer`, if it answers that, or `passOver`.
 * `hear` comes to `complete` by itself, or by `lookUp` and `conclude` where it cannot hear the end.
 *
 * The generator functions of the stages that every run goes through are made once, and given the run. One that is made in
 * each call takes V8 a hidden class each time, which keeps all that the function closes over until the next full
 * collection: that was a quarter of the time that collecting garbage took.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { RetryPolicy } from "../../RetryPolicy.ts"
import type { ResumeError } from "../../RunError.ts"
import type { RunEvent } from "../../RunEvent.ts"
import { Timeouts } from "../../Timeouts.ts"
import * as Pull from "../pull.ts"
import * as Telemetry from "../telemetry.ts"
import { complete } from "./complete.ts"
import { enter } from "./enter.ts"
import { giveBackPlace } from "./lead.ts"
import { left } from "./leave.ts"
import { type Plan, readingAlong, type Services } from "./plan.ts"
import { goOnFrom } from "./rejoin.ts"
import { type Loop, RunState } from "./runState.ts"
import { stop } from "./stop.ts"

const loop: Loop = { enter, complete, stop }

type Open = (plan: Plan, services: Services) => Pull.Open<RunEvent, ResumeError>

export const open: Open = Effect.fnUntraced(function*(plan, services) {
  const name = plan.assistant.name ?? plan.assistant.id
  const span = yield* Effect.makeSpanScoped(`invoke_agent ${name}`, {
    captureStackTrace: false,
    attributes: Telemetry.agentStart(plan)
  })
  const policy = yield* RetryPolicy
  const limits = yield* Timeouts
  const scope = yield* Effect.scope
  const busy = yield* Scope.fork(scope, scope.strategy)
  const run = new RunState(plan, services, loop, { span, policy, limits, busy })
  yield* Scope.addFinalizerExit(busy, (exit) => left(run, exit))
  yield* giveBackPlace(run)
  const { from } = plan
  run.next = from !== undefined && (from.leader !== undefined || from.isSettled)
    ? run.once(goOnFrom(run, readingAlong, from))
    : enter(run)
  return Pull.withInside(Effect.suspend(() => run.inTime(run.next)), (drain) => {
    run.isDrained = true
    return run.inSpan(drain)
  })
})
