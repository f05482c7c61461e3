/** Whether what needs approval may be done: the person on the terminal decides, or the command line did. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Pending } from "../RunEvent.ts"
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

type Approve = (pending: Pending) => Effect.Effect<Approval>

/** What decides; nothing where somebody is to be asked and nobody is there. */
export const make = (how: How, spinner: Pick<Spinner, "stop">): Approve | undefined => {
  if (how !== "ask") return () => Effect.succeed({ approve: how === "always" })
  if (!isInteractive()) return undefined
  // Several may be wanted at once, and there is one terminal.
  const turn = Effect.unsafeMakeSemaphore(1)
  return (pending) => turn.withPermits(1)(Effect.zipRight(spinner.stop, ask(pending)))
}

const ask = (pending: Pending): Effect.Effect<Approval> =>
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

/** How far back is looked for what waits. */
const looksBack = 100

/** What waits for approval at the end of a thread. */
const waiting = (threads: Threads.Service, id: ThreadId) =>
  threads.items(id, { order: "desc" }).pipe(
    Stream.take(looksBack),
    Stream.takeWhile((item) => !(item._tag === "Message" && item.role === "user")),
    Stream.runCollect,
    Effect.map((items) => {
      const answered = new Set(
        Chunk.toReadonlyArray(items).map((item) =>
          item._tag === "Unknown" && Predicate.isRecord(item.raw) ? item.raw["approval_request_id"] : undefined
        )
      )
      return Chunk.toReadonlyArray(items).toReversed().flatMap((item): ReadonlyArray<Pending> =>
        item._tag === "ApprovalRequest" && !answered.has(item.id)
          ? [{
            _tag: "PendingApproval",
            itemId: item.id,
            server: item.server,
            name: item.name,
            arguments: item.arguments
          }]
          : []
      )
    })
  )

/** Decides what a run on the thread has left to be decided, for `Threads.submit`. */
export const decide = (threads: Threads.Service, id: ThreadId, approve: Approve | undefined) =>
  Effect.gen(function*() {
    if (approve === undefined) {
      return yield* usage("there is no terminal to ask on", "--approve always or --approve never decides.")
    }
    const pending = yield* waiting(threads, id)
    if (pending.length === 0) return yield* usage(`nothing waits for approval in ${id}`)
    return yield* Effect.forEach(pending, (one) =>
      Effect.map(approve(one), (approval): Threads.Answer =>
        one._tag === "PendingApproval"
          ? { approvalId: one.itemId, ...approval }
          : { callId: one.call.callId, ...approval }))
  })
