/** The file of `-o`. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { usage } from "./CliError.ts"
import type { AnswerSink } from "./terminal.ts"

/**
 * A file to write the answer to as it comes. Whether it can be written is found out at once, before anything is paid
 * for; an existing file keeps its content until the first piece of the answer is there.
 */
export const open = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const failed = () => usage(`"${path}" cannot be written`)
    const exists = yield* Effect.orElseSucceed(fs.exists(path), () => false)
    if (exists && (yield* Effect.mapError(fs.stat(path), failed)).type === "Directory") {
      return yield* usage(`"${path}" is a directory`)
    }
    yield* Effect.mapError(fs.access(exists ? path : paths.dirname(paths.resolve(path)), { writable: true }), failed)
    const file = yield* Effect.cached(Effect.mapError(fs.open(path, { flag: "w" }), failed))
    const scope = yield* Effect.scope
    const encoder = new TextEncoder()
    const sink: AnswerSink = {
      write: (text) =>
        Effect.flatMap(file, (file) => Effect.mapError(file.writeAll(encoder.encode(text)), failed)).pipe(
          Effect.provideService(Scope.Scope, scope)
        ),
      isTerminal: () => false
    }
    return sink
  })
