// The server and each contestant are processes of their own, and on cores of their own where there are two and `taskset`.
import { spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"

// The cores that this process may use, from a list such as `0-3,8`.
const cores = () => {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).status !== 0) return []
  const [, list = ""] = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/self/status", "utf8")) ?? []
  return list.split(",").flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

const allowed = cores()
export const pinned = allowed.length >= 2

// Both are given as a number of their own, so that the runner never shares the contestants' core on a larger machine.
const coreOf = { server: allowed[0], contestant: allowed[1] }

// Starts a file of this folder; `message` is the first thing that it sends.
export const start = (role, file, args = [], flags = []) => {
  const command = [process.execPath, ...flags, fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args]
  const [name, ...rest] = pinned ? ["taskset", "-c", String(coreOf[role]), ...command] : command
  const child = spawn(name, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const message = new Promise((resolve, reject) => {
    child.once("message", resolve)
    child.once("error", reject)
    child.once("exit", (code, signal) => reject(new Error(`${file} ${args.join(" ")} ended with ${code ?? signal}`)))
  })
  return { message, end: () => child.kill() }
}
