import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import { describe, expect, it } from "@effect/vitest"
import { Assistant, Assistants, RunError } from "effect-openai-threads"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

const analyst = Assistant.make({ id: "analyst", name: "Analyst", model: "test-model", temperature: 0.5 })
const writer = Assistant.make({ id: "writer", instructions: "Write." })
const id = (text: string) => Assistant.AssistantId.make(text)

const withConfig = (variables: Record<string, string>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const current = (assistants: ReadonlyArray<Assistant.Assistant>, variables: Record<string, string> = {}) =>
  Effect.flatMap(Assistants.Assistants, (service) => service.current).pipe(
    Effect.provide(Assistants.layer(assistants)),
    withConfig(variables)
  )

describe("Assistants.layer", () => {
  it.effect("lists them in their order and gets one by its id", () =>
    Effect.gen(function*() {
      const service = yield* Assistants.Assistants
      expect(yield* service.list).toEqual([writer, analyst])
      expect(yield* service.get(id("analyst"))).toEqual(analyst)
    }).pipe(Effect.provide(Assistants.layer([writer, analyst]))))

  it.effect("an unknown id is AssistantNotFound, which lists the known ones", () =>
    Effect.gen(function*() {
      const service = yield* Assistants.Assistants
      const error = yield* Effect.flip(service.get(id("wrter")))
      expect(error).toMatchObject({ _tag: "AssistantNotFound", assistantId: "wrter", known: ["writer", "analyst"] })
      expect(error.message).toContain("wrter")
      expect(error.message).toContain("writer, analyst")
      expect(RunError.is(error)).toBe(true)
    }).pipe(Effect.provide(Assistants.layer([writer, analyst]))))

  it.effect("an id that occurs twice dies and is named", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(Assistants.layer([analyst, writer, { ...writer }]))))
      expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain(`"writer"`)
    }))
})

describe("current", () => {
  it.effect("is the one that OPENAI_ASSISTANT_ID names", () =>
    Effect.gen(function*() {
      expect(yield* current([writer, analyst], { OPENAI_ASSISTANT_ID: "analyst" })).toEqual(analyst)
      expect(yield* current([analyst], { OPENAI_ASSISTANT_ID: "analyst" })).toEqual(analyst)
    }))

  it.effect("is the only one where none is named", () =>
    Effect.gen(function*() {
      expect(yield* current([writer])).toEqual(writer)
      expect(yield* current([writer], { OPENAI_ASSISTANT_ID: "" })).toEqual(writer)
    }))

  it.effect("is an empty one where there is none", () =>
    Effect.gen(function*() {
      expect(yield* current([])).toEqual({ id: "default" })
    }))

  it.effect("fails where there are several and none is named", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(current([writer, analyst]))
      expect(error).toMatchObject({ _tag: "AssistantNotFound", known: ["writer", "analyst"] })
      expect(error.assistantId).toBeUndefined()
      expect(error.message).toContain("OPENAI_ASSISTANT_ID")
    }))

  it.effect("fails where the named one does not exist, also when there is one or none", () =>
    Effect.gen(function*() {
      const named = { OPENAI_ASSISTANT_ID: "ghost" }
      expect(yield* Effect.flip(current([writer, analyst], named))).toMatchObject({
        assistantId: "ghost",
        known: ["writer", "analyst"]
      })
      expect(yield* Effect.flip(current([writer], named))).toMatchObject({ assistantId: "ghost", known: ["writer"] })
      expect(yield* Effect.flip(current([], named))).toMatchObject({ assistantId: "ghost", known: [] })
    }))
})

