// Many streams at once, each with a delta in each read, 20 times a second, as a model writes: CPU time for each event, how
// late a delta is seen after it was sent, and how much of its core the reader takes.
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { now } from "../lib/clock.mjs"
import { ask } from "../lib/control.mjs"
import { number, ranged, table } from "../lib/markdown.mjs"
import { withStreams } from "../lib/paced.mjs"
import { measured, over, quantile, ratio } from "../lib/statistics.mjs"

export const title = "Paced: one delta per read, 20 a second in each of 200, 500 and 1,000 streams"
export const contestants = ["sdk", "stream", "terminal", "handle"]
export const peers = ["fetch", "bytes", "naive", "openai-agents", "sdk-helper", "ai", "effect-ai"]

const perSecond = 20
const stages = [
  { count: 200, warmUp: 2_500, time: 2_500 },
  { count: 500, warmUp: 1_000, time: 2_000 },
  { count: 1_000, warmUp: 1_000, time: 1_500 }
]
const atAllStages = ["sdk", "stream", "handle"]

const stage = (connect, server, { count, time, warmUp }) => {
  let measuring = false
  const lateness = []
  const onDelta = (delta) => {
    if (measuring) lateness.push(now() - Number(delta))
  }
  const during = async () => {
    await sleep(warmUp)
    const { sent: sentBefore } = await ask(server, "paced")
    const before = process.cpuUsage()
    const since = now()
    measuring = true
    await sleep(time)
    measuring = false
    const { system, user } = process.cpuUsage(before)
    const wall = now() - since
    const { sent } = await ask(server, "paced")
    const cpu = system + user
    return {
      perEvent: cpu / (sent - sentBefore),
      share: cpu / 1000 / wall,
      // What the server could send, as a share of what it should: it must not be the one that is saturated.
      served: (sent - sentBefore) / (count * perSecond * wall / 1000),
      ...(lateness.length === 0 ? {} : { p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99) })
    }
  }
  return withStreams({ connect, server, count, perSecond, onDelta, during })
}

export const measure = async ({ connect, name }, server) => {
  const figures = {}
  for (const each of atAllStages.includes(name) ? stages : stages.slice(0, 1)) {
    figures[each.count] = await stage(connect, server, each)
  }
  return figures
}

const at = (count, figure) => (figures) => figures[count]?.[figure]

const section = (rounds, { count }) => {
  const names = count === 200 ? measured(rounds, contestants, peers) : atAllStages
  const figure = (name, key) => over(rounds, (round) => at(count, key)(round[name] ?? {}))
  const rows = names.map((name) => [
    name,
    number(figure(name, "perEvent")),
    ranged(ratio(rounds, name, "sdk", at(count, "perEvent"))),
    number(figure(name, "share")),
    number(figure(name, "served")),
    number(figure(name, "p50")),
    ranged(figure(name, "p99"))
  ])
  const head = [
    `${count} streams`,
    "CPU, µs per event",
    "× SDK",
    "share of the core",
    "share of the pace",
    "late p50, ms",
    "late p99, ms"
  ]
  return table(head, rows)
}

export const report = (rounds) => {
  const perEvent = at(200, "perEvent")
  const late = at(500, "p99")
  const share = (name) => over(rounds, (round) => at(500, "share")(round[name] ?? {}))
  return {
    markdown: stages.map((each) => section(rounds, each)).join("\n\n"),
    goals: [
      { goal: 2, what: "200 paced, Stream", value: ratio(rounds, "stream", "sdk", perEvent), most: 1.15 },
      { goal: 2, what: "200 paced, terminal", value: ratio(rounds, "terminal", "sdk", perEvent), most: 0.9 },
      { goal: 3, what: "500 paced, Stream, share of the core", value: share("stream"), most: 0.95, unit: "" },
      { goal: 3, what: "500 paced, handle, share of the core", value: share("handle"), most: 0.95, unit: "" },
      { goal: 3, what: "500 paced, Stream, p99 lateness", value: ratio(rounds, "stream", "sdk", late), most: 2 },
      { goal: 3, what: "500 paced, handle, p99 lateness", value: ratio(rounds, "handle", "sdk", late), most: 1 }
    ]
  }
}
