import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import type { Options } from "../support/cli.ts"
import { bin, run } from "../support/installed.ts"
import { hasTmux, isAtPrompt, open, withTmux } from "../support/screen.ts"
import { served } from "../support/served.ts"

const timeout = 60_000

const ask = (args: ReadonlyArray<string>, options: Options = {}) => run(["ask", ...args], options)

const wants = Script.approvalRequest("look_up", { about: "Lima\u202e" }, { serverLabel: "wiki" })

/** What the model was told in its last request. */
const told = (requests: ReadonlyArray<{ readonly body: unknown }>) =>
  (requests.at(-1)?.body as { readonly input?: unknown } | undefined)?.input

describe.concurrent("ask --approve", () => {
  for (const [how, approve] of [["always", true], ["never", false]] as const) {
    it.scopedLive(`${how}: goes on without a question`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.turn(["Let me see.", wants]), Script.text("So be it.")])
        const result = yield* ask(["-q", "--approve", how, "Hi"], { env })
        expect(result).toMatchObject({ code: 0, stdout: "Let me see.\nSo be it.\n", stderr: "" })
        const requests = yield* simulator.requests
        expect(told(requests)).toEqual([
          { type: "mcp_approval_response", approval_request_id: expect.stringMatching(/^mcpr_/), approve }
        ])
      }), timeout)
  }

  it.scopedLive("6: nobody is there to ask; what waits is decided later, once", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.turn(["Let me see.", wants]), Script.text("It is Lima.")])
      const first = yield* ask(["Hi"], { env })
      const [thread] = yield* simulator.threads
      const id = thread?.id ?? ""
      expect({ ...first, stderr: first.stderr.replace(/mcpr_\w+/, "mcpr_1") }).toEqual({
        code: 6,
        signal: null,
        stdout: "Let me see.\n",
        stderr: [
          `Thread ${id}.`,
          "error: the model waits for approval of wiki.look_up",
          "  wiki.look_up {\"about\":\"Lima\\u202e\"} (mcpr_1)",
          `  Decide with: openai-threads ask --thread ${id} --approve always (or never, or ask on a terminal)\n`
        ].join("\n")
      })
      const asked = yield* ask(["-q", "--thread", id, "--approve", "ask"], { env })
      expect(asked).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("no terminal to ask on") })
      const decided = yield* ask(["-q", "--thread", id, "--approve", "always"], { env, stdin: "" })
      expect(decided).toMatchObject({ code: 0, stdout: "It is Lima.\n", stderr: "" })
      expect(told(yield* simulator.requests)).toMatchObject([{ type: "mcp_approval_response", approve: true }])
      const again = yield* ask(["-q", "--thread", id, "--approve", "always"], { env })
      expect(again).toMatchObject({ code: 2, stdout: "", stderr: `error: nothing waits for approval in ${id}\n` })
      expect((yield* simulator.requests).filter(({ path }) => path === "/responses")).toHaveLength(2)
    }), timeout)

  it.scopedLive(
    "6: calls of functions, with their arguments and ids; --json has them in its object",
    () =>
      Effect.gen(function*() {
        const calls = Script.turn([
          Script.functionCall("weather", { city: "Lima" }, { callId: "call_1" }),
          Script.functionCall("clock", "no JSON\u001b[2J", { callId: "call_2" })
        ])
        const { env } = yield* served([calls, calls])
        expect(yield* ask(["-q", "Hi"], { env })).toMatchObject({
          code: 6,
          stdout: "",
          stderr: [
            "error: the model waits for weather, clock, which this tool cannot answer",
            "  weather {\"city\":\"Lima\"} (call_1)",
            "  clock no JSON\\u001b[2J (call_2)",
            "  A program can answer, with Threads.submit.\n"
          ].join("\n")
        })
        const json = yield* ask(["-q", "--json", "Hi"], { env })
        expect(json.code).toBe(6)
        expect(JSON.parse(json.stdout)).toMatchObject({
          status: "requires_action",
          pending: [
            { _tag: "PendingCall", call: { callId: "call_1", name: "weather", arguments: "{\"city\":\"Lima\"}" } },
            { _tag: "PendingCall", call: { callId: "call_2", name: "clock" } }
          ]
        })
      }),
    timeout
  )

  it.scopedLive(
    "7: a thread that waits says so, and goes on without the answer where it is told to",
    () =>
      Effect.gen(function*() {
        const call = Script.functionCall("weather", { city: "Lima" })
        const { env, simulator } = yield* served([call, Script.text("So be it."), call, Script.text("Well.")])
        for (
          const [more, answer] of [[["--close-pending"], "So be it.\n"], [
            ["--close-pending", "Go on"],
            "Well.\n"
          ]] as const
        ) {
          expect(yield* ask(["-q", "Hi"], { env })).toMatchObject({ code: 6 })
          const id = (yield* simulator.threads).at(-1)?.id ?? ""
          const busy = yield* ask(["--thread", id, "More"], { env })
          expect(busy).toMatchObject({ code: 7, stdout: "", stderr: expect.stringContaining("--close-pending") })
          expect(busy.stderr).not.toContain("--retry")
          expect(yield* ask(["-q", "--thread", id, ...more], { env })).toMatchObject({
            code: 0,
            stdout: answer,
            stderr: ""
          })
        }
        const wrong = [["--close-pending", "Hi"], ["--thread", "conv_1", "--close-pending", "--approve", "always"]]
        for (const args of wrong) {
          expect(yield* ask(args, { env })).toMatchObject({
            code: 2,
            stderr: expect.stringContaining("--close-pending")
          })
        }
      }),
    timeout
  )

  it.scopedLive("chat of a pipe: as it is told, or the end of it", () =>
    Effect.gen(function*() {
      const { env } = yield* served([wants, Script.text("It is Lima."), wants])
      const approved = yield* run(["chat", "-q", "--approve", "always"], { env, stdin: "Hi\n" })
      expect(approved).toMatchObject({ code: 0, stdout: "It is Lima.\n", stderr: "" })
      const ended = yield* run(["chat", "-q"], { env, stdin: "Hi\nMore\n" })
      expect(ended).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("waits for approval") })
    }), timeout)
})

