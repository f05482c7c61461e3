import type { RunEvent } from "../../RunEvent.ts"
import type { Projection } from "../projection.ts"
import type { Made } from "../toolSteps.ts"

/** Tells what a call came to, whoever made it. */
export const toolCallCompleted = (projection: Projection, { call, outcome }: Made): RunEvent => ({
  _tag: "ToolCallCompleted",
  ...projection.at(),
  itemId: call.id,
  callId: call.callId,
  name: call.name,
  arguments: call.arguments,
  output: outcome.output,
  isFailure: outcome.isFailure,
  result: outcome.result,
  ...(outcome.cause === undefined ? {} : { cause: outcome.cause })
})
