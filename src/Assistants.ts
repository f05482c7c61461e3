/**
 * The assistants of a program, by id.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Assistant, type AssistantId, make as makeAssistant } from "./Assistant.ts"
import { lazy } from "./internal/lazy.ts"
import { AssistantNotFound } from "./RunError.ts"

/**
 * A file of assistants cannot be used. `path` is the file, `assistant` and `field` say where in it, where that is
 * known.
 *
 * @since 0.1.0
 * @category errors
 */
export class AssistantsFileInvalid extends Schema.TaggedError<AssistantsFileInvalid>(
  "effect-openai-threads/AssistantsFileInvalid"
)("AssistantsFileInvalid", {
  path: Schema.String,
  assistant: Schema.optional(Schema.String),
  field: Schema.optional(Schema.String),
  reason: Schema.String
}) {
  readonly isRetryable = false
  override get message() {
    const assistant = this.assistant === undefined ? "" : `, assistant "${this.assistant}"`
    const field = this.field === undefined ? "" : `, field "${this.field}"`
    return `${this.path}${assistant}${field}: ${this.reason}`
  }
}

/**
 * The assistants that a program knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** All of them, in the order in which they were given. */
  readonly list: Effect.Effect<ReadonlyArray<Assistant>>
  /** The one with this id; `AssistantNotFound` lists those that there are. */
  readonly get: (id: AssistantId) => Effect.Effect<Assistant, AssistantNotFound>
  /**
   * The one that `OPENAI_ASSISTANT_ID` names when the layer is built, else the only one. Where none is defined, an assistant of no
   * instructions with the id `default`, so that a program's first run needs none. With several and no name it fails.
   */
  readonly current: Effect.Effect<Assistant, AssistantNotFound>
}

/**
 * The assistants of a program, by id.
 *
 * @since 0.1.0
 * @category tags
 */
export class Assistants extends Context.Tag("effect-openai-threads/Assistants")<Assistants, Service>() {}

const fallback = makeAssistant({ id: "default" })

const named = Effect.map(
  Effect.orElseSucceed(Config.option(Config.nonEmptyString("OPENAI_ASSISTANT_ID")), Option.none<string>),
  Option.getOrUndefined
)

const make = (assistants: ReadonlyArray<Assistant>): Effect.Effect<Service> =>
  Effect.map(named, (id) => {
    const known = assistants.map((assistant) => assistant.id)
    const get = (id: string) => {
      const found = assistants.find((assistant) => assistant.id === id)
      return found === undefined
        ? Effect.fail(new AssistantNotFound({ assistantId: id, known }))
        : Effect.succeed(found)
    }
    const current = () => {
      if (id !== undefined) return get(id)
      if (assistants.length > 1) return Effect.fail(new AssistantNotFound({ known }))
      return Effect.succeed(assistants[0] ?? fallback)
    }
    return { list: Effect.succeed(assistants), get, current: current() }
  })

/**
 * Assistants given as values. An id that occurs twice is a mistake in the program and dies.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (assistants: ReadonlyArray<Assistant>): Layer.Layer<Assistants> =>
  Layer.effect(
    Assistants,
    Effect.suspend(() => {
      const twice = duplicate(assistants)
      return twice === undefined
        ? make(assistants)
        : Effect.dieMessage(`Assistants.layer: the id "${twice}" is given twice`)
    })
  )

const duplicate = (assistants: ReadonlyArray<Assistant>): string | undefined => {
  const ids = assistants.map((assistant) => assistant.id)
  return ids.find((id, index) => ids.indexOf(id) !== index)
}

/** An assistant as a file writes it: the instructions may be in a file of their own. */
const FileEntry = Schema.Struct({ ...Assistant.fields, instructionsFile: Schema.optional(Schema.NonEmptyString) })

const decodeEntry = lazy(() => Schema.decodeUnknownEither(FileEntry, { onExcessProperty: "error" }))

/**
 * Assistants from a JSON file: an array of them, or `{ "assistants": [...] }`. Each has the fields of an `Assistant`;
 * `instructionsFile` names a text file beside it that holds the instructions. Fails with {@link AssistantsFileInvalid},
 * which names file, assistant and field.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  path: string
): Layer.Layer<Assistants, AssistantsFileInvalid, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    Assistants,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const invalid = (reason: string, where?: { readonly assistant?: string; readonly field?: string }) =>
        new AssistantsFileInvalid({ path, reason, ...where })
      const read = (file: string, where?: { readonly assistant: string; readonly field: string }) =>
        Effect.mapError(fs.readFileString(file), (error) =>
          invalid(
            error._tag === "SystemError" && error.reason === "NotFound"
              ? `there is no file "${file}"`
              : `"${file}" cannot be read`,
            where
          ))
      const text = yield* read(path)
      const json: unknown = yield* Effect.try({
        try: () => JSON.parse(text),
        catch: (error) => invalid(`it is not valid JSON${error instanceof Error ? `: ${error.message}` : ""}`)
      })
      const entries = Predicate.hasProperty(json, "assistants") ? json.assistants : json
      if (!Array.isArray(entries)) {
        return yield* invalid(`it must be an array of assistants, or an object with "assistants"`)
      }
      const assistants: Array<Assistant> = []
      for (const [index, entry] of entries.entries()) {
        const name = Predicate.hasProperty(entry, "id") && typeof entry.id === "string"
          ? entry.id
          : `number ${index + 1}`
        const decoded = decodeEntry()(entry)
        if (Either.isLeft(decoded)) {
          const issue = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)[0]
          const field = issue?.path.map(String).join(".") ?? ""
          return yield* invalid(issue?.message ?? "it is not valid", {
            assistant: name,
            ...(field === "" ? {} : { field })
          })
        }
        const { instructionsFile, ...assistant } = decoded.right
        if (instructionsFile === undefined) {
          assistants.push(assistant)
          continue
        }
        const where = { assistant: name, field: "instructionsFile" }
        if (assistant.instructions !== undefined) {
          return yield* invalid("it excludes instructions; give one of them", where)
        }
        const instructions = yield* read(paths.resolve(paths.dirname(path), instructionsFile), where)
        assistants.push({ ...assistant, instructions })
      }
      const twice = duplicate(assistants)
      if (twice !== undefined) return yield* invalid("the id is given twice", { assistant: twice, field: "id" })
      return yield* make(assistants)
    })
  )
