/** A command on this machine: `@effect/cli` over Node. Loaded when there is one to run, and not for the help. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as App from "./app.ts"
import { usage } from "./CliError.ts"
import { withoutColor } from "./terminal.ts"

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)

/** `@effect/cli` prints its errors itself, which `report.ts` does in the same way for all. */
const silently = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((console) => Console.withConsole(effect, { ...console, error: () => Effect.void }))

export const run = (words: ReadonlyArray<string>) =>
  silently(App.run(words)).pipe(
    Effect.mapError((error) =>
      ValidationError.isValidationError(error)
        ? usage(withoutColor(HelpDoc.toAnsiText(error.error)).trim(), "See: openai-threads --help")
        : error
    ),
    Effect.provide(platform)
  )
