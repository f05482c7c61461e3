import { describe, expect, it } from "@effect/vitest"
import { Option, SchemaAST } from "effect"
import { RunError, RunEvent } from "effect-openai-threads"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as ConfigFile from "../src/cli/ConfigFile.ts"

const root = fileURLToPath(new URL("../", import.meta.url))
const read = (path: string) => readFileSync(`${root}${path}`, "utf8")
const readme = read("README.md")

/** Every fenced block, with the comment on the line before it. */
const blocks = [...readme.matchAll(/(?:<!-- ([^\n]*) -->\n+)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
  ([, marker = "", language = "", code = ""]) => ({ marker, language, code })
)

describe("README", () => {
  const code = blocks.filter(({ language }) => language === "ts")

  it("has code", () => expect(code.length).toBeGreaterThan(5))

  it.each(code)("shows what is in its file: $marker", ({ code, marker }) => {
    const [, part, path] = /^(part of )?(examples\/\S+\.ts)$/.exec(marker) ?? []
    if (path === undefined) return expect.fail(`this block names no file under examples/:\n${code}`)
    const file = read(path)
    if (part === undefined) return expect(code).toBe(file)
    const lines = (text: string) => `\n${text}`
    expect(code.split("\n").length).toBeGreaterThan(3)
    expect(lines(file)).toContain(lines(code))
  })

  it("has no block that looks like TypeScript under another name", () => {
    expect(blocks.filter(({ language }) => !["ts", "sh", "text"].includes(language))).toEqual([])
  })

  it("shows the chat as it is on a terminal", () => {
    const [, path = "", screen = ""] =
      /<!-- part of (test\/cli\/screens\/\S+) -->\n+```text\n([\s\S]*?)```/.exec(readme) ?? []
    expect(screen.split("\n").length).toBeGreaterThan(10)
    expect(read(path).startsWith(screen)).toBe(true)
  })

  it("names scripts that package.json has", () => {
    const { scripts } = JSON.parse(read("package.json"))
    const named = [...readme.matchAll(/npm (?:run )?(\w[\w:-]*)/g)].map(([, name]) => name!).filter(
      (name) => !["ci", "install"].includes(name)
    )
    expect(named).toContain("demo")
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it("names every file that an example has", () => {
    const shown = code.map(({ marker }) => marker.replace("part of ", ""))
    const files = readdirSync(`${root}examples`).filter((file) => file.endsWith(".ts"))
    expect(files.map((file) => `examples/${file}`).filter((file) => !shown.includes(file))).toEqual([
      "examples/csv-table.ts",
      "examples/scripted-analyst.ts",
      "examples/serve-web.ts",
      "examples/statistics.ts"
    ])
  })

  const table = (heading: string) => {
    const [, section = ""] = readme.split(`## ${heading}\n`)
    return [...section.split("\n## ")[0]!.matchAll(/^\| `(\w+)` +\|.*\|(.*)\|$/gm)].map((
      [, name = "", fields = ""]
    ) => ({
      name,
      fields: [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field)
    }))
  }

  it("lists every event with its fields", () => {
    const common = ["_tag", "runId", "threadId", "sequence", "step", "responseId", "wire"]
    expect(table("Events")).toEqual(RunEvent.RunEvent.members.map((event) => ({
      name: Option.getOrThrow(SchemaAST.getIdentifierAnnotation(event.ast)),
      fields: Object.keys(event.fields).filter((field) => !common.includes(field))
    })))
  })

  it("lists every key of the terminal's configuration", () => {
    expect(table("The terminal").map(({ name }) => name)).toEqual(ConfigFile.keys)
  })

  it("lists every error, and no field that it does not have", () => {
    const errors = new Map(RunError.RunError.members.map((error) => [error.name, Object.keys(error.fields)]))
    const listed = table("Errors")
    expect(listed.map(({ name }) => name).sort()).toEqual([...errors.keys()].sort())
    for (const { fields, name } of listed) expect(errors.get(name)).toEqual(expect.arrayContaining(fields))
  })
})
