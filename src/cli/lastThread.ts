/** The last thread of this machine, which `--continue` goes on with. */
import * as Effect from "effect/Effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { ThreadId } from "../Thread.ts"
import { type CliError, usage } from "./CliError.ts"
import * as Xdg from "./xdg.ts"

const place = Xdg.file("XDG_STATE_HOME", ".local/state", "last-thread")

/** Its id. */
export const read: Effect.Effect<ThreadId, CliError> = Effect.flatMap(place, (file) => {
  try {
    const id = file === undefined ? "" : readFileSync(file, "utf8").trim()
    if (id !== "") return Effect.succeed(id as ThreadId)
  } catch {
    // There is none, or none that can be read.
  }
  return Effect.fail(usage("there is no last thread on this machine", "A question begins one; --thread names one."))
})

/** What keeps an id. Where that cannot be done, nothing is said: the answer is what counts. */
export const keeper = Effect.map(place, (file) => (id: ThreadId) => {
  if (file === undefined) return
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, `${id}\n`, { mode: 0o600 })
  } catch {
    // As it was.
  }
})
