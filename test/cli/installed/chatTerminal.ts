import { describe, expect, it } from "@effect/vitest"
import { Script } from "effect-openai-threads/testing"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "../support/cli.ts"
import { bin } from "../support/installed.ts"
import { hasTmux, isAtPrompt, open, withoutIds, withTmux } from "../support/screen.ts"
import { served } from "../support/served.ts"

const files = temporary()
const timeout = 120_000

const onTerminal = (name: string, test: Parameters<typeof it.scopedLive>[1]) =>
  it.scopedLive.skipIf(!hasTmux)(withTmux(name), test, timeout)

const chat = (script: Script.Script, ...options: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { env, simulator } = yield* served(script)
    const screen = yield* open([process.execPath, bin, "chat", ...options], env)
    yield* screen.until(isAtPrompt)
    return { screen, simulator }
  })

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.zipRight(Effect.sleep("5 millis"), condition), { until: (true_) => true_ })

/** The user's messages in the only thread. */
const asked = (threads: ReadonlyArray<{ readonly items: ReadonlyArray<Record<string, unknown>> }>) =>
  threads.flatMap(({ items }) => items).filter(({ role }) => role === "user").map(({ content }) =>
    (content as ReadonlyArray<{ readonly text: string }>).map(({ text }) => text).join("|")
  )

const story = Script.text("Once upon a time there was a server.", { chunks: 8 })
/** Begins, and then says nothing more. */
const stuck = Script.turn([story], { fault: Script.stall({ afterEvents: 6 }) })

