/** `chat`: a thread on a terminal, or of a pipe whose lines are the messages. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Thread from "../../Thread.ts"
import * as Editor from "../chat/editor.ts"
import * as Entry from "../chat/Entry.ts"
import * as Lines from "../chat/lines.ts"
import * as Session from "../chat/Session.ts"
import { usage } from "../CliError.ts"
import type { chat as spec } from "../commands/chat.ts"
import { connect } from "../connect.ts"
import * as LastThread from "../lastThread.ts"
import { patiently } from "../patience.ts"
import { report } from "../report.ts"
import * as Settings from "../settings.ts"
import { cancellable } from "../signals.ts"
import * as Simulation from "../simulation.ts"
import type { InputOf } from "../Spec.ts"
import { still } from "../spinner.ts"
import { isInteractive, paint } from "../streams.ts"
import { stderr } from "../terminal.ts"

type Input = InputOf<typeof spec>

export const chat = (input: Input) =>
  Effect.gen(function*() {
    yield* Simulation.check(input)
    const settings = yield* Settings.load(input)
    yield* talk(input, settings).pipe(
      patiently(still(input.quiet).say),
      Effect.provide(connect(settings, { keyStdin: false, simulate: input.simulate }))
    )
  })

const talk = (input: Input, settings: Settings.Settings) =>
  Effect.gen(function*() {
    const session = yield* Session.make({
      settings,
      thread: input.continue
        ? yield* LastThread.read
        : Option.getOrUndefined(input.thread) as Thread.ThreadId | undefined,
      keep: input.simulate ? () => {} : yield* LastThread.keeper,
      attach: input.attach,
      simulatedModel: input.simulate ? Simulation.model : undefined,
      quiet: input.quiet,
      usage: input.usage,
      approve: Option.getOrElse(input.approve, () => "ask"),
      tools: input.tools && !input.quiet
    })
    const goodbye = Effect.suspend(() => {
      const id = session.thread()
      return id === undefined || input.quiet || input.simulate
        ? Effect.void
        : stderr.write(`${paint.dim(`Thread ${id}. Go on with: ${Session.goOn(id)}`)}\n`)
    })
    const text = input.args.join(" ").trim()
    const first: ReadonlyArray<Entry.Entry> = text === "" ? [] : [{ _tag: "Message", text }]
    yield* Effect.ensuring(isInteractive() ? onTerminal(session, input, first) : ofPipe(session, first), goodbye)
  })

/** Carries out what was entered. Says whether the chat goes on. */
const carryOut = (session: Session.Session, entry: Entry.Entry) => {
  switch (entry._tag) {
    case "Nothing":
      return Effect.succeed(true)
    case "Message":
      return Effect.as(session.send(entry.text), true)
    case "Invalid":
      return Effect.fail(usage(entry.message, entry.hint))
    case "Command":
      return entry.command === "quit"
        ? Effect.succeed(false)
        : Effect.as(session.commands[entry.command](entry.argument), true)
  }
}

/** Nobody is there to ask again, so the first failure ends it, and says with its exit code what it was. */
const ofPipe = (session: Session.Session, first: ReadonlyArray<Entry.Entry>) =>
  Effect.gen(function*() {
    for (const entry of first) yield* carryOut(session, entry)
    const next = Lines.make(process.stdin)
    for (;;) {
      const line = yield* next
      if (Option.isNone(line) || !(yield* carryOut(session, Entry.parse(line.value)))) return
    }
  })

const isQuestion = (entry: Entry.Entry) =>
  entry._tag === "Message" || (entry._tag === "Command" && entry.command === "retry")

/** Whatever fails or is cancelled, the prompt comes back. */
const onTerminal = (session: Session.Session, input: Input, first: ReadonlyArray<Entry.Entry>) =>
  Effect.gen(function*() {
    if (!input.quiet) {
      yield* stderr.write(`${paint.dim(`${session.model()}. /help lists the commands; Ctrl-D quits.`)}\n`)
    }
    const enter = Editor.make("> ")
    const terminated = yield* watchTermination
    const goesOn = (entry: Entry.Entry) =>
      Effect.gen(function*() {
        const done = yield* cancellable(carryOut(session, entry))
        if (terminated()) return yield* Effect.interrupt
        if (Exit.isSuccess(done)) return done.value
        if (Cause.isInterruptedOnly(done.cause)) yield* stderr.write("Cancelled.\n")
        else yield* report(done.cause, input.debug)
        if (isQuestion(entry) && session.canRetry()) yield* stderr.write(`${paint.dim("/retry asks again.")}\n`)
        return true
      })
    for (const entry of first) yield* goesOn(entry)
    let interrupts = 0
    for (;;) {
      const entered = yield* cancellable(enter)
      if (terminated()) return yield* Effect.interrupt
      if (Exit.isFailure(entered)) continue
      interrupts = entered.value._tag === "Interrupted" ? interrupts + 1 : 0
      if (entered.value._tag === "End") return
      if (entered.value._tag === "Interrupted") {
        if (interrupts === 2) return yield* Effect.interrupt
        yield* stderr.write(`${paint.dim("Ctrl-C again quits.")}\n`)
      }
      if (entered.value._tag === "Text" && !(yield* goesOn(Entry.parse(entered.value.text)))) return
    }
  }).pipe(Effect.scoped)

/** Ctrl-C keeps the prompt, but who asks the process to end means it. */
const watchTermination = Effect.gen(function*() {
  let terminated = false
  const onTerminate = () => {
    terminated = true
  }
  // Before the listener that cancels what is going on.
  yield* Effect.acquireRelease(
    Effect.sync(() => process.prependListener("SIGTERM", onTerminate)),
    () => Effect.sync(() => process.off("SIGTERM", onTerminate))
  )
  return () => terminated
})
