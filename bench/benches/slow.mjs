// 200,000 deltas, 50 MB, that are read slowly: what the process takes from its socket ahead of the reader, and whether its
// heap grows. The server is held back as soon as the buffers of the kernel, some MB, are full too.
import { subscribe } from "node:diagnostics_channel"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { number, table } from "../lib/markdown.mjs"
import { over } from "../lib/statistics.mjs"

export const title = "A slow reader: 200,000 deltas"
export const contestants = ["fetch", "sdk", "stream", "stream-no-partial", "handle"]
export const peers = []
export const flags = ["--expose-gc"]
export const rounds = 1

const deltas = 200_000
// About one network read.
const pauseEvery = 256
const sampleEvery = pauseEvery * 64

export const measure = async ({ connect }, server) => {
  let socket
  subscribe("undici:client:connected", (message) => {
    socket = message.socket
  })
  const run = connect(`${server}/long/${deltas}`)
  const samples = []
  let seen = 0
  const pause = async (place) => {
    if (seen % sampleEvery !== 0) return sleep(1)
    // Whoever reads ahead does it now.
    await sleep(50)
    const ahead = socket.bytesRead - place
    globalThis.gc()
    samples.push({ ahead: ahead / 1024, heap: process.memoryUsage().heapUsed / 1024 })
  }
  await run({
    onDelta: (delta) => {
      seen++
      if (seen % pauseEvery === 0) return pause(Number(delta))
    }
  })
  if (seen !== deltas) throw new Error(`${seen} of ${deltas} deltas were seen`)
  return {
    ahead: Math.max(...samples.map((sample) => sample.ahead)),
    // The first sample is of a process that still warms up.
    growth: samples.at(-1).heap - samples[1].heap
  }
}

export const report = (all) => {
  const figure = (name, key) => over(all, (round) => round[name]?.[key])
  const beyond = (name) => over(all, (round) => round[name]?.ahead - round.fetch?.ahead)
  return {
    markdown: table(
      ["", "read ahead, KiB", "more than fetch, KiB", "growth of the heap, KiB"],
      contestants.map((name) => [
        name,
        number(figure(name, "ahead")),
        number(beyond(name)),
        number(figure(name, "growth"))
      ])
    ),
    goals: [
      { goal: 6, what: "slow reader, Stream, read ahead beyond fetch", value: beyond("stream"), most: 64, unit: "KiB" },
      { goal: 6, what: "slow reader, handle, read ahead beyond fetch", value: beyond("handle"), most: 64, unit: "KiB" },
      {
        goal: 6,
        what: "slow reader, Stream without the partial text, growth of the heap",
        value: figure("stream-no-partial", "growth"),
        most: 1024,
        unit: "KiB"
      }
    ]
  }
}
