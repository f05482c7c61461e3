/** The simulated API as an HttpApp. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Exchanges } from "./exchange.ts"
import { compressed } from "./gzip.ts"
import type { Steps } from "./step.ts"
import { networkError } from "./transport.ts"

const bodyOf = (steps: Steps): Stream.Stream<Uint8Array, Error> => {
  let over = false
  return Stream.repeatEffectOption(Effect.suspend((): Effect.Effect<Uint8Array, Option.Option<Error>> => {
    if (over) return Effect.fail(Option.none())
    return Effect.flatMap(steps, (step) => {
      switch (step._tag) {
        case "Stall":
          return Effect.never
        case "Reset":
          return Effect.fail(Option.some(networkError("ECONNRESET", "the simulated connection was reset")))
        case "End":
          return Effect.fail(Option.none())
        case "Bytes":
          over = step.last
          return Effect.succeed(step.bytes)
      }
    })
  }))
}

/** An app has no socket to break: a request whose connection would die before its headers is left without an answer. */
export const makeApp = (exchanges: Exchanges): HttpApp.Default<never, Scope.Scope> =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = new Uint8Array(yield* Effect.orElseSucceed(request.arrayBuffer, () => new ArrayBuffer(0)))
    const outcome = yield* exchanges.open({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body
    })
    if (outcome._tag !== "Answered") return yield* Effect.never
    return HttpServerResponse.stream(bodyOf(outcome.gzip ? compressed(outcome.next) : outcome.next), {
      status: outcome.status,
      headers: outcome.headers,
      contentType: outcome.headers["content-type"] ?? "application/octet-stream"
    })
  })
