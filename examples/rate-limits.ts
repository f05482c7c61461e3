import { Console, Duration, Effect } from "effect"
import { OpenAI, RateLimits, Run, type Thread, Threads } from "effect-openai-threads"

/** Answers all of them; those that there is no room for wait. */
export const answerAll = (questions: ReadonlyArray<readonly [thread: Thread.ThreadId, message: string]>) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    return yield* Effect.forEach(
      questions,
      ([id, message]) => Run.text(threads.run(id, { message })),
      { concurrency: "unbounded" }
    )
  })

/** What is left, for each model that was asked. */
export const report = Effect.gen(function*() {
  const openai = yield* OpenAI.OpenAI
  for (const { model, requests, waiting } of yield* openai.rateLimits) {
    if (requests === undefined) continue
    const { limit, remaining, reset } = requests
    yield* Console.log(
      `${model}: ${remaining} of ${limit} left, whole in ${Duration.format(reset)}, ${waiting} waiting`
    )
  }
})

/** For a part of a program where somebody waits for the answer. */
export const impatient = RateLimits.layer({ maxWait: "5 seconds" })
