/**
 * Goal 8: how long the installed `openai-threads` takes to its first text, against a plain script over the SDK that does
 * the same (a conversation with the question in it, then a streamed response), and how long `--help` takes.
 *
 * node bench/cli.mjs [rounds]
 *
 * BIN is the bin to measure (default: dist/cli/start.js, after a build), NODE the Node that runs all contestants. The
 * server is the simulator in a process of its own. The contestants take turns; what counts is the median. Beside the
 * time on the wall stands the time on the processor up to the first text, which other processes disturb less.
 */
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const self = fileURLToPath(import.meta.url)

const plain = async () => {
  const { default: OpenAI } = await import("openai")
  const client = new OpenAI()
  const content = process.argv[3]
  const { id } = await client.conversations.create({ items: [{ type: "message", role: "user", content }] })
  const model = process.env.OPENAI_MODEL
  const stream = await client.responses.create({ model, conversation: id, input: [], stream: true })
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") process.stdout.write(event.delta)
  }
}

/** Nanoseconds on the processor, of all threads; undefined where there is no /proc. */
const cpuOf = (pid) => {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const times = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]))
    return times.reduce((sum, time) => sum + time, 0) / 1e6
  } catch {
    return undefined
  }
}

const compare = async (rounds) => {
  const bin = process.env.BIN ?? fileURLToPath(new URL("../dist/cli/start.js", import.meta.url))
  const node = process.env.NODE ?? process.execPath

  const server = spawn(process.execPath, [bin, "simulate"], { stdio: ["ignore", "pipe", "ignore"] })
  const url = await new Promise((resolve) => server.stdout.once("data", (data) => resolve(String(data).trim())))
  const env = { ...process.env, OPENAI_BASE_URL: url, OPENAI_API_KEY: "sk-bench", OPENAI_MODEL: "bench" }

  const first = (args) =>
    new Promise((resolve, reject) => {
      const start = process.hrtime.bigint()
      const child = spawn(node, args, { env, stdio: ["ignore", "pipe", "inherit"] })
      let seen
      child.stdout.on("data", () => {
        seen ??= { wall: Number(process.hrtime.bigint() - start) / 1e6, cpu: cpuOf(child.pid) }
      })
      child.on("close", (code) => code === 0 && seen ? resolve(seen) : reject(new Error(`${args}: ${code}`)))
    })

  const contestants = {
    "empty node": ["-e", "console.log(1)"],
    "plain openai script": [self, "plain", "Hello"],
    "openai-threads ask": [bin, "ask", "-q", "Hello"],
    "openai-threads --help": [bin, "--help"]
  }
  const names = Object.keys(contestants)
  const results = Object.fromEntries(names.map((name) => [name, []]))
  // The compile cache is written by the first run.
  for (const name of names) for (let i = 0; i < 2; i++) await first(contestants[name])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]
      results[name].push(await first(contestants[name]))
    }
  }
  server.kill()

  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
  const show = (value) => value === undefined || Number.isNaN(value) ? "-" : value.toFixed(1)
  const of = (name, kind) => median(results[name].map((result) => result[kind]))
  const ratio = (kind) =>
    median(results["openai-threads ask"].map((ask, i) => ask[kind] / results["plain openai script"][i][kind]))
  console.log(`${rounds} rounds; milliseconds to the first text, median`)
  for (const name of names) {
    console.log(
      `${name.padEnd(24)} wall ${show(of(name, "wall")).padStart(6)}   cpu ${show(of(name, "cpu")).padStart(6)}`
    )
  }
  console.log(`ask over plain, median of the rounds: wall ${ratio("wall").toFixed(2)}, cpu ${ratio("cpu").toFixed(2)}`)
}

await (process.argv[2] === "plain" ? plain() : compare(Number(process.argv[2] ?? 15)))
