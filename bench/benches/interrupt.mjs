// From an interruption, while the server is silent, to the end of the socket as the server sees it.
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { now } from "../lib/clock.mjs"
import { ask } from "../lib/control.mjs"
import { number, table } from "../lib/markdown.mjs"
import { measured, over, quantile } from "../lib/statistics.mjs"

export const title = "Interruption while the server is silent"
export const contestants = ["fetch", "sdk", "stream", "handle"]
export const peers = ["naive", "openai-agents", "sdk-helper", "ai", "effect-ai"]

const warmUps = 30
const runs = 100
const patience = 2_000

export const measure = async ({ connect }, server) => {
  const run = connect(`${server}/silent`)
  let unhandled = 0
  process.on("unhandledRejection", () => {
    unhandled++
  })
  const once = async () => {
    const controller = new AbortController()
    let ended
    await new Promise((resolve, reject) => {
      // An interrupted run may fail or end, as its kind does.
      ended = run({ onDelta: resolve, signal: controller.signal }).then(() => {}, (error) => {
        if (!controller.signal.aborted) reject(error)
      })
    })
    await sleep(Math.random() * 5)
    const start = now()
    controller.abort()
    const both = Promise.all([ask(server, "closed"), ended])
    const closed = await Promise.race([both.then(([closed]) => closed), sleep(patience)])
    return closed === undefined ? undefined : closed - start
  }
  const times = []
  for (let i = 0; i < warmUps + runs; i++) {
    const time = await once()
    // The next would not be told apart from the one that hangs.
    if (time === undefined) return { hangs: 1, unhandled }
    if (i >= warmUps) times.push(time)
  }
  await sleep(50)
  return { hangs: 0, unhandled, p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

export const report = (rounds) => {
  const figure = (name, key) => over(rounds, (round) => round[name]?.[key])
  const worst = (name, key) => {
    const value = figure(name, key)
    return value === undefined ? undefined : { ...value, median: value.most }
  }
  return {
    markdown: table(
      ["", "closed after p50, ms", "p95, ms", "hangs", "unhandled rejections"],
      measured(rounds, contestants, peers).map((name) => [
        name,
        number(figure(name, "p50")),
        number(figure(name, "p95")),
        worst(name, "hangs") === undefined ? "n/a" : worst(name, "hangs").most > 0 ? "yes" : "none",
        String(worst(name, "unhandled")?.most ?? "n/a")
      ])
    ),
    goals: ["stream", "handle"].flatMap((name) => [
      { goal: 7, what: `interruption, ${name}, p95`, value: figure(name, "p95"), most: 2.5, unit: "ms" },
      { goal: 7, what: `interruption, ${name}, hangs`, value: worst(name, "hangs"), most: 0, unit: "" },
      { goal: 7, what: `interruption, ${name}, unhandled`, value: worst(name, "unhandled"), most: 0, unit: "" }
    ])
  }
}