describe.concurrent("chat on a terminal", () => {
  onTerminal(
    "asks, cancels, asks again, takes a paste for one message, and leaves",
    ({ expect }) =>
      Effect.gen(function*() {
        const { screen, simulator } = yield* chat([
          Script.text("Hello.\nWho are you?"),
          stuck,
          story,
          Script.text("Three lines.")
        ])
        yield* screen.enter("Hi")
        yield* screen.until((text) => text.includes("Who are you?") && isAtPrompt(text))

        yield* screen.enter("Tell me a story")
        yield* screen.until((text) => text.includes("Once upon"))
        yield* screen.press("C-c")
        yield* screen.until((text) => text.includes("Cancelled") && isAtPrompt(text))
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
        expect((yield* simulator.requests).at(-1)).toMatchObject({ path: "/responses", aborted: true })
        yield* screen.enter("/retry")
        yield* screen.until((text) => text.includes("a server.") && isAtPrompt(text))

        yield* screen.paste("one\n  two\n\nfour")
        yield* screen.until((text) => text.endsWith("… four"))
        yield* screen.press("Enter")
        yield* screen.until((text) => text.includes("Three lines.") && isAtPrompt(text))
        expect(asked(yield* simulator.threads)).toEqual(["Hi", "Tell me a story", "one\n  two\n\nfour"])

        yield* screen.enter("/help")
        yield* screen.until((text) => text.includes("Ctrl-C cancels") && isAtPrompt(text))
        yield* screen.press("C-d")
        const { code, screen: text } = yield* screen.ended
        const [thread] = yield* simulator.threads
        expect(code).toBe(0)
        expect(text).toContain(`Thread ${thread?.id}. Go on with: openai-threads chat --thread ${thread?.id}`)
        // What was cancelled shows how far it came, which is a matter of the moment.
        yield* Effect.promise(() => expect(withoutIds(text)).toMatchFileSnapshot("screens/chat.txt"))
      })
  )

  onTerminal(
    "Ctrl-C drops what is typed; at an empty prompt it quits the second time, with 130",
    ({ expect }) =>
      Effect.gen(function*() {
        const { screen, simulator } = yield* chat([])
        yield* screen.press("a", "b")
        yield* screen.until((text) => text.endsWith("> ab"))
        yield* screen.press("C-c")
        yield* screen.until((text) => text.includes("> ab^C") && isAtPrompt(text))
        yield* screen.paste("one\ntwo\n")
        yield* screen.until((text) => text.endsWith("… two\n…"))
        yield* screen.press("C-c")
        yield* screen.until((text) => text.includes("… ^C") && isAtPrompt(text))
        yield* screen.press("C-c")
        yield* screen.until((text) => text.includes("again quits") && isAtPrompt(text))
        // Something else between them, and it takes two again.
        yield* screen.enter("/thread")
        yield* screen.until((text) => text.includes("no thread yet") && isAtPrompt(text))
        yield* screen.press("C-c")
        yield* screen.until((text) => text.split("again quits").length === 3 && isAtPrompt(text))
        yield* screen.press("C-c")
        const { code, screen: text } = yield* screen.ended
        expect(code).toBe(130)
        expect(yield* simulator.requests).toEqual([])
        yield* Effect.promise(() => expect(withoutIds(text)).toMatchFileSnapshot("screens/interrupts.txt"))
      })
  )

  onTerminal(
    "an error is shown and the prompt comes back; /retry asks again, and writes no message twice",
    ({ expect }) =>
      Effect.gen(function*() {
        const { screen, simulator } = yield* chat([
          Script.httpError({ status: 429, code: "insufficient_quota" }),
          "Now."
        ])
        yield* simulator.inject(Script.httpError({ status: 401, code: "invalid_api_key" }))
        yield* screen.enter("Hi")
        // The thread could not be made: nothing was written.
        yield* screen.until((text) => text.includes("error:") && isAtPrompt(text))
        expect(asked(yield* simulator.threads)).toEqual([])
        yield* screen.enter("/retry")
        // Written, but not answered.
        yield* screen.until((text) => text.split("error:").length === 3 && isAtPrompt(text))
        yield* screen.enter("/retry")
        yield* screen.until((text) => text.includes("Now.") && isAtPrompt(text))
        expect(asked(yield* simulator.threads)).toEqual(["Hi"])
        yield* screen.enter("/retry")
        yield* screen.until((text) => text.includes("there is an answer already") && isAtPrompt(text))
        yield* screen.enter("/quit")
        const { code, screen: text } = yield* screen.ended
        expect(code).toBe(0)
        yield* Effect.promise(() => expect(withoutIds(text)).toMatchFileSnapshot("screens/errors.txt"))
      })
  )

  onTerminal("/assistant, /instructions, /attach, /save and /thread", () =>
    Effect.gen(function*() {
      const assistants = join(files, "assistants.json")
      writeFileSync(
        assistants,
        JSON.stringify([
          { id: "pirate", model: "model-p", instructions: "Talk like a pirate." },
          { id: "poet", model: "model-q", instructions: "Rhyme." }
        ])
      )
      const note = join(files, "a note.txt")
      writeFileSync(note, "remember the milk")
      const saved = join(files, "thread.jsonl")
      const { screen, simulator } = yield* chat(["Arr.", "Oh.", "New."], "--assistants", assistants, "-A", "pirate")
      const enter = (text: string, answer: string) =>
        Effect.zipRight(screen.enter(text), screen.until((text) => text.includes(answer) && isAtPrompt(text)))
      yield* enter("/assistant", "pirate on model-p")
      yield* enter("/attach nothing.txt", "does not exist")
      yield* enter(`/attach ${note.replace(" ", "\\ ")}`, "With the next message")
      yield* enter("Hi", "Arr.")
      yield* enter("/attach", "Nothing goes")
      yield* enter("/assistant poet", "poet on model-q")
      yield* enter("/instructions Be short.", "Be short.")
      yield* enter("And?", "Oh.")
      yield* enter("/nope", "there is no command")
      yield* enter(`/save ${saved}`, "Saved in")
      yield* enter("/thread new", "begins a thread")
      yield* enter("/instructions -", "Rhyme.")
      yield* enter("Who?", "New.")

      const runs = (yield* simulator.requests).filter(({ path }) => path === "/responses").map(({ body }) => body)
      expect(runs).toMatchObject([
        { model: "model-p", instructions: "Talk like a pirate." },
        { model: "model-q", instructions: "Be short." },
        { model: "model-q", instructions: "Rhyme." }
      ])
      const threads = yield* simulator.threads
      expect(asked(threads)).toEqual(["Hi|<file name=\"a note.txt\">\nremember the milk\n</file>", "And?", "Who?"])
      const lines = readFileSync(saved, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line))
      expect(lines[0]).toMatchObject({ v: 1, type: "thread", id: threads[0]?.id })
      expect(lines.slice(1).map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"])

      yield* enter(`/thread ${threads[0]?.id}`, `Going on with ${threads[0]?.id}`)
      yield* screen.press("Up", "Up")
      yield* screen.until((text) => text.endsWith("> Who?"))
      yield* screen.press("C-c")
      yield* screen.until(isAtPrompt)
      yield* screen.press("C-d")
      expect((yield* screen.ended).code).toBe(0)
    }))

  for (const during of ["an answer", "the prompt"]) {
    onTerminal(`SIGTERM during ${during} ends it with 130`, () =>
      Effect.gen(function*() {
        const { screen, simulator } = yield* chat(during === "an answer" ? [stuck] : [])
        if (during === "an answer") {
          yield* screen.enter("Hi")
          yield* screen.until((text) => text.includes("Once upon"))
        }
        process.kill(yield* screen.pid, "SIGTERM")
        expect((yield* screen.ended).code).toBe(130)
        yield* until(Effect.map(simulator.openStreams, (open) => open === 0))
      }))
  }

  onTerminal("what is typed during an answer waits for the prompt", () =>
    Effect.gen(function*() {
      const { screen, simulator } = yield* chat([
        Script.turn([story], { latency: "50 millis" }),
        Script.text("Second.")
      ])
      yield* screen.enter("Hi")
      yield* screen.until((text) => text.includes("Once"))
      yield* screen.enter("Next")
      yield* screen.until((text) => text.includes("Second.") && isAtPrompt(text))
      expect(asked(yield* simulator.threads)).toEqual(["Hi", "Next"])
      yield* screen.press("C-d")
      expect((yield* screen.ended).code).toBe(0)
    }))

  onTerminal(
    "the first message comes with the command; /retry is offered behind an answer that failed, and only there",
    () =>
      Effect.gen(function*() {
        const { screen } = yield* chat([Script.httpError({ status: 401, code: "invalid_api_key" })], "Hi", "there")
        yield* screen.until((text) => text.includes("error:") && text.endsWith("/retry asks again.\n>"))
        yield* screen.enter("/attach nothing.txt")
        const text = yield* screen.until((text) => text.includes("does not exist") && isAtPrompt(text))
        expect(text.split("/retry asks again.")).toHaveLength(2)
        yield* screen.press("C-d")
        expect((yield* screen.ended).code).toBe(0)
      })
  )

  onTerminal("a pasted message is found again as the one it was", () =>
    Effect.gen(function*() {
      const { screen, simulator } = yield* chat(["Two.", "Three."])
      yield* screen.paste("a\nb\nc")
      yield* screen.until((text) => text.endsWith("… c"))
      yield* screen.press("Enter")
      yield* screen.until((text) => text.includes("Two.") && isAtPrompt(text))
      yield* screen.press("Up")
      // Node 24 marks the lines that follow.
      yield* screen.until((text) => /> a\n(\| )?b\n(\| )?c$/.test(text))
      yield* screen.type("!")
      yield* screen.press("Enter")
      yield* screen.until((text) => text.includes("Three.") && isAtPrompt(text))
      expect(asked(yield* simulator.threads)).toEqual(["a\nb\nc", "a\nb\nc!"])
      yield* screen.press("C-d")
      expect((yield* screen.ended).code).toBe(0)
    }))

  onTerminal("Ctrl-Z stops it, and what was typed is there when it goes on", () =>
    Effect.gen(function*() {
      const { screen, simulator } = yield* chat([Script.text("Welcome.")])
      yield* screen.press("H", "i")
      yield* screen.until((text) => text.endsWith("> Hi"))
      yield* screen.press("C-z")
      yield* screen.until((text) => text.includes("[stopped]") && text.endsWith("> Hi"))
      yield* screen.press("!", "Enter")
      yield* screen.until((text) => text.includes("Welcome.") && isAtPrompt(text))
      expect(asked(yield* simulator.threads)).toEqual(["Hi!"])
      yield* screen.press("C-d")
      expect((yield* screen.ended).code).toBe(0)
    }))

  onTerminal("--thread goes on with a thread, and says at once that there is none", () =>
    Effect.gen(function*() {
      const { env } = yield* served([])
      const screen = yield* open([process.execPath, bin, "chat", "--thread", "conv_none"], env)
      const { code, screen: text } = yield* screen.ended
      expect({ code, text }).toMatchObject({ code: 4, text: expect.stringContaining("error:") })
      expect(text).not.toContain(">")
    }))
})
