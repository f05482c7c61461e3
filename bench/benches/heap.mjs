// What an open stream keeps alive. Garbage is collected here, so that this is never the process whose time is measured.
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { number, ranged, table } from "../lib/markdown.mjs"
import { withStreams } from "../lib/paced.mjs"
import { measured, over, ratio } from "../lib/statistics.mjs"

export const title = "Live heap: 200 open streams"
export const contestants = ["sdk", "stream", "terminal", "handle"]
export const peers = ["fetch", "naive", "openai-agents", "sdk-helper", "ai", "effect-ai"]
export const flags = ["--expose-gc"]

const live = async () => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

export const measure = async ({ connect }, server) => {
  const count = 200
  const open = (time) =>
    withStreams({ connect, server, count, perSecond: 10, onDelta: () => {}, during: () => sleep(time).then(live) })
  await open(1_000)
  await sleep(200)
  const before = await live()
  return { perStream: (await open(1_000) - before) / count / 1024 }
}

const perStream = (figures) => figures.perStream

export const report = (rounds) => ({
  markdown: table(
    ["", "KiB per stream", "× SDK"],
    measured(rounds, contestants, peers).map((name) => [
      name,
      number(over(rounds, (round) => round[name]?.perStream)),
      ranged(ratio(rounds, name, "sdk", perStream))
    ])
  ),
  goals: [
    { goal: 4, what: "live heap, Stream", value: ratio(rounds, "stream", "sdk", perStream), most: 1.2 },
    { goal: 4, what: "live heap, terminal", value: ratio(rounds, "terminal", "sdk", perStream), most: 1.05 }
  ]
})
