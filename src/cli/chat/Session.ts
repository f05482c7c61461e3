/** A chat: its thread, who answers, what goes with the next message, and what got no answer yet. */
import * as Effect from "effect/Effect"
import { AssistantId } from "../../Assistant.ts"
import * as Assistants from "../../Assistants.ts"
import type { RunEvent } from "../../RunEvent.ts"
import * as Thread from "../../Thread.ts"
import * as Threads from "../../Threads.ts"
import * as Answerer from "../Answerer.ts"
import * as Approval from "../approval.ts"
import * as Attachments from "../attachments.ts"
import { usage } from "../CliError.ts"
import { writeThread } from "../exportThread.ts"
import { isWaiting } from "../failure.ts"
import * as OutputFile from "../outputFile.ts"
import { patiently } from "../patience.ts"
import { render } from "../render.ts"
import type { Settings } from "../settings.ts"
import { spin } from "../spinner.ts"
import { stderr, stdout } from "../terminal.ts"
import * as Entry from "./Entry.ts"

export interface Options {
  readonly settings: Settings
  readonly thread: Thread.ThreadId | undefined
  /** Remembers the thread that something is asked on. */
  readonly keep: (thread: Thread.ThreadId) => void
  readonly attach: ReadonlyArray<string>
  /** The model of a chat that is simulated. */
  readonly simulatedModel: string | undefined
  readonly quiet: boolean
  readonly usage: boolean
  readonly tools: boolean
  readonly approve: Approval.How
}

/** The command that goes on with a thread. */
export const goOn = (id: Thread.ThreadId) => `openai-threads chat --thread ${id}`

/** What got no answer: a message that is not in the thread yet, or what the thread ends with. */
interface Unanswered {
  readonly message: Thread.MessageInput | undefined
}

/** Checks everything that was given before anything is typed. */
export const make = (options: Options) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const assistants = yield* Assistants.Assistants
    let settings = options.settings
    let answerer = yield* choose(settings)
    let thread = options.thread === undefined ? undefined : (yield* threads.get(options.thread)).id
    let unanswered: Unanswered | undefined = thread === undefined ? undefined : { message: undefined }
    /** The last answer ended with calls that nobody here can make: who goes on does so without them. */
    let hasOpenCalls = false
    let files: ReadonlyArray<string> = []
    let parts: ReadonlyArray<Thread.PartInput> = []
    yield* attach(options.attach)

    function choose(settings: Settings) {
      return Effect.provideService(
        Answerer.choose(settings, options.simulatedModel),
        Assistants.Assistants,
        assistants
      )
    }

    function attach(more: ReadonlyArray<string>) {
      return Effect.gen(function*() {
        if (more.includes("-")) return yield* usage("standard input is the chat, and cannot be attached")
        const all = [...files, ...more]
        parts = yield* Attachments.read(all)
        files = all
      })
    }

    const say = (text: string) => stderr.write(`${text}\n`)

    const none = "There is no thread yet; the first message begins one."

    const answer = Effect.scoped(Effect.gen(function*() {
      if (unanswered === undefined) {
        return yield* thread === undefined ? usage("nothing was asked yet") : usage("there is an answer already")
      }
      const { assistant, instructions, model } = answerer
      const spinner = yield* spin(`Asking ${model}`, options.quiet)
      const patient = patiently(spinner.say)
      if (thread === undefined) {
        const messages = unanswered.message === undefined ? [] : [unanswered.message]
        thread = (yield* patient(threads.create({ messages }))).id
        unanswered = { message: undefined }
      }
      options.keep(thread)
      const run = threads.run(thread, {
        assistant,
        instructions,
        model,
        message: unanswered.message,
        approve: Approval.make(options.approve, spinner),
        onPending: hasOpenCalls ? "close" : "reject"
      })
      const hear = (event: RunEvent) => {
        // From there on the message is in the thread, and is not to be written again.
        if (event._tag === "RunStarted") unanswered = { message: undefined }
        if (event._tag === "RunCompleted") hasOpenCalls = event.pending.length > 0
      }
      const { tools, usage: tokens } = options
      const rendering = { format: "text", answer: stdout, usage: tokens, tools, spinner, hear } as const
      yield* Effect.tapError(patient(render(run, thread, rendering)), (error) =>
        Effect.sync(() => {
          if (isWaiting(error)) hasOpenCalls = true
        }))
      unanswered = undefined
    }))

    const commands = {
      help: (_: string) => stderr.write(Entry.help()),
      thread: (argument: string) =>
        Effect.gen(function*() {
          if (argument === "") return yield* say(thread ?? none)
          thread = argument === "new" ? undefined : (yield* threads.get(argument as Thread.ThreadId)).id
          unanswered = thread === undefined ? undefined : { message: undefined }
          hasOpenCalls = false
          yield* say(thread === undefined ? "The next message begins a thread." : `Going on with ${thread}.`)
        }),
      assistant: (argument: string) =>
        Effect.gen(function*() {
          if (argument !== "") {
            yield* assistants.get(AssistantId.make(argument))
            const chosen = { ...settings, assistant: { value: argument, from: "flag" } }
            answerer = yield* choose(chosen)
            settings = chosen
          }
          yield* say(`${answerer.assistant.id} on ${answerer.model}`)
          if (argument === "") {
            const others = (yield* assistants.list).filter(({ id }) => id !== answerer.assistant.id)
            if (others.length > 0) yield* say(`Others: ${others.map(({ id }) => id).join(", ")}`)
          }
        }),
      instructions: (argument: string) =>
        Effect.gen(function*() {
          if (argument !== "") {
            const given = argument === "-" ? undefined : { value: argument, from: "flag" }
            const chosen = { ...settings, instructions: given }
            answerer = yield* choose(chosen)
            settings = chosen
          }
          yield* say((answerer.instructions ?? answerer.assistant.instructions)?.trimEnd() ?? "There are none.")
        }),
      attach: (argument: string) =>
        Effect.gen(function*() {
          if (argument !== "") yield* attach([Entry.path(argument, process.env["HOME"])])
          yield* say(
            files.length === 0 ? "Nothing goes with the next message." : `With the next message: ${files.join(", ")}`
          )
        }),
      retry: (_: string) => answer,
      save: (argument: string) =>
        Effect.scoped(Effect.gen(function*() {
          if (thread === undefined) return yield* usage("there is no thread yet")
          const file = Entry.path(argument, process.env["HOME"])
          yield* writeThread(threads, thread, yield* OutputFile.open(file))
          yield* say(`Saved in ${file}.`)
        }))
    } satisfies Record<Exclude<Entry.Command, "quit">, unknown>

    return {
      thread: () => thread,
      model: () => answerer.model,
      /** Whether something got no answer, so that it can be asked again. */
      canRetry: () => unanswered !== undefined,
      /** Sends a message with what is attached, and prints the answer. */
      send: (text: string) =>
        Effect.suspend(() => {
          unanswered = { message: { content: [Thread.text(text), ...parts] } }
          files = []
          parts = []
          return answer
        }),
      commands
    }
  })

export type Session = Effect.Effect.Success<ReturnType<typeof make>>
