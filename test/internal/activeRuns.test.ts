import { Effect } from "effect"
import { Thread } from "effect-openai-threads"
import { expect, it } from "vitest"
import * as ActiveRuns from "../../src/internal/activeRuns.ts"

const run = (number: number): ActiveRuns.ActiveRun => ({
  owner: "here",
  runId: Thread.RunId.make(`run_${number}`),
  threadId: Thread.ThreadId.make("conv_1"),
  steps: [Thread.ResponseId.make(`resp_${number}`)],
  outputs: new Map(),
  leases: new Map(),
  end: undefined,
  hasTurn: false,
  isStopped: false,
  isAbandoned: false,
  stop: Effect.void
})

it("remembers the last thousand runs that are over or some more, and of those that go on every one", () => {
  const active = ActiveRuns.make()
  const runs = Array.from({ length: 2_002 }, (_, number) => run(number))
  for (const one of runs) expect(ActiveRuns.claim(active, one)).toBeUndefined()
  expect(ActiveRuns.claim(active, run(0))).toBe(runs[0])
  for (const one of runs.slice(0, -1)) ActiveRuns.remove(active, one)
  expect(active.byRun.size).toBe(1)
  const last = runs.at(-1)!
  for (const one of runs.slice(0, 1_000)) expect(ActiveRuns.find(active, one.runId)).toBeUndefined()
  for (const one of runs.slice(-1_001, -1)) {
    expect(ActiveRuns.find(active, one.runId)).toMatchObject({ steps: one.steps, end: "interrupted" })
  }
  expect(ActiveRuns.find(active, last.runId)).toBe(last)
})

it("remembers the steps of a run that somebody has gone on with in vain", () => {
  const active = ActiveRuns.make()
  const [first, second] = [run(0), run(0)]
  first.steps.push(Thread.ResponseId.make("resp_next"))
  for (const one of [first, second]) {
    ActiveRuns.claim(active, one)
    ActiveRuns.remove(active, one)
  }
  expect(ActiveRuns.find(active, first.runId)?.steps).toEqual(first.steps)
})
