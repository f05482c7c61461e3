// What comes with a run: its lock and its loop, the gate of the rate limits, and a cursor for each event. CPU time for a run
// of 20 deltas, and for each event of one of 16,000.
import process from "node:process"
import { number, ranged, table } from "../lib/markdown.mjs"
import { over, ratio } from "../lib/statistics.mjs"

export const title = "What comes with a run: lock and loop, the gate of the rate limits, cursors"
export const contestants = ["request", "terminal", "gate", "gate-off", "stream", "cursors"]
export const peers = []

const perRun = { request: "burst/20", terminal: "burst/20", gate: "limited/20", "gate-off": "limited/20" }
const deltas = 16_000

const cpu = async (times, once) => {
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) await once()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / times
}

export const measure = async ({ connect, name }, server) => {
  const short = name in perRun
  const run = connect(`${server}/${short ? perRun[name] : `burst/${deltas}`}`)
  const once = () => run({ onDelta: () => {} })
  const times = short ? 500 : 12
  await cpu(short ? times : 6, once)
  const taken = await cpu(times, once)
  return short ? { perRun: taken / 1000 } : { perEvent: taken / deltas }
}

const rows = (rounds, names, figure) =>
  names.map((name) => [
    name,
    number(over(rounds, (round) => round[name]?.[figure])),
    ranged(ratio(rounds, name, names[0], (figures) => figures[figure]))
  ])

export const report = (rounds) => ({
  markdown: [
    table(["", "CPU, ms per run", "× the request alone"], rows(rounds, Object.keys(perRun), "perRun")),
    table(["", "CPU, µs per event", "× without cursors"], rows(rounds, ["stream", "cursors"], "perEvent"))
  ].join("\n\n"),
  goals: []
})
