/** Which endpoint answers which request. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { Json } from "../Script.ts"
import * as Conversations from "./conversations.ts"
import * as Files from "./files.ts"
import { type Answer, type ApiError, type ApiRequest, type Checked, errorAnswer, jsonAnswer, reject } from "./http.ts"
import { limited } from "./limited.ts"
import * as Responses from "./responses.ts"
import type { State } from "./state.ts"

type Handled = Effect.Effect<Answer, ApiError, Scope.Scope>

const authorize = (headers: ApiRequest["headers"]): Checked<void> => {
  const key = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1]
  if (key === undefined) {
    return reject(
      401,
      "invalid_api_key",
      "You didn't provide an API key in an Authorization header (i.e. Authorization: Bearer YOUR_KEY)."
    )
  }
  return key === "sk-invalid"
    ? reject(401, "invalid_api_key", "Incorrect API key provided: sk-inv*lid.")
    : Either.right(undefined)
}

const raw = (answer: Checked<Answer>): Handled => answer

const json = (value: Checked<Json>): Handled => Effect.map(value, (value) => jsonAnswer(value))

const endpoint = (state: State, request: ApiRequest): Handled => {
  const { method } = request
  const [resource, id, sub, subId, ...rest] = request.path.split("/").filter((segment) => segment !== "").map(
    decodeURIComponent
  )
  const depth = [resource, id, sub, subId].filter((segment) => segment !== undefined).length + rest.length
  if (resource === "conversations") {
    if (depth === 1 && method === "POST") return json(Conversations.create(state, request))
    if (depth === 2 && id !== undefined) {
      if (method === "GET") return json(Conversations.retrieve(state, id))
      if (method === "POST") return json(Conversations.update(state, id, request))
      if (method === "DELETE") return json(Conversations.remove(state, id))
    }
    if (id !== undefined && sub === "items") {
      if (depth === 3 && method === "GET") return json(Conversations.listItems(state, id, request))
      if (depth === 3 && method === "POST") return json(Conversations.createItems(state, id, request))
      if (depth === 4 && subId !== undefined && method === "GET") {
        return json(Conversations.retrieveItem(state, id, subId, request))
      }
      if (depth === 4 && subId !== undefined && method === "DELETE") {
        return json(Conversations.removeItem(state, id, subId))
      }
    }
  }
  if (resource === "responses") {
    if (depth === 1 && method === "POST") return limited(state, request, Responses.create(state, request))
    if (depth === 2 && id === "input_tokens" && method === "POST") {
      return json(Responses.countInputTokens(state, request))
    }
    if (depth === 2 && id !== undefined) {
      if (method === "GET") return Responses.retrieve(state, id, request)
      if (method === "DELETE") return json(Responses.remove(state, id))
    }
    if (depth === 3 && id !== undefined) {
      if (sub === "cancel" && method === "POST") return json(Responses.cancel(state, id))
      if (sub === "input_items" && method === "GET") return json(Responses.listInputItems(state, id, request))
    }
  }
  if (resource === "files") {
    if (depth === 1 && method === "POST") return json(Files.create(state, request))
    if (depth === 2 && id !== undefined) {
      if (method === "GET") return json(Files.retrieve(state, id))
      if (method === "DELETE") return json(Files.remove(state, id))
    }
    if (depth === 3 && id !== undefined && sub === "content" && method === "GET") return raw(Files.content(state, id))
  }
  if (resource === "containers" && id !== undefined && sub === "files" && subId !== undefined) {
    if (rest[0] === "content" && depth === 5 && method === "GET") {
      return raw(Files.containerContent(state, id, subId))
    }
  }
  return reject(404, null, `Invalid URL (${method} /v1${request.path})`)
}

/** Answers a request. Generation in the foreground lives as long as the scope. */
export const route = (state: State, request: ApiRequest): Effect.Effect<Answer, never, Scope.Scope> =>
  Effect.suspend(() => authorize(request.headers)).pipe(
    Effect.flatMap(() => endpoint(state, request)),
    Effect.catchTag("ApiError", (error) => Effect.succeed(errorAnswer(error)))
  )
