/** Calls of the model under the rate limits that were asked for. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Json } from "../Script.ts"
import { type Answer, ApiError, type ApiRequest, isJson } from "./http.ts"
import { countTokens } from "./items.ts"
import type { Limiter } from "./rateLimits.ts"
import type { State } from "./state.ts"

const tokensOf = (state: State, body: Json): number => {
  const { conversation, input, instructions, max_output_tokens: most } = body
  const id = isJson(conversation) ? conversation.id : conversation
  const history = typeof id === "string" ? state.conversations.get(id)?.items ?? [] : []
  return Math.max(countTokens(instructions ?? null, history, input), typeof most === "number" ? most : 0)
}

const admit = (state: State, limiter: Limiter, { body, headers }: Pick<ApiRequest, "body" | "headers">) => {
  const call = isJson(body) ? body : {}
  return limiter.admit({
    key: headers.authorization ?? "",
    model: String(call.model),
    tokens: tokensOf(state, call),
    now: state.clock.unsafeCurrentTimeMillis()
  })
}

/** What is told of the limits by an error that comes instead of the answer. It counts like one. */
export const told = (
  state: State,
  { method, path, ...request }: Pick<ApiRequest, "body" | "headers"> & {
    readonly method: string
    readonly path: string
  }
): Readonly<Record<string, string>> =>
  state.limiter === undefined || method !== "POST" || path !== "/responses"
    ? {}
    : Either.match(admit(state, state.limiter, request), {
      onLeft: ({ headers }) => headers,
      onRight: (headers) => headers
    })

/** Nothing is counted and nothing told where there is no limit. */
export const limited = <R>(
  state: State,
  request: ApiRequest,
  answer: Effect.Effect<Answer, ApiError, R>
): Effect.Effect<Answer, ApiError, R> => {
  const { limiter } = state
  if (limiter === undefined) return answer
  const admitted = Effect.suspend(() => admit(state, limiter, request))
  return Effect.flatMap(admitted, (headers) =>
    Effect.mapBoth(answer, {
      onFailure: (error) => new ApiError({ ...error, headers: { ...headers, ...error.headers } }),
      onSuccess: (answer) => ({ ...answer, headers: { ...headers, ...answer.headers } })
    }))
}