describe("Assistants.layerFile", () => {
  /** Writes files to a directory of their own and reads `assistants.json` there. */
  const load = (files: Record<string, unknown>) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const directory = yield* fs.makeTempDirectoryScoped()
      const path = paths.join(directory, "assistants.json")
      for (const [name, content] of Object.entries(files)) {
        const file = paths.join(directory, name)
        yield* fs.makeDirectory(paths.dirname(file), { recursive: true })
        yield* fs.writeFileString(file, typeof content === "string" ? content : JSON.stringify(content))
      }
      const service = Effect.provide(
        Effect.flatMap(Assistants.Assistants, ({ list }) => list),
        Assistants.layerFile(path)
      )
      return { path, service }
    })

  const loaded = (files: Record<string, unknown>) =>
    Effect.flatMap(load(files), ({ service }) => service).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

  const rejected = (files: Record<string, unknown>) =>
    Effect.gen(function*() {
      const { path, service } = yield* load(files)
      const error = yield* Effect.flip(service)
      expect(error).toBeInstanceOf(Assistants.AssistantsFileInvalid)
      expect(error.path).toBe(path)
      expect(error.message).toContain(path)
      if (error.assistant !== undefined) expect(error.message).toContain(`"${error.assistant}"`)
      if (error.field !== undefined) expect(error.message).toContain(`"${error.field}"`)
      expect(error.reason).not.toBe("")
      return error
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

  const full = {
    id: "full",
    name: "Full",
    model: "gpt",
    instructions: "Be brief.",
    temperature: 1,
    topP: 0.5,
    maxOutputTokens: 16,
    reasoning: { effort: "low", summary: "auto" },
    verbosity: "low",
    tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }],
    metadata: { team: "a" }
  }

  it.effect("reads an array, and an object with assistants", () =>
    Effect.gen(function*() {
      expect(yield* loaded({ "assistants.json": [full, { id: "b" }] })).toEqual([full, { id: "b" }])
      expect(yield* loaded({ "assistants.json": { assistants: [full] } })).toEqual([full])
      expect(yield* loaded({ "assistants.json": [] })).toEqual([])
    }))

  it.effect("reads instructions from a file beside it", () =>
    Effect.gen(function*() {
      const files = {
        "assistants.json": [{ id: "a", instructionsFile: "prompts/a.md" }],
        "prompts/a.md": "Actúa como analista.\n"
      }
      expect(yield* loaded(files)).toEqual([{ id: "a", instructions: "Actúa como analista.\n" }])
    }))

  it.effect("reads a file that an editor began with a byte order mark", () =>
    Effect.gen(function*() {
      expect(yield* loaded({ "assistants.json": `\uFEFF[{"id":"a"}]` })).toEqual([{ id: "a" }])
    }))

  it.effect("a file that is missing, no JSON or of another shape is named", () =>
    Effect.gen(function*() {
      expect((yield* rejected({})).reason).toContain("there is no file")
      expect((yield* rejected({ "assistants.json": "{ nope" })).reason).toContain("JSON")
      expect((yield* rejected({ "assistants.json": "" })).reason).toContain("JSON")
      for (const shape of [{}, 5, "\"text\"", null, { assistants: {} }]) {
        expect((yield* rejected({ "assistants.json": JSON.stringify(shape) })).reason).toContain("array of assistants")
      }
    }))

  const mistakes: ReadonlyArray<readonly [name: string, entry: object, field: string]> = [
    ["a number that is too high", { temperature: 3 }, "temperature"],
    ["a number where a text belongs", { model: 5 }, "model"],
    ["too few output tokens", { maxOutputTokens: 5 }, "maxOutputTokens"],
    ["a word that is none of the allowed", { verbosity: "loud" }, "verbosity"],
    ["a field inside a field", { reasoning: { effort: 1 } }, "reasoning.effort"],
    ["an unknown field", { temprature: 1 }, "temprature"],
    ["metadata that is no text", { metadata: { a: 1 } }, "metadata.a"],
    ["a tool without a type", { tools: [{ type: "web_search" }, { type: "" }] }, "tools.1.type"],
    ["both kinds of instructions", { instructions: "Hi", instructionsFile: "a.md" }, "instructionsFile"],
    ["an instructions file that is missing", { instructionsFile: "ghost.md" }, "instructionsFile"]
  ]
  for (const [name, entry, field] of mistakes) {
    it.effect(`${name} names file, assistant and field`, () =>
      Effect.gen(function*() {
        const error = yield* rejected({ "assistants.json": [{ id: "good" }, { id: "bad", ...entry }], "a.md": "x" })
        expect(error).toMatchObject({ assistant: "bad", field })
      }))
  }

  it.effect("an entry without an id is named by its number", () =>
    Effect.gen(function*() {
      expect(yield* rejected({ "assistants.json": [{ id: "good" }, { name: "x" }] })).toMatchObject({
        assistant: "number 2",
        field: "id"
      })
      expect(yield* rejected({ "assistants.json": [{ id: "" }] })).toMatchObject({ field: "id" })
      expect(yield* rejected({ "assistants.json": [5] })).toMatchObject({ assistant: "number 1" })
    }))

  it.effect("an id that occurs twice is named", () =>
    Effect.gen(function*() {
      expect(yield* rejected({ "assistants.json": [{ id: "a" }, { id: "b" }, { id: "a" }] })).toMatchObject({
        assistant: "a",
        field: "id"
      })
    }))

  it.effect("a file that may not be read says so", () =>
    Effect.gen(function*() {
      const fs = FileSystem.layerNoop({})
      const error = yield* Effect.flip(
        Effect.scoped(Layer.build(Assistants.layerFile("x.json").pipe(Layer.provide([fs, Path.layer]))))
      )
      expect(error).toMatchObject({ _tag: "AssistantsFileInvalid", path: "x.json" })
    }))
})

describe("Assistant.make", () => {
  it("throws on what is not valid", () => {
    expect(() => Assistant.make({ id: "" })).toThrow()
    expect(() => Assistant.make({ id: "a", temperature: 3 })).toThrow(/temperature/)
    expect(() => Assistant.make({ id: "a", tools: [{ type: "" }] })).toThrow(/tools/)
  })
})
