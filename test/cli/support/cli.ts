/** Processes with nothing of this machine around them. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = mkdtempSync(join(tmpdir(), "openai-threads-"))
process.on("exit", () => rmSync(root, { recursive: true, force: true }))

/** A directory that is gone after the tests. */
export const temporary = (): string => mkdtempSync(join(root, "directory-"))

/** A directory without a configuration file. */
const nowhere = temporary()

interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Options {
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** What is piped in; without it standard input is `/dev/null`. */
  readonly stdin?: string | Uint8Array
  /** The descriptors of files that standard output and standard error go to. */
  readonly stdout?: number
  readonly stderr?: number
}

/** An environment without anything of this machine's. */
export const environment = (env: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  XDG_STATE_HOME: nowhere,
  NODE_NO_WARNINGS: "1",
  ...env
})

export interface Running {
  readonly pid: number
  readonly kill: (signal: NodeJS.Signals) => void
  readonly stdout: () => string
  readonly stderr: () => string
  /** When so much has been written, or the process has ended. */
  readonly when: (condition: (running: Running) => boolean) => Promise<void>
  readonly hasEnded: () => boolean
  readonly ended: Promise<Result>
}

export const start = (command: string, args: ReadonlyArray<string>, options: Options = {}): Running => {
  const child = spawn(command, args, {
    env: environment(options.env),
    cwd: options.cwd ?? nowhere,
    stdio: [options.stdin === undefined ? "ignore" : "pipe", options.stdout ?? "pipe", options.stderr ?? "pipe"]
  })
  const out: Array<Buffer> = []
  const err: Array<Buffer> = []
  const waiting = new Set<() => void>()
  const look = () => waiting.forEach((check) => check())
  child.stdout?.on("data", (data: Buffer) => {
    out.push(data)
    look()
  })
  child.stderr?.on("data", (data: Buffer) => {
    err.push(data)
    look()
  })
  child.stdin?.on("error", () => {})
  child.stdin?.end(options.stdin)
  const text = (chunks: Array<Buffer>) => Buffer.concat(chunks).toString()
  const ended = new Promise<Result>((resolve) =>
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout: text(out), stderr: text(err) })
      look()
    })
  )
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const running: Running = {
    pid: child.pid ?? -1,
    kill: (signal) => void child.kill(signal),
    stdout: () => text(out),
    stderr: () => text(err),
    when: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition(running) && !hasEnded()) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    hasEnded,
    ended
  }
  return running
}
