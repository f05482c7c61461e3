/** The program: from the command line to an exit code. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CommandLine from "./commandLine.ts"
import { exitCodes } from "./exitCodes.ts"
import { help } from "./help.ts"
import { report } from "./report.ts"
import { cancellable, watchSignals } from "./signals.ts"
import { specs } from "./specs.ts"
import { setColor, stdout, watchReaders, type When } from "./terminal.ts"
import { version } from "./version.ts"

const argv = process.argv.slice(2)

watchReaders()
watchSignals()

/** An error may come before the settings are read, and is told in the colour that was asked for. */
const when = argv.find((word, index) => argv[index - 1] === "--color" || word.startsWith("--color="))
setColor((when?.replace("--color=", "") ?? "auto") as When)

const commandLine = CommandLine.parse(argv, specs)

const program = Effect.suspend(() => {
  switch (commandLine._tag) {
    case "Help":
      return stdout.write(help(commandLine.path, specs))
    case "Version":
      return stdout.write(`${version}\n`)
    case "Invalid":
      return Effect.fail(commandLine.error)
    case "Command":
      return Effect.flatMap(Effect.promise(() => import("./command.ts")), ({ run }) => run(commandLine.words))
  }
})

const main = Effect.flatMap(cancellable(program), (exit) =>
  Exit.isSuccess(exit)
    ? Effect.succeed(exitCodes.ok)
    : report(exit.cause, argv.includes("--debug")))

Effect.runFork(main).addObserver((exit) => {
  const code = Exit.isSuccess(exit) ? exit.value : exitCodes.unexpected
  // What was written to a pipe goes out before the end.
  process.stdout.write("", () => process.exit(code))
})
