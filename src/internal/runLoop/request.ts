/** What the requests for an answer have in common. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { RequestError } from "../../OpenAIError.ts"
import { none, RetryPolicy } from "../../RetryPolicy.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { Timeouts } from "../../Timeouts.ts"
import * as Line from "../line.ts"
import * as Pull from "../pull.ts"
import type { WireEvent } from "../wireEvents.ts"
import { withContext } from "../withContext.ts"
import type { RunState } from "./runState.ts"

type Opened = Effect.Effect<Pull.Pull<WireEvent, RequestError>, RequestError>

/**
 * Opens the stream of an answer on a line of its own, which can be given up before the thread is. It is sent again by the
 * run and not below, so that the reader hears of it.
 */
export const openLine = (run: RunState, stream: Stream.Stream<WireEvent, RequestError>): Opened =>
  Effect.suspend(() => {
    const { busy, limits: common, plan: { idleTimeout } } = run
    const limits = { ...common, idle: idleTimeout ?? common.idle }
    const openOn = Line.openOn(stream)
    const isFirst = run.endLine === undefined
    const opened = openOn === undefined
      ? openScope(run, stream, limits)
      : openOn({ line: lineOf(run), policy: none, limits })
    return isFirst ? Effect.zipRight(Scope.addFinalizerExit(busy, (exit) => run.hangUp(exit)), opened) : opened
  })

const lineOf = (run: RunState): Line.Line => {
  const line = new Line.Line()
  run.endLine = (exit) => Effect.sync(() => line.end(exit))
  return line
}

/** A stream of somebody else's has a scope instead. */
const openScope = (
  run: RunState,
  stream: Stream.Stream<WireEvent, RequestError>,
  limits: Line.Terms["limits"]
): Opened =>
  Effect.flatMap(Scope.fork(run.busy, run.busy.strategy), (scope) => {
    run.endLine = (exit) => Scope.close(scope, exit)
    return withContext((context) =>
      Context.mergeAll(
        context,
        Context.make(Scope.Scope, scope),
        Context.make(RetryPolicy, none),
        Context.make(Timeouts, limits)
      )
    )(Pull.toOpen(stream))
  })

/** What the run wants to be told, and what the store needs. */
export const including = ({ plan }: RunState, { include = [] }: ThreadStore.Turn["params"]) => {
  const all = [...plan.params.include ?? [], ...include ?? []]
  return all.length === 0 ? {} : { include: all }
}
