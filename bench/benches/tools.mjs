// A tool loop of three calls and an answer: CPU time for a run, against a loop written by hand over the SDK's stream.
import process from "node:process"
import { steps } from "../answers.mjs"
import { number, ranged, table } from "../lib/markdown.mjs"
import { measured, over, ratio } from "../lib/statistics.mjs"

export const title = `A tool loop of ${steps} calls, one after the other`
export const contestants = ["sdk-tools", "response-tools", "tools"]
export const peers = []

// Until V8 is done with what every run calls: the figures of each contestant fall for about 3,000 runs.
const warmUps = 4_000
const runs = 500
// An answer in one sentence, one in a few paragraphs, and a page.
const answers = { short: 20, long: 250, page: 500 }

const texts = new Map(
  Object.values(answers).map((words) => [words, Array.from({ length: words }, (_, index) => ` word${index}`).join("")])
)

const once = async (run, name, words) => {
  const calls = []
  const answer = await run(`bench-${words}`, (args) => {
    calls.push(args.days)
    return { celsius: 20 }
  })
  if (answer !== texts.get(words) || calls.join() !== "0,1,2") throw new Error(`${name} made the calls ${calls.join()}`)
}

export const measure = async ({ connect, name }, server) => {
  // One client, as a service has one: a second would throw away what is compiled for the first.
  const run = connect(`${server}/tools`)
  const lengths = Object.values(answers)
  for (let i = 0; i < warmUps; i++) await once(run, name, lengths[i % lengths.length])
  const figures = {}
  for (const [length, words] of Object.entries(answers)) {
    const before = process.cpuUsage()
    for (let i = 0; i < runs; i++) await once(run, name, words)
    const { system, user } = process.cpuUsage(before)
    figures[length] = (system + user) / 1000 / runs
  }
  return figures
}

export const report = (rounds) => ({
  markdown: table(
    ["", ...Object.entries(answers).flatMap(([, words]) => [`${words} words, ms per run`, "× SDK"])],
    measured(rounds, contestants, peers).map((name) => [
      name,
      ...Object.keys(answers).flatMap((length) => [
        number(over(rounds, (round) => round[name]?.[length])),
        ranged(ratio(rounds, name, "sdk-tools", (figures) => figures[length]))
      ])
    ])
  ),
  goals: Object.entries(answers).map(([length, words]) => ({
    goal: 9,
    what: `tool loop, answer of ${words} words`,
    value: ratio(rounds, "tools", "sdk-tools", (figures) => figures[length]),
    most: 0.8
  }))
})
