// From asking to the first piece of text, by an idle reader that is warmed up.
import { setTimeout as sleep } from "node:timers/promises"
import { now } from "../lib/clock.mjs"
import { number, ranged, table } from "../lib/markdown.mjs"
import { measured, median, over } from "../lib/statistics.mjs"

export const title = "First delta: latency over raw fetch"
export const contestants = ["fetch", "sdk", "stream", "handle"]
export const peers = ["naive", "openai-agents", "sdk-helper", "ai", "effect-ai"]

const warmUps = 300
const runs = 300

export const measure = async ({ connect }, server) => {
  const run = connect(`${server}/first`)
  const once = async () => {
    let first
    const start = now()
    await run({
      onDelta: () => {
        first ??= now()
      }
    })
    // The connection is free again.
    await sleep(1)
    return first - start
  }
  const times = []
  for (let i = 0; i < warmUps; i++) await once()
  for (let i = 0; i < runs; i++) times.push(await once())
  return { first: median(times) }
}

// What a contestant adds to raw fetch, as a share of what the SDK adds.
const overhead = (name) => (round) =>
  (round[name]?.first - round.fetch?.first) / (round.sdk?.first - round.fetch?.first)

export const report = (rounds) => ({
  markdown: table(
    ["", "first delta, ms", "over fetch, ms", "× SDK's"],
    measured(rounds, contestants, peers).map((name) => [
      name,
      number(over(rounds, (round) => round[name]?.first)),
      number(over(rounds, (round) => round[name]?.first - round.fetch?.first)),
      ranged(over(rounds, overhead(name)))
    ])
  ),
  goals: [
    { goal: 5, what: "first delta over fetch, Stream", value: over(rounds, overhead("stream")), most: 0.8 },
    { goal: 5, what: "first delta over fetch, handle", value: over(rounds, overhead("handle")), most: 0.5 }
  ]
})
