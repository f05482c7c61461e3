/** Goes on with a run that was begun before, where its reader stands. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { NotResumable } from "../../RunError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { isOpen } from "../projection.ts"
import { conclude } from "./conclude.ts"
import { hearOn } from "./hear.ts"
import { committed, type From, type RunPull, type Turn } from "./plan.ts"
import type { RunState } from "./runState.ts"

/** As the one who drives it. */
export const rejoin = (run: RunState, writer: ThreadStore.Writer, from: From): RunPull =>
  Effect.flatMap(run.failing(writer.turn()), (turn) => goOnFrom(run, { ...turn, writer }, from))

export const goOnFrom = (run: RunState, turn: Turn, from: From): RunPull => {
  const { timeout } = run.plan
  run.isBlind = true
  if (timeout === undefined) return goOnHere(run, turn, from)
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    run.limit = run.deadline = now + Duration.toMillis(timeout)
    return goOnHere(run, turn, from)
  })
}

const goOnHere = (run: RunState, turn: Turn, { cursor, response }: From): RunPull => {
  // A cursor comes from outside: the response says itself whether it has its end.
  if (cursor.over === true && response.status === "completed") return run.loop.complete(run, committed(turn), response)
  const gone = new NotResumable({ runId: run.plan.runId, why: "foreground" })
  return run.isBackground
    ? hearOn(run, turn, gone)
    : isOpen(response)
    ? run.fail(gone)
    : conclude(run, turn, response, gone)
}
