import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { Assistant, Assistants } from "effect-openai-threads"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Answerer from "../../src/cli/Answerer.ts"
import * as Settings from "../../src/cli/settings.ts"
import { temporary } from "./support/cli.ts"

const team = [
  Assistant.make({ id: "poet", model: "poet-model", instructions: "Rhyme." }),
  Assistant.make({ id: "clerk" })
]

interface Flags {
  readonly model?: string
  readonly assistant?: string
  readonly instructions?: string
}

/** Who answers, with these flags and this environment. There is a team where one of it is named. */
const choose = ({ assistant, instructions, model }: Flags, env: Record<string, string> = {}, simulated?: string) =>
  Effect.gen(function*() {
    const settings = yield* Settings.load({
      model: Option.fromNullable(model),
      assistant: Option.fromNullable(assistant),
      instructions: Option.fromNullable(instructions)
    })
    const chosen = yield* Answerer.choose(settings, simulated)
    return {
      assistant: chosen.assistant.id,
      model: chosen.model,
      instructions: chosen.instructions ?? chosen.assistant.instructions
    }
  }).pipe(
    Effect.provide(
      Layer.merge(
        Assistants.layer(assistant === undefined && env["OPENAI_ASSISTANT_ID"] === undefined ? [] : team),
        NodeFileSystem.layer
      )
    ),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
  )

describe("who answers", () => {
  const env = { OPENAI_MODEL: "test-model" }

  it.effect("the model of the flag, then of the assistant, then of the environment", () =>
    Effect.gen(function*() {
      expect((yield* choose({}, env)).model).toBe("test-model")
      expect((yield* choose({ assistant: "clerk" }, env)).model).toBe("test-model")
      expect((yield* choose({ assistant: "poet" }, env)).model).toBe("poet-model")
      expect((yield* choose({ assistant: "poet", model: "other" }, env)).model).toBe("other")
      expect((yield* choose({}, {}, "simulated")).model).toBe("simulated")
      expect(yield* Effect.flip(choose({}))).toMatchObject({ exitCode: 3, message: "there is no model" })
    }))

  it.effect("the instructions of the flag, then of the assistant", () =>
    Effect.gen(function*() {
      const file = join(temporary(), "instructions.txt")
      writeFileSync(file, "From a file.")
      expect((yield* choose({}, env)).instructions).toBeUndefined()
      expect((yield* choose({ assistant: "poet" }, env)).instructions).toBe("Rhyme.")
      expect((yield* choose({ assistant: "poet", instructions: "Prose." }, env)).instructions).toBe("Prose.")
      expect((yield* choose({ instructions: `@${file}` }, env)).instructions).toBe("From a file.")
      expect(yield* Effect.flip(choose({ instructions: "@/no/such/file" }, env))).toMatchObject({ exitCode: 2 })
    }))

  it.effect("the assistant of the flag, then of the environment", () =>
    Effect.gen(function*() {
      const poet = { ...env, OPENAI_ASSISTANT_ID: "poet" }
      expect((yield* choose({}, poet)).assistant).toBe("poet")
      expect((yield* choose({ assistant: "clerk" }, poet)).assistant).toBe("clerk")
      expect(yield* Effect.flip(choose({ assistant: "nobody" }, env))).toMatchObject({ _tag: "AssistantNotFound" })
    }))
})
