/** The beginning of a run: it waits for its turn at the thread, writes its message, and says that it has started. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type * as ThreadStore from "../../ThreadStore.ts"
import * as ActiveRuns from "../activeRuns.ts"
import * as Pull from "../pull.ts"
import { answer } from "./answer.ts"
import { ask } from "./ask.ts"
import { lead, stillLeads, takeThread } from "./lead.ts"
import { leave, payOff } from "./leave.ts"
import { mayBeAsked, passOver } from "./passOver.ts"
import { readingAlong, type RunPull } from "./plan.ts"
import { goOnFrom, rejoin } from "./rejoin.ts"
import type { RunState } from "./runState.ts"
import { trying } from "./trying.ts"

export const enter = Effect.fnUntraced(function*(run: RunState) {
  const { from, plan, self, services: { active, store } } = run
  const other = ActiveRuns.claim(active, self)
  if (from !== undefined && other !== undefined) {
    // Somebody else was faster to go on with it.
    run.from = { ...from, leader: ActiveRuns.leaderOf(other) }
    return yield* goOnFrom(run, readingAlong, run.from)
  }
  yield* Scope.addFinalizer(run.busy, Effect.sync(() => ActiveRuns.remove(active, self)))
  if (run.isRemembered) yield* lead(run)
  const ticket = yield* run.failing(Pull.inScope(store.open(plan.threadId, plan.waiting), run.busy))
  run.next = start(run, ticket)
  if (ticket.position === 0) return yield* run.next
  // Whether that one has ended is seen by its leaving the thread.
  if (plan.interrupts) yield* endOther(run)
  // A cursor could not say of it that the step is over.
  return from?.cursor.over === true
    ? yield* run.next
    : [{ _tag: "RunQueued" as const, ...run.projection.at(), place: ticket.position }]
}, (stage, run): RunPull => run.once(stage))

/** What cannot be ended is waited for: it ends by itself, if not in time. */
const endOther = (run: RunState): Effect.Effect<void> =>
  Effect.catchAll(
    run.services.active.byThread.get(run.plan.threadId)?.stop ?? Effect.void,
    (error) =>
      Effect.sync(() => {
        run.notEnded = error
      })
  )

const start = (run: RunState, ticket: ThreadStore.Ticket): RunPull =>
  run.once(Effect.flatMap(run.failing(ticket.ready), (writer) => {
    if (run.isStopped) return run.cancelled
    ActiveRuns.hasTurn(run.services.active, run.self)
    const { from, plan: { message } } = run
    const leaving = Scope.addFinalizer(run.busy, leave(run))
    const paying = Scope.addFinalizer(run.busy, payOff(run, writer))
    if (from !== undefined) {
      return leaving.pipe(
        Effect.zipRight(paying),
        Effect.zipRight(stillLeads(run)),
        Effect.zipRight(rejoin(run, writer, from))
      )
    }
    const beginning = message === undefined
      ? begin(run, writer)
      : trying(run, "safe", writer.append([message]), () => begin(run, writer))
    if (run.tools === undefined) return Effect.zipRight(leaving, beginning)
    // Who does not want to wait writes nothing where it would have to.
    const first = run.isRemembered && run.plan.waiting.onBusy === "reject"
      ? Effect.zipRight(run.failing(takeThread(run)), beginning)
      : beginning
    return Effect.zipRight(Effect.zipRight(leaving, paying), first)
  }))

const begin = (run: RunState, writer: ThreadStore.Writer): RunPull =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { answers, assistant, params, timeout } = run.plan
    if (timeout !== undefined) run.limit = run.deadline = now + Duration.toMillis(timeout)
    run.next = answers.length > 0
      ? answer(run, writer)
      : mayBeAsked(run)
      ? passOver(run, writer)
      : run.tools === undefined || !run.isRemembered
      ? ask(run, writer, [], params)
      : askAlone(run, writer)
    return [{
      _tag: "RunStarted" as const,
      ...run.projection.at(),
      assistantId: assistant.id,
      model: params.model
    }]
  })

/** A run that may make calls has its thread before they are in it, so that nobody takes them for left. */
const askAlone = (run: RunState, writer: ThreadStore.Writer): RunPull =>
  run.once(Effect.zipRight(run.failing(takeThread(run)), ask(run, writer, [], run.plan.params)))
