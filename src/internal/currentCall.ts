/** What a handler may know of the call that it is made for. */
import * as Context from "effect/Context"
import type * as RunLog from "../RunLog.ts"

export class CurrentCall extends Context.Reference<CurrentCall>()("effect-openai-threads/Tools/CurrentCall", {
  defaultValue: (): RunLog.Call | undefined => undefined
}) {}
