// Whether an event costs more in a longer answer, and what one large event costs.
import process from "node:process"
import { number, ranged, table } from "../lib/markdown.mjs"
import { median, over, ratio } from "../lib/statistics.mjs"

export const title = "Growth: 64,000 deltas against 16,000, and one event of 8 MB"
export const contestants = ["sdk", "stream", "terminal", "handle", "fetch"]
export const peers = []

// The median CPU time of a run, which one run that happens to meet a large collection does not move.
const cpu = async (run, times) => {
  const costs = []
  for (let i = 0; i < times; i++) {
    const before = process.cpuUsage()
    await run({ onDelta: () => {} })
    const { system, user } = process.cpuUsage(before)
    costs.push(system + user)
  }
  return median(costs)
}

export const measure = async ({ connect }, server) => {
  const short = connect(`${server}/burst/16000`)
  const long = connect(`${server}/burst/64000`)
  const large = connect(`${server}/large/8000000`)
  await cpu(short, 8)
  await cpu(long, 2)
  await cpu(large, 1)
  // In turns, so that both meet the same process.
  const costs = { short: [], long: [] }
  for (let i = 0; i < 5; i++) {
    costs.short.push(await cpu(short, 3) / 16_000)
    costs.long.push(await cpu(long, 1) / 64_000)
  }
  return { short: median(costs.short), long: median(costs.long), large: await cpu(large, 3) / 1000 }
}

const growth = (name) => (round) => round[name]?.long / round[name]?.short
const large = (figures) => figures.large

export const report = (rounds) => ({
  markdown: table(
    ["", "µs per event at 16,000", "at 64,000", "growth", "8 MB event, ms", "× SDK"],
    contestants.map((name) => [
      name,
      number(over(rounds, (round) => round[name]?.short)),
      number(over(rounds, (round) => round[name]?.long)),
      ranged(over(rounds, growth(name))),
      number(over(rounds, (round) => round[name]?.large)),
      ranged(ratio(rounds, name, "sdk", large))
    ])
  ),
  goals: [
    { goal: 6, what: "µs per event at 64,000 over 16,000, Stream", value: over(rounds, growth("stream")), most: 1.05 },
    {
      goal: 6,
      what: "µs per event at 64,000 over 16,000, terminal",
      value: over(rounds, growth("terminal")),
      most: 1.05
    },
    { goal: 6, what: "8 MB event, Stream", value: ratio(rounds, "stream", "sdk", large), most: 0.4 },
    { goal: 6, what: "8 MB event, terminal", value: ratio(rounds, "terminal", "sdk", large), most: 0.4 }
  ]
})
