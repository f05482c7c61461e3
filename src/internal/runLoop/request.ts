/** What the requests for an answer have in common. */
import * as Context from "effect/Context"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { none, RetryPolicy } from "../../RetryPolicy.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import { Timeouts } from "../../Timeouts.ts"
import type { RunState } from "./runState.ts"

/** It is held by `line`, and sent again by the run and not below, so that the reader hears of it. */
export const forAnswer =
  ({ limits, plan: { idleTimeout }, span }: RunState, line: Scope.Scope) =>
  (context: Context.Context<never>): Context.Context<Scope.Scope> =>
    context.pipe(
      Context.add(Scope.Scope, line),
      Context.add(Tracer.ParentSpan, span),
      Context.add(RetryPolicy, none),
      Context.add(Timeouts, { ...limits, idle: idleTimeout ?? limits.idle })
    )

/** What the run wants to be told, and what the store needs. */
export const including = ({ plan }: RunState, { include = [] }: ThreadStore.Turn["params"]) => {
  const all = [...plan.params.include ?? [], ...include ?? []]
  return all.length === 0 ? {} : { include: all }
}