const onTerminal = (name: string, test: Parameters<typeof it.scopedLive>[1]) =>
  it.scopedLive.skipIf(!hasTmux)(withTmux(name), test, 120_000)

const question = "The model asks to call wiki.look_up {\"about\":\"Lima\\u202e\"}\nApprove? [y/N]"

const approvals = (requests: ReadonlyArray<{ readonly body: unknown }>) =>
  requests.flatMap(({ body }) =>
    (body as { readonly input?: ReadonlyArray<Record<string, unknown>> } | undefined)?.input ?? []
  )
    .filter(({ type }) => type === "mcp_approval_response").map(({ approve }) => approve)

describe.concurrent("approval on a terminal", () => {
  const onAsk = (answer: ReadonlyArray<string>, approved: boolean) =>
    onTerminal(`ask: ${answer.join(" ")} is ${approved ? "yes" : "no"}`, () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([Script.turn(["Let me see.", wants]), Script.text("So be it.")])
        const screen = yield* open([process.execPath, bin, "ask", "Hi"], env)
        yield* screen.until((text) => text.endsWith(question))
        yield* screen.press(...answer)
        const { code, screen: text } = yield* screen.ended
        expect(code).toBe(0)
        expect(text).toMatch(/^Let me see\.\nThe model asks [^\n]*\nApprove\?[^\n]*\n\n?So be it\.\n/)
        expect(approvals(yield* simulator.requests)).toEqual([approved])
      }))

  onAsk(["y", "Enter"], true)
  onAsk(["Enter"], false)
  onAsk(["C-d"], false)

  onTerminal("ask: Ctrl-C cancels, as everywhere", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([wants, "Then not."])
      const screen = yield* open([process.execPath, bin, "ask", "Hi"], env)
      yield* screen.until((text) => text.endsWith(question))
      yield* screen.press("C-c")
      const { code, screen: text } = yield* screen.ended
      const [thread] = yield* simulator.threads
      expect(code).toBe(130)
      expect(text).toContain(`^C\nCancelled. Go on with: openai-threads ask --thread ${thread?.id} --retry`)
      // What was not decided is not carried out, and the thread can be gone on with.
      expect(thread?.items.at(-1)).toMatchObject({ type: "mcp_approval_response", approve: false })
      const later = yield* open([process.execPath, bin, "ask", "--thread", thread?.id ?? "", "--retry"], env)
      const end = yield* later.ended
      expect(end.code).toBe(0)
      expect(end.screen).toContain("Then not.")
    }))

  onTerminal(
    "chat: one question after the other; what was typed before them is no answer; Ctrl-C keeps the prompt",
    () =>
      Effect.gen(function*() {
        const { env, simulator } = yield* served([
          Script.turn(["Let me see.", wants, wants], { latency: "40 millis" }),
          Script.text("So be it."),
          wants,
          Script.functionCall("clock", {}, { callId: "call_1" }),
          Script.text("Never mind.")
        ])
        const screen = yield* open([process.execPath, bin, "chat", "--tools"], env)
        yield* screen.until(isAtPrompt)
        yield* screen.enter("Hi")
        yield* screen.until((text) => text.includes("Let me"))
        yield* screen.enter("y")
        yield* screen.until((text) => text.endsWith(question))
        yield* screen.enter("n")
        yield* screen.until((text) => text.endsWith(question) && text.split("Approve?").length === 3)
        yield* screen.enter("yes")
        yield* screen.until((text) => text.includes("So be it.") && isAtPrompt(text))
        expect(approvals(yield* simulator.requests)).toEqual([false, true])

        yield* screen.enter("Again")
        yield* screen.until((text) => text.endsWith(question) && text.split("Approve?").length === 4)
        yield* screen.press("C-c")
        yield* screen.until((text) => text.includes("Cancelled.") && isAtPrompt(text))

        // A call that nobody here can make does not keep the thread from going on.
        yield* screen.enter("What time is it?")
        yield* screen.until((text) => text.includes("  clock {} (call_1)") && isAtPrompt(text))
        yield* screen.enter("Then not.")
        yield* screen.until((text) => text.includes("Never mind.") && isAtPrompt(text))
        yield* screen.press("C-d")
        expect((yield* screen.ended).code).toBe(0)
      })
  )

  onTerminal("chat: a thread that waits goes on with the next try", () =>
    Effect.gen(function*() {
      const { env, simulator } = yield* served([Script.functionCall("weather", {}), Script.text("So be it.")])
      yield* ask(["-q", "Hi"], { env })
      const id = (yield* simulator.threads)[0]?.id ?? ""
      const screen = yield* open([process.execPath, bin, "chat", "--thread", id], env)
      yield* screen.until(isAtPrompt)
      yield* screen.press("More", "Enter")
      yield* screen.until((text) => text.includes("in a chat with /retry") && isAtPrompt(text))
      yield* screen.press("/retry", "Enter")
      yield* screen.until((text) => text.includes("So be it.") && isAtPrompt(text))
    }))
})
