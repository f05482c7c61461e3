/** A command on this machine: from the ordered command line to an exit code. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as App from "./app.ts"
import { exitCodes } from "./exitCodes.ts"
import { report } from "./report.ts"
import { cancellable, watchSignals } from "./signals.ts"

/** `@effect/cli` wants one for its prompts, of which there are none here. Node's own takes milliseconds to load. */
const none = Effect.dieMessage("there are no prompts")
const noTerminal = Layer.succeed(Terminal.Terminal, {
  columns: none,
  rows: none,
  isTTY: Effect.succeed(false),
  readInput: none,
  readLine: none,
  display: () => none
})

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, noTerminal)

interface Chosen {
  readonly path: ReadonlyArray<string>
  readonly words: ReadonlyArray<string>
  readonly debug: boolean
}

/** Runs a command and ends the process. */
export const run = ({ debug, path, words }: Chosen): void => {
  watchSignals()
  const program = Effect.provide(App.run(path.join(" ") as App.Name, words), platform)
  const main = Effect.flatMap(
    cancellable(program),
    (exit) => Exit.isSuccess(exit) ? Effect.succeed(exitCodes.ok) : report(exit.cause, debug)
  )
  Effect.runFork(main).addObserver((exit) => {
    const code = Exit.isSuccess(exit) ? exit.value : exitCodes.unexpected
    // What was written to a pipe goes out before the end.
    process.stdout.write("", () => process.exit(code))
  })
}
