// The server that all contestants read from. What it answers to `POST …/responses` is told by the base URL: `/burst/16000`
// is an answer of 16,000 deltas. `GET /control/…` tells what it knows about the answers that it gives.
import { createServer } from "node:http"
import process from "node:process"
import { burst, large, step, writer } from "./answers.mjs"
import { now } from "./lib/clock.mjs"

const writeSize = 65_536
const bodies = new Map()
const cached = (make, size) => {
  const key = `${make.name} ${size}`
  if (!bodies.has(key)) bodies.set(key, make(size))
  return bodies.get(key)
}

// As fast as the reader takes it.
const pour = (response, body) => {
  let from = 0
  const on = () => {
    while (from < body.length) {
      const more = response.write(body.subarray(from, from + writeSize))
      from += writeSize
      if (!more) return response.once("drain", on)
    }
    response.end()
  }
  on()
}

let sent = 0
let open = 0
let closed = Promise.resolve(0)

const limits = {
  "x-ratelimit-limit-requests": "1000000",
  "x-ratelimit-remaining-requests": "999999",
  "x-ratelimit-reset-requests": "1ms",
  "x-ratelimit-limit-tokens": "1000000000",
  "x-ratelimit-remaining-tokens": "999999000",
  "x-ratelimit-reset-tokens": "1ms"
}

const scenarios = {
  limited: (response, deltas) => pour(response, cached(burst, Number(deltas))),
  burst: (response, deltas) => pour(response, cached(burst, Number(deltas))),
  large: (response, length) => pour(response, cached(large, Number(length))),
  // One delta a write, so many a second, until the reader leaves. A delta is the time at which it is sent.
  paced: (response, perSecond) => {
    const to = writer()
    const interval = 1000 / Number(perSecond)
    const send = () => {
      sent++
      response.write(to.delta(` ${now().toFixed(3)}`))
    }
    open++
    response.write(to.head())
    let timer = setTimeout(() => {
      send()
      timer = setInterval(send, interval)
    }, Math.random() * interval)
    response.on("close", () => {
      open--
      clearTimeout(timer)
      clearInterval(timer)
    })
  },
  // The first delta at once and the end when the reader has had time to see it.
  first: (response) => {
    const to = writer()
    response.write(to.head() + to.delta(" first"))
    setTimeout(() => response.end(to.tail()), 1)
  },
  // One delta and then silence, until the reader leaves.
  silent: (response) => {
    const to = writer()
    response.write(to.head() + to.delta(" first"))
    closed = new Promise((resolve) => response.on("close", () => resolve(now())))
  },
  // Many deltas, as fast as the reader takes them. A delta is where it begins, in bytes after the head.
  long: (response, deltas) => {
    const to = writer()
    let place = 0
    let left = Number(deltas)
    response.write(to.head())
    const on = () => {
      while (left > 0) {
        let block = ""
        while (left > 0 && block.length < writeSize) {
          const event = to.delta(` ${place}`)
          place += event.length
          block += event
          left--
        }
        if (!response.write(block)) return response.once("drain", on)
      }
      response.end(to.tail())
    }
    on()
  }
}

const control = {
  paced: () => ({ open, sent }),
  // Answers when the last silent answer has been closed.
  closed: () => closed
}

// The last output tells how far a tool loop is, and the model how many words its answer has.
const answerTools = async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const { input, model } = JSON.parse(Buffer.concat(chunks))
  const callId = Array.isArray(input) ? input.at(-1)?.call_id : undefined
  const words = Number(model.slice("bench-".length))
  response.end(step(callId === undefined ? 0 : Number(callId.slice("call_".length)) + 1, words))
}

const server = createServer(async (request, response) => {
  const [, scenario, ...args] = request.url.split("/")
  if (scenario === "tools") {
    response.socket.setNoDelay(true)
    response.writeHead(200, { "content-type": "text/event-stream" })
    return answerTools(request, response)
  }
  request.resume()
  if (scenario === "control") {
    const answer = await control[args[0]]()
    response.end(JSON.stringify(answer))
    return
  }
  response.socket.setNoDelay(true)
  response.writeHead(200, { "content-type": "text/event-stream", ...(scenario === "limited" ? limits : {}) })
  scenarios[scenario](response, ...args)
})
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`))
process.on("disconnect", () => process.exit())
