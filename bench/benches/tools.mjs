// A tool loop of three calls and an answer: CPU time for a run, against a loop written by hand over the SDK's stream.
import process from "node:process"
import { steps } from "../answers.mjs"
import { number, ranged, table } from "../lib/markdown.mjs"
import { measured, over, ratio } from "../lib/statistics.mjs"

export const title = `A tool loop of ${steps} calls, one after the other`
export const contestants = ["sdk-tools", "tools"]
export const peers = []

const warmUps = 300
const runs = 300
const text = Array.from({ length: 20 }, (_, index) => ` word${index}`).join("")

export const measure = async ({ connect, name }, server) => {
  const run = connect(`${server}/tools`)
  const times = async (count) => {
    for (let i = 0; i < count; i++) {
      const calls = []
      const answer = await run((args) => {
        calls.push(args.days)
        return { celsius: 20 }
      })
      if (answer !== text || calls.join() !== "0,1,2") throw new Error(`${name} made the calls ${calls.join()}`)
    }
  }
  await times(warmUps)
  const before = process.cpuUsage()
  await times(runs)
  const { system, user } = process.cpuUsage(before)
  return { perRun: (system + user) / 1000 / runs }
}

const perRun = (figures) => figures.perRun

export const report = (rounds) => ({
  markdown: table(
    ["", "CPU, ms per run", "× SDK"],
    measured(rounds, contestants, peers).map((name) => [
      name,
      number(over(rounds, (round) => round[name]?.perRun)),
      ranged(ratio(rounds, name, "sdk-tools", perRun))
    ])
  ),
  goals: [{ goal: 9, what: "tool loop", value: ratio(rounds, "tools", "sdk-tools", perRun), most: 0.8 }]
})
