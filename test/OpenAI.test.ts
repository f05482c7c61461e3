import { describe, expect, it } from "@effect/vitest"
import { OpenAI } from "effect-openai-threads"
import { OpenAITest, Script, Simulator } from "effect-openai-threads/testing"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import SDK from "openai"
import { suite } from "./contract/OpenAI.ts"
import { noRetries } from "./support/layers.ts"

const apiKey = Redacted.make("sk-test-secret")

const refusing: Layer.Layer<OpenAI.OpenAI> = Layer.unwrapScoped(
  Effect.gen(function*() {
    const simulator = yield* Simulator.make([])
    yield* Effect.forEach([1, 2, 3], () => simulator.inject(Script.refuse))
    return Layer.orDie(OpenAI.layer({ apiKey, fetch: simulator.fetch }))
  })
)

describe("OpenAI over a simulated wire in process", () => {
  suite({
    layer: OpenAITest.layer,
    unreachable: refusing,
    test: (name, self) => it.effect(name, () => noRetries(self()))
  })

  it.effect("an injected refusal is ConnectionFailed", () =>
    Effect.gen(function*() {
      const { conversations } = yield* OpenAI.OpenAI
      const simulator = yield* Simulator.Simulator
      yield* simulator.inject(Script.refuse)
      expect(yield* Effect.flip(conversations.create())).toMatchObject({
        _tag: "ConnectionFailed",
        reason: "ECONNREFUSED"
      })
      expect(yield* simulator.threads).toEqual([])
    }).pipe(noRetries, Effect.provide(OpenAITest.layer([]))))
})

const onLoopback = (script: Script.Script): Layer.Layer<OpenAI.OpenAI | Simulator.Simulator> =>
  Layer.unwrapScoped(
    Effect.gen(function*() {
      const simulator = yield* Simulator.Simulator
      const { url } = yield* Effect.orDie(simulator.serve())
      return Layer.orDie(OpenAI.layer({ apiKey, baseUrl: url }))
    })
  ).pipe(Layer.provideMerge(Simulator.layer(script)))

/** A port that was ours a moment ago and is closed now. */
const closedPort: Layer.Layer<OpenAI.OpenAI> = Layer.unwrapEffect(
  Simulator.make([]).pipe(
    Effect.flatMap((simulator) => simulator.serve()),
    Effect.scoped,
    Effect.orDie,
    Effect.map(({ url }) => Layer.orDie(OpenAI.layer({ apiKey, baseUrl: url })))
  )
)

describe("OpenAI over a loopback port", () => {
  suite({ layer: onLoopback, unreachable: closedPort, test: (name, self) => it.live(name, () => noRetries(self())) })
})

describe("OpenAI.layer", () => {
  for (
    const [name, options, field] of [
      ["an empty key", { apiKey: Redacted.make("") }, "apiKey"],
      ["a key with a line feed", { apiKey: Redacted.make("sk-secret\n") }, "apiKey"],
      ["a key that no header can carry", { apiKey: Redacted.make("sk-secret-ключ") }, "apiKey"],
      ["a base URL that is none", { apiKey, baseUrl: "not a url" }, "baseUrl"]
    ] as const
  ) {
    it.effect(`rejects ${name} without showing the key`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(OpenAI.layer(options))))
        expect(error).toMatchObject({ _tag: "InvalidInput", field })
        expect(`${error.message}${JSON.stringify(error)}${String(error)}`).not.toContain("sk-")
      }))
  }

  it.scoped("takes the program's own client, and switches off its retries", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const client = new SDK({ apiKey: "sk-own", fetch: simulator.fetch, maxRetries: 5, logLevel: "off" })
      const { conversations } = yield* Effect.provide(OpenAI.OpenAI, OpenAI.layer({ client }))
      yield* simulator.inject(Script.httpError({ status: 500 }))
      expect(yield* Effect.flip(conversations.create())).toMatchObject({ _tag: "ServerError" })
      yield* conversations.create()
      expect(yield* simulator.requests).toHaveLength(2)
    }))

  it.scoped("sends organization and project", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const layer = OpenAI.layer({ apiKey, organization: "org-1", project: "proj_1", fetch: simulator.fetch })
      const { conversations } = yield* Effect.provide(OpenAI.OpenAI, layer)
      yield* conversations.create()
      expect((yield* simulator.requests)[0]!.headers).toMatchObject({
        "openai-organization": "org-1",
        "openai-project": "proj_1"
      })
    }))
})

describe("OpenAI.layerConfig", () => {
  const withConfig = (variables: Record<string, string>) =>
    OpenAI.layerConfig.pipe(
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))))
    )
  const build = (variables: Record<string, string>) => Effect.scoped(Layer.build(withConfig(variables)))

  it.effect("names the variable that is missing, empty or not valid", () =>
    Effect.gen(function*() {
      expect(String(yield* Effect.flip(build({})))).toContain("OPENAI_API_KEY")
      expect(String(yield* Effect.flip(build({ OPENAI_API_KEY: "" })))).toContain("OPENAI_API_KEY")
      expect(String(yield* Effect.flip(build({ OPENAI_API_KEY: "sk-1", OPENAI_BASE_URL: "nowhere" })))).toContain(
        "OPENAI_BASE_URL"
      )
      const secret = yield* Effect.flip(build({ OPENAI_API_KEY: "sk-secret key" }))
      expect(String(secret)).toContain("OPENAI_API_KEY")
      expect(`${String(secret)}${JSON.stringify(secret)}`).not.toContain("sk-secret")
    }))

  it.scopedLive("takes key, base URL, organization and project from the configuration", () =>
    Effect.gen(function*() {
      const simulator = yield* Simulator.make([])
      const { url } = yield* simulator.serve()
      const { conversations } = yield* Effect.provide(
        OpenAI.OpenAI,
        withConfig({
          OPENAI_API_KEY: "sk-1",
          OPENAI_BASE_URL: url,
          OPENAI_ORG_ID: "org-2",
          OPENAI_PROJECT_ID: "proj_2"
        })
      )
      yield* conversations.create()
      expect((yield* simulator.requests)[0]!.headers).toMatchObject({
        authorization: "***",
        "openai-organization": "org-2",
        "openai-project": "proj_2"
      })
    }))
})
