// Runs the benches and says which goals hold. `README.md` tells how, and how the figures are kept honest.
import { writeFileSync } from "node:fs"
import process from "node:process"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { table } from "./lib/markdown.mjs"
import { install } from "./lib/ours.mjs"
import { pinned, start } from "./lib/processes.mjs"

const names = ["burst", "paced", "heap", "first", "growth", "slow", "interrupt", "tools", "costs"]

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    peers: { type: "string", default: "once" },
    dist: { type: "string", default: "" },
    json: { type: "string" }
  }
})
const unknown = options.only.filter((name) => !names.includes(name))
if (unknown.length > 0) throw new Error(`There is no bench ${unknown.join(", ")}, only ${names.join(", ")}`)

const roundsOf = (bench) => Math.min(bench.rounds ?? Infinity, Number(options.rounds ?? (options.quick ? 1 : 5)))

// The peers differ by more than the noise, so that one round of them is enough to see where they stand.
const inRound = (bench, round) => [
  ...bench.contestants,
  ...(options.peers === "none" || (options.peers === "once" && round > 0) ? [] : bench.peers)
]

const rotate = (values, by) => values.map((_, index) => values[(index + by) % values.length])

// One that cannot keep up with the server's pace at all would not come to an end.
const patience = 120_000

const within = (time, promise) => {
  let timer
  const late = new Promise((resolve) => timer = setTimeout(resolve, time))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const runBench = async (name, bench, server) => {
  const rounds = []
  const tooSlow = []
  for (let round = 0; round < roundsOf(bench); round++) {
    const figures = {}
    for (const contestant of rotate(inRound(bench, round), round)) {
      process.stderr.write(`${name}, round ${round + 1}: ${contestant}          \r`)
      const child = start("contestant", "contestant.mjs", [name, contestant, server], bench.flags)
      if (bench.peers.includes(contestant)) {
        const figure = await within(patience, child.message)
        if (figure === undefined) {
          tooSlow.push(contestant)
          child.message.catch(() => {})
          child.end()
        } else figures[contestant] = figure
      } else figures[contestant] = await child.message
    }
    rounds.push(figures)
  }
  return { rounds, tooSlow }
}

const show = ({ most, unit = "×", value }) => {
  const figure = (number) => `${Number(number.toFixed(2))} ${unit}`.trim()
  return value === undefined
    ? [figure(most), "n/a", "", "not measured"]
    : [
      figure(most),
      figure(value.median),
      `${figure(value.least)}–${figure(value.most)}`,
      value.median <= most ? "holds" : "**missed**"
    ]
}

install(options.dist === "" ? new URL("../dist/", import.meta.url) : pathToFileURL(`${options.dist}/`))

const server = start("server", "server.mjs")
const address = await server.message
const started = performance.now()
const placed = pinned ? "server and contestants on a core of their own" : "not pinned to cores"
console.log(`# Benchmarks on Node ${process.version}, ${process.platform} ${process.arch}, ${placed}`)
const all = {}
const goals = []
for (const name of options.only.length === 0 ? names : options.only) {
  const bench = await import(`./benches/${name}.mjs`)
  const { rounds: figures, tooSlow } = await runBench(name, bench, address)
  all[name] = figures
  const report = bench.report(figures)
  goals.push(...report.goals)
  const rounds = `${figures.length} ${figures.length === 1 ? "round" : "rounds"}`
  const without = tooSlow.length === 0 ? "" : ` Not done within two minutes: ${tooSlow.join(", ")}.`
  console.log(`\n## ${bench.title}\n\n${report.markdown}\n\nMedian (and range) of ${rounds}.${without}`)
}
server.end()
goals.sort((a, b) => a.goal - b.goal)
console.log(`\n## Goals\n`)
console.log(
  table(["", "", "goal: at most", "value", "range", ""], goals.map((goal) => [goal.goal, goal.what, ...show(goal)]))
)
console.log(`\nIt took ${((performance.now() - started) / 1000).toFixed(0)} s.`)
if (options.json !== undefined) {
  writeFileSync(options.json, JSON.stringify({ node: process.version, pinned, rounds: all, goals }, undefined, 2))
}
