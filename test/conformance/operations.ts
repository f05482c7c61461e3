/** What was asked of a simulated OpenAI, judged by OpenAI's OpenAPI document. */
import { Simulator } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { isMissing, read } from "./document.ts"
import { type Judged, make } from "./validator.ts"

const judge = isMissing ? (): Judged => ({ operation: "", problems: [] }) : make(read())

/** The operations that were asked for, in their order; fails when a request does not conform. */
export const operations = Effect.gen(function*() {
  const requests = yield* (yield* Simulator.Simulator).requests
  const judged = requests.map((request) => {
    const { operation, problems } = judge(request)
    const type = request.headers["content-type"]
    const noJson = request.body !== undefined && type !== "application/json" ? [`content-type is ${type}`] : []
    return { operation, problems: [...problems, ...noJson] }
  })
  expect(judged.filter(({ problems }) => problems.length > 0)).toEqual([])
  return judged.map(({ operation }) => operation)
})
