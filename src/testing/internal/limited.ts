/** Calls of the model under the rate limits that were asked for. */
import * as Effect from "effect/Effect"
import type { Json } from "../Script.ts"
import { type Answer, ApiError, type ApiRequest, isJson } from "./http.ts"
import { countTokens } from "./items.ts"
import type { State } from "./state.ts"

const tokensOf = (state: State, body: Json): number => {
  const { conversation, input, instructions, max_output_tokens: most } = body
  const id = isJson(conversation) ? conversation.id : conversation
  const history = typeof id === "string" ? state.conversations.get(id)?.items ?? [] : []
  return Math.max(countTokens(instructions ?? null, history, input), typeof most === "number" ? most : 0)
}

/** Nothing is counted and nothing told where there is no limit. */
export const limited = <R>(
  state: State,
  request: ApiRequest,
  answer: Effect.Effect<Answer, ApiError, R>
): Effect.Effect<Answer, ApiError, R> => {
  const { limiter } = state
  if (limiter === undefined) return answer
  const admitted = Effect.suspend(() => {
    const body = isJson(request.body) ? request.body : {}
    return limiter.admit({
      key: request.headers.authorization ?? "",
      model: String(body.model),
      tokens: tokensOf(state, body),
      now: state.clock.unsafeCurrentTimeMillis()
    })
  })
  return Effect.flatMap(admitted, (headers) =>
    Effect.mapBoth(answer, {
      onFailure: (error) => new ApiError({ ...error, headers: { ...headers, ...error.headers } }),
      onSuccess: (answer) => ({ ...answer, headers: { ...headers, ...answer.headers } })
    }))
}
