/** Whether what needs approval may be done: the person on the terminal decides, or the command line did. */
import * as Effect from "effect/Effect"
import type { Approvable } from "../RunEvent.ts"
import type { ThreadId } from "../Thread.ts"
import type * as Threads from "../Threads.ts"
import type { Approval } from "../Tools.ts"
import { usage } from "./CliError.ts"
import { confirm } from "./confirm.ts"
import * as PendingLine from "./pending.ts"
import type { Spinner } from "./spinner.ts"
import { isInteractive } from "./streams.ts"
import { stderr } from "./terminal.ts"

export type How = "ask" | "always" | "never"

type Approve = (pending: Approvable) => Effect.Effect<Approval>

/** What decides; nothing where somebody is to be asked and nobody is there. */
export const make = (how: How, spinner: Pick<Spinner, "stop">): Approve | undefined => {
  if (how !== "ask") return () => Effect.succeed({ approve: how === "always" })
  if (!isInteractive()) return undefined
  // Several may be wanted at once, and there is one terminal.
  const turn = Effect.unsafeMakeSemaphore(1)
  return (pending) => turn.withPermits(1)(Effect.zipRight(spinner.stop, ask(pending)))
}

const ask = (pending: Approvable): Effect.Effect<Approval> =>
  Effect.gen(function*() {
    yield* dropTypedAhead
    yield* stderr.write(`The model asks to call ${PendingLine.call(pending)}\n`)
    return { approve: yield* confirm("Approve?") }
  })

/** What was typed before the question was there is no answer to it. */
const dropTypedAhead = Effect.acquireUseRelease(
  Effect.sync(() => {
    const drop = () => {}
    process.stdin.on("data", drop).resume()
    return drop
  }),
  () => Effect.sleep("100 millis"),
  (drop) => Effect.sync(() => process.stdin.off("data", drop).pause())
)

/** Decides what a run on the thread has left to be decided, for `Threads.submit`. */
export const decide = (threads: Threads.Service, id: ThreadId, approve: Approve | undefined) =>
  Effect.gen(function*() {
    if (approve === undefined) {
      return yield* usage("there is no terminal to ask on", "--approve always or --approve never decides.")
    }
    const pending = (yield* threads.pending(id)).filter((one) => one._tag === "PendingApproval")
    if (pending.length === 0) return yield* usage(`nothing waits for approval in ${id}`)
    return yield* Effect.forEach(pending, (one) =>
      Effect.map(approve(one), (approval): Threads.Answer => ({ approvalId: one.itemId, ...approval })))
  })
