/** `--instructions`: a text, or `@file`. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { usage } from "./CliError.ts"

export const read = (value: string) =>
  value.startsWith("@")
    ? Effect.flatMap(FileSystem.FileSystem, (fs) =>
      Effect.mapError(
        fs.readFileString(value.slice(1)),
        () => usage(`--instructions: "${value.slice(1)}" cannot be read`)
      ))
    : Effect.succeed(value)
