import { describe, expect, it } from "@effect/vitest"
import { Cursor, Thread } from "effect-openai-threads"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { bash, launch, run } from "../support/installed.ts"
import { served } from "../support/served.ts"

const timeout = 60_000
const sentence = "one two three four five six seven eight"
/** Longer than it takes to begin a process. */
const story = Array.from({ length: 30 }, (_, index) => `word${index}`).join(" ")
const slowly = (latency = "60 millis") => Script.turn(sentence, { latency: latency as "60 millis" })

/** Begins a run in a process that is over then. */
const begin = (env: Record<string, string>, ...args: ReadonlyArray<string>) =>
  Effect.map(run(["ask", "Tell me", "--background", ...args], { env }), (result) => ({
    ...result,
    cursor: result.stdout.trim()
  }))

const deltas = (stdout: string) =>
  stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).delta ?? "").join("")

describe.concurrent("runs in the background", () => {
  it.scopedLive(
    "ask --background prints the cursor and ends; runs watch prints the answer, as often as asked",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([slowly()])
        const { code, cursor, stderr, stdout } = yield* begin(env)
        const [thread] = yield* simulator.threads
        expect({ code, stdout }).toEqual({ code: 0, stdout: `${cursor}\n` })
        expect(stderr).toBe(
          `Thread ${thread?.id}. Watch it: openai-threads runs watch ${cursor}\nEnd it: openai-threads runs cancel ${cursor}\n`
        )
        expect(yield* Cursor.decode(cursor)).toMatchObject({ threadId: thread?.id, step: 0 })
        expect(thread?.locked).toBe(true)
        for (let reader = 0; reader < 2; reader++) {
          expect(yield* run(["runs", "watch", cursor], { env })).toEqual({
            code: 0,
            signal: null,
            stdout: `${sentence}\n`,
            stderr: `Thread ${thread?.id}. Go on with: openai-threads ask --thread ${thread?.id} "…"\n`
          })
        }
        expect(yield* run(["runs", "status", cursor], { env })).toMatchObject({
          code: 0,
          stdout: "completed\n",
          stderr: ""
        })
      }),
    timeout
  )

  it.scopedLive("the cursor can be piped", () =>
    Effect.gen(function*() {
      const { env } = yield* served([slowly()])
      const piped = yield* bash(`"$0" "$1" ask -q --background 'Tell me' | "$0" "$1" runs watch -q -`, { env })
      expect(piped).toMatchObject({ code: 0, stdout: `${sentence}\n`, stderr: "" })
    }), timeout)

  it.scopedLive("--json prints one object", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([slowly("1 millis")])
      const { cursor: printed } = yield* begin(env, "--json", "-q")
      const { cursor, ...rest } = JSON.parse(printed)
      expect(rest).toEqual({ v: 1, threadId: (yield* simulator.threads)[0]?.id })
      const { stdout } = yield* run(["runs", "watch", "--json", cursor], { env })
      expect(JSON.parse(stdout)).toMatchObject({ v: 1, status: "completed", text: sentence })
    }), timeout)

  it.scopedLive("a watcher that is killed is followed by another, from its last cursor", () =>
    Effect.gen(function*() {
      const { env } = yield* served([slowly("100 millis")])
      const { cursor } = yield* begin(env)
      const watcher = launch(["runs", "watch", "--events", cursor], { env })
      yield* Effect.promise(() =>
        watcher.when(({ stdout }) => deltas(stdout().replace(/[^\n]*$/, "")).includes("three"))
      )
      watcher.kill("SIGKILL")
      const first = (yield* Effect.promise(() => watcher.ended)).stdout.replace(/[^\n]*$/, "")
      const last = JSON.parse(first.trim().split("\n").at(-1)!).cursor
      const second = yield* run(["runs", "watch", "--events", last], { env })
      expect(second).toMatchObject({ code: 0 })
      expect(deltas(first) + deltas(second.stdout)).toBe(sentence)
    }), timeout)

  it.scopedLive("Ctrl-C ends the watching and not the run", () =>
    Effect.gen(function*() {
      const { env } = yield* served([Script.turn(story, { latency: "200 millis" })])
      const { cursor } = yield* begin(env)
      const watcher = launch(["runs", "watch", cursor], { env })
      yield* Effect.promise(() => watcher.when(({ stdout }) => stdout().includes("w")))
      watcher.kill("SIGINT")
      const { code, stderr, stdout } = yield* Effect.promise(() => watcher.ended)
      const [, next] = /^The run goes on\. Go on with: openai-threads runs watch (\S+)$/m.exec(stderr) ?? []
      expect(code).toBe(130)
      const rest = yield* run(["runs", "watch", "-q", next ?? ""], { env })
      expect(`${stdout.trimEnd()}${rest.stdout.trimEnd()}`).toBe(story)
    }), timeout)

  it.scopedLive("runs cancel ends it from another process", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([slowly("1 second")])
      const { cursor } = yield* begin(env)
      const { stdout: before } = yield* run(["runs", "status", cursor], { env })
      expect(before).toMatch(/^(queued|in_progress)\n$/)
      expect(yield* run(["runs", "cancel", cursor], { env })).toMatchObject({
        code: 0,
        stdout: "cancelled\n",
        stderr: ""
      })
      expect(yield* run(["runs", "cancel", cursor], { env })).toMatchObject({
        code: 0,
        stdout: "cancelled\n",
        stderr: ""
      })
      expect((yield* simulator.threads).map(({ locked }) => locked)).toEqual([false])
      const { code, stdout } = yield* run(["runs", "watch", cursor], { env })
      expect({ code, isPart: sentence.startsWith(stdout.trimEnd()) }).toEqual({ code: 4, isPart: true })
    }), timeout)

  const refused = (name: string, args: ReadonlyArray<string>, code: number, message: string, stdin?: string) =>
    it.scopedLive(`${name} is refused`, () =>
      Effect.gen(function*() {
        const { env } = yield* served([])
        const result = yield* run(args, { env, ...(stdin === undefined ? {} : { stdin }) })
        expect(result).toMatchObject({ code, stdout: "" })
        expect(result.stderr).toContain(message)
      }), timeout)

  const gone: Cursor.Cursor = {
    v: 1,
    threadId: Thread.ThreadId.make("conv_1"),
    runId: Thread.RunId.make("run_1"),
    responseId: Thread.ResponseId.make("resp_gone"),
    step: 0,
    wire: 1,
    sequence: 2
  }
  refused("what is no cursor", ["runs", "watch", "conv_1"], 2, "this is no cursor of a run")
  refused("an empty pipe", ["runs", "status", "-"], 2, "this is no cursor of a run", "\n")
  refused("no cursor", ["runs", "cancel"], 2, "cursor")
  refused("a run that is gone", ["runs", "watch", Cursor.encode(gone)], 4, "OpenAI does not have its response any more")
  refused("--background with --events", ["ask", "Hi", "--background", "--events"], 2, "excludes --events")
  refused("--background with a simulated model", ["ask", "Hi", "--background", "--simulate"], 2, "excludes --simulate")
})
