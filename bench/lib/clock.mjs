// The machine's monotonic clock in milliseconds. It is the same in every process, so that the time at which the server
// sends something can be taken from the time at which a contestant sees it.
import { performance } from "node:perf_hooks"
import process from "node:process"

const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const now = () => performance.now() + offset
