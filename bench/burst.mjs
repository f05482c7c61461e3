// What a run of many small deltas costs when the network is faster than the reader: CPU time per event, as a ratio to
// plain iteration over the SDK's stream in the same round. Each contestant and the server are processes of their own,
// the order rotates, and the figure is the median over the rounds. Run with `npm run bench`.
import { Effect, Layer, Redacted, Stream } from "effect"
import { fork } from "node:child_process"
import { createServer } from "node:http"
import process from "node:process"
import { fileURLToPath } from "node:url"
import SDK from "openai"
import { Assistants, OpenAI, Run, Threads, ThreadStore } from "../dist/index.js"

const deltas = 16_000
const warmups = 4
const runs = 8
const rounds = 7

const body = () => {
  let sequence = 0
  let text = ""
  const sse = (type, fields) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const at = { item_id: "msg_0f60efc621c9344f006957e6b92914819482", output_index: 0, content_index: 0 }
  const response = { id: "resp_0f60efc621c9344f006957e6b92914", object: "response", model: "bench", output: [] }
  const pieces = [sse("response.created", { response: { ...response, status: "in_progress" } })]
  for (let i = 0; i < deltas; i++) {
    const delta = ` word${i % 100}`
    text += delta
    pieces.push(sse("response.output_text.delta", { ...at, delta, logprobs: [], obfuscation: "Ab3dEf6h" }))
  }
  const item = {
    id: at.item_id,
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text, annotations: [] }]
  }
  const usage = { input_tokens: 1, output_tokens: deltas, total_tokens: deltas + 1 }
  pieces.push(sse("response.output_item.done", { output_index: 0, item }))
  pieces.push(sse("response.completed", { response: { ...response, status: "completed", output: [item], usage } }))
  return Buffer.from(pieces.join(""))
}

const serve = () => {
  const answer = body()
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === "/v1/conversations") {
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify({ id: "conv_bench", object: "conversation", created_at: 0, metadata: {} }))
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    for (let from = 0; from < answer.length; from += 65_536) response.write(answer.subarray(from, from + 65_536))
    response.end()
  })
  server.listen(0, "127.0.0.1", () => process.send(server.address().port))
}

const contestants = {
  sdk: (baseURL) => {
    const client = new SDK({ apiKey: "sk-bench", baseURL, maxRetries: 0 })
    return async () => {
      let events = 0
      for await (const _ of await client.responses.create({ model: "bench", input: "go", stream: true })) events++
      return events
    }
  },
  stream: (baseUrl) => ours(baseUrl, (run, count) => Stream.runForEachChunk(run, (chunk) => count(chunk.length))),
  terminal: (baseUrl) => ours(baseUrl, (run, count) => Effect.zipRight(count(deltas), Run.result(run)))
}

const ours = (baseUrl, read) => {
  const layer = Threads.layer.pipe(
    Layer.provide([ThreadStore.layerConversations, Assistants.layer([])]),
    Layer.provide(OpenAI.layer({ apiKey: Redacted.make("sk-bench"), baseUrl }))
  )
  return () =>
    Effect.gen(function*() {
      const threads = yield* Threads.Threads
      const thread = yield* threads.create()
      let events = 0
      yield* read(threads.run(thread.id, { model: "bench" }), (n) => Effect.sync(() => void (events += n)))
      return events
    }).pipe(Effect.provide(layer), Effect.runPromise)
}

const measure = async (name, port) => {
  const run = contestants[name](`http://127.0.0.1:${port}/v1`)
  for (let i = 0; i < warmups; i++) await run()
  const before = process.cpuUsage()
  let events = 0
  for (let i = 0; i < runs; i++) events += await run()
  const { system, user } = process.cpuUsage(before)
  if (events < runs * deltas) throw new Error(`${name} saw ${events} events`)
  process.send((user + system) / events)
}

const child = (...args) => {
  const process = fork(fileURLToPath(import.meta.url), args.map(String))
  const message = new Promise((resolve, reject) => {
    process.once("message", resolve)
    process.once("exit", (code) => code === 0 || reject(new Error(`${args[0]} ended with ${code}`)))
  })
  return { process, message }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

const main = async () => {
  const server = child("serve")
  const port = await server.message
  const names = Object.keys(contestants)
  const measured = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]
      measured[name].push(await child("measure", name, port).message)
    }
  }
  server.process.kill()
  console.log(`Node ${process.version}, ${deltas} deltas a run, median of ${rounds} rounds`)
  for (const name of names) {
    const ratios = measured[name].map((value, round) => value / measured.sdk[round])
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
    console.log(
      `${name.padEnd(9)} ${median(measured[name]).toFixed(2)} µs per event   ${
        median(ratios).toFixed(2)
      } × sdk (${range})`
    )
  }
}

const [task, ...args] = process.argv.slice(2)
if (task === "serve") serve()
else if (task === "measure") await measure(...args)
else await main()
