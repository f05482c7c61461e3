// A long answer from a network that is faster than the reader: CPU time for each event.
import process from "node:process"
import { number, ranged, table } from "../lib/markdown.mjs"
import { measured, over, ratio } from "../lib/statistics.mjs"

export const title = "Burst: 16,000 deltas, written 64 KiB at a time"
export const contestants = ["sdk", "stream", "terminal", "handle", "fetch", "bytes"]
export const peers = ["openai-agents", "naive", "ai", "sdk-helper", "effect-ai"]

const deltas = 16_000
const length = Array.from({ length: deltas }, (_, i) => ` word${i % 100}`).join("").length

const cpu = () => {
  const { system, user } = process.cpuUsage()
  return system + user
}

// Runs so often, or until the time is over: one of the contestants takes seconds for a run.
const repeat = async (times, atMost, run) => {
  const end = performance.now() + atMost
  let runs = 0
  do {
    await run()
    runs++
  } while (runs < times && performance.now() < end)
  return runs
}

export const measure = async ({ connect, name }, server) => {
  const run = connect(`${server}/burst/${deltas}`)
  const once = async () => {
    let seen = 0
    await run({
      onDelta: (delta) => {
        seen += delta.length
      }
    })
    if (seen !== (name === "bytes" ? 0 : length)) throw new Error(`${name} saw ${seen} of ${length} characters`)
  }
  await repeat(6, 3_000, once)
  const before = cpu()
  const runs = await repeat(12, 3_000, once)
  return { perEvent: (cpu() - before) / runs / deltas }
}

const perEvent = (figures) => figures.perEvent

export const report = (rounds) => ({
  markdown: table(
    ["", "CPU, µs per event", "× SDK"],
    measured(rounds, contestants, peers).map((name) => [
      name,
      number(over(rounds, (round) => round[name]?.perEvent)),
      ranged(ratio(rounds, name, "sdk", perEvent))
    ])
  ),
  goals: [
    { goal: 1, what: "burst, Stream", value: ratio(rounds, "stream", "sdk", perEvent), most: 0.4 },
    { goal: 1, what: "burst, terminal", value: ratio(rounds, "terminal", "sdk", perEvent), most: 0.27 }
  ]
})
