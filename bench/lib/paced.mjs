// Many streams at once whose pace is the server's.
import { setTimeout as sleep } from "node:timers/promises"
import { ask } from "./control.mjs"

// Opens so many streams, runs `during` when all of them are open, and interrupts them.
export const withStreams = async ({ count, onDelta, perSecond, connect, server, during }) => {
  const run = connect(`${server}/paced/${perSecond}`)
  const controllers = Array.from({ length: count }, () => new AbortController())
  let failure
  const runs = controllers.map(async ({ signal }) => {
    try {
      await run({ onDelta, signal })
      if (!signal.aborted) throw new Error("A stream ended by itself")
    } catch (error) {
      if (!signal.aborted) failure = error
    }
  })
  while ((await ask(server, "paced")).open < count) {
    if (failure !== undefined) throw failure
    await sleep(20)
  }
  const figures = await during()
  if (failure !== undefined) throw failure
  for (const controller of controllers) controller.abort()
  // One that an interruption does not reach is left to the end of the process.
  await Promise.race([Promise.all(runs), sleep(2_000)])
  return figures
}
