/**
 * The program. The help, the version and what is wrong with the command line are told from here, without loading
 * anything else.
 */
import * as CommandLine from "./commandLine.ts"
import { exitCodes } from "./exitCodes.ts"
import { help } from "./help.ts"
import { specs } from "./specs.ts"
import { paint, setColor, watchReaders, type When } from "./streams.ts"
import { version } from "./version.ts"

const argv = process.argv.slice(2)

watchReaders()

/** An error may come before the settings are read, and is told in the colour that was asked for. */
const options = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length)
const when = options.find((word, index) => options[index - 1] === "--color" || word.startsWith("--color="))
setColor((when?.replace("--color=", "") ?? "auto") as When)

const commandLine = CommandLine.parse(argv, specs)

switch (commandLine._tag) {
  case "Help":
    process.stdout.write(help(commandLine.path, specs))
    break
  case "Version":
    process.stdout.write(`${version}\n`)
    break
  case "Invalid":
    process.stderr.write(`${paint.red("error:")} ${commandLine.problem.message}\n  ${commandLine.problem.hint}\n`)
    process.exitCode = exitCodes.usage
    break
  case "Command": {
    const { run } = await import("./command.ts")
    run(commandLine)
  }
}
