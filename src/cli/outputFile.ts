/** Where `-o` leads. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { usage } from "./CliError.ts"
import { type AnswerSink, stdout } from "./terminal.ts"

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
    const type = exists ? (yield* Effect.mapError(fs.stat(path), failed)).type : "File"
    if (type === "Directory") return yield* usage(`"${path}" is a directory`)
    // It would be told only when it is opened.
    if (type === "Socket") return yield* failed()
    yield* Effect.mapError(fs.access(exists ? path : paths.dirname(paths.resolve(path)), { writable: true }), failed)
    // A pipe and a terminal are written to at their end: there is no other place in them.
    const flag = type === "File" ? "w" : "a"
    const file = yield* Effect.cached(Effect.mapError(fs.open(path, { flag }), failed))
    const scope = yield* Effect.scope
    const encoder = new TextEncoder()
    const sink: AnswerSink = {
      // Without a text it is opened, and so emptied.
      write: (text) =>
        Effect.flatMap(
          file,
          (file) => text === "" ? Effect.void : Effect.mapError(file.writeAll(encoder.encode(text)), failed)
        ).pipe(
          Effect.provideService(Scope.Scope, scope)
        ),
      isTerminal: () => false
    }
    return sink
  })

/** Standard output, where no file is named. */
export const sink = (path: Option.Option<string>) =>
  Option.isNone(path) || ["-", "/dev/stdout", "/dev/fd/1"].includes(path.value)
    ? Effect.succeed<AnswerSink>(stdout)
    : open(path.value)
