import { describe, expect, it } from "@effect/vitest"
import { type CommandLine, parse } from "../../src/cli/commandLine.ts"
import { help } from "../../src/cli/help.ts"
import { nearest } from "../../src/cli/nearest.ts"
import { specs } from "../../src/cli/specs.ts"

const words = (...argv: ReadonlyArray<string>) => {
  const parsed = parse(argv, specs)
  return parsed._tag === "Command" ? parsed.words : parsed
}

const message = (...argv: ReadonlyArray<string>) => {
  const parsed: CommandLine = parse(argv, specs)
  return parsed._tag === "Invalid" ? `${parsed.problem.message} | ${parsed.problem.hint}` : parsed
}

describe("the command line", () => {
  it("puts options first, wherever they stand", () => {
    const ordered = ["--model", "gpt", "--quiet", "--", "one", "two"]
    expect(words("ask", "one", "two", "-m", "gpt", "-q")).toEqual(ordered)
    expect(words("ask", "-qm", "gpt", "one", "two")).toEqual(["--quiet", "--model", "gpt", "--", "one", "two"])
    expect(words("ask", "--model=gpt", "one", "--quiet", "two")).toEqual(ordered)
    expect(words("ask", "-mgpt", "one", "-q", "two")).toEqual(ordered)
  })

  it("leaves alone what stands behind --, and a lone -", () => {
    expect(words("ask", "--", "-m", "--help")).toEqual(["--", "-m", "--help"])
    expect(words("ask", "-", "-q")).toEqual(["--quiet", "--", "-"])
  })

  it("takes no word behind a flag for its value", () => {
    expect(words("ask", "-q", "yes")).toEqual(["--quiet", "--", "yes"])
    expect(words("ask", "--json", "1")).toEqual(["--json", "--", "1"])
  })

  it("gives a value that looks like an option to the option before it", () => {
    expect(words("ask", "--instructions", "--be brief", "hi")).toEqual(["--instructions", "--be brief", "--", "hi"])
  })

  it("repeats what may be repeated, and nothing else", () => {
    expect(words("ask", "-a", "x", "--attach=y")).toEqual(["--attach", "x", "--attach", "y"])
    expect(message("ask", "-m", "x", "-m", "y")).toContain("-m is given twice")
    expect(words("ask", "-q", "-q", "hi")).toEqual(["--quiet", "--", "hi"])
  })

  it("finds the commands below a command", () => {
    expect(words("threads", "show", "conv_1", "--json")).toEqual(["--json", "--", "conv_1"])
    expect(parse(["threads"], specs)).toEqual({ _tag: "Help", path: ["threads"] })
    expect(parse([], specs)).toEqual({ _tag: "Help", path: [] })
    expect(parse(["ask", "hi", "--help"], specs)).toEqual({ _tag: "Help", path: ["ask"] })
    expect(parse(["--version"], specs)).toEqual({ _tag: "Version" })
    expect(parse(["help"], specs)).toEqual({ _tag: "Help", path: [] })
    expect(parse(["help", "ask"], specs)).toEqual({ _tag: "Help", path: ["ask"] })
    expect(parse(["help", "threads", "show"], specs)).toEqual({ _tag: "Help", path: ["threads", "show"] })
    expect(message("help", "aks")).toContain(`Did you mean "ask"?`)
    expect(words("ask", "help")).toEqual(["--", "help"])
  })

  it("takes before a command what every command takes", () => {
    expect(words("--color", "never", "ask", "-q", "hi")).toEqual(["--color", "never", "--quiet", "--", "hi"])
    expect(words("--debug", "--color=never", "threads", "show", "x")).toEqual(
      ["--debug", "--color", "never", "--", "x"]
    )
    expect(parse(["--debug"], specs)).toEqual({ _tag: "Help", path: [] })
    expect(message("--color", "never", "ask", "--color", "auto", "hi")).toContain("--color is given twice")
    expect(message("--color", "pink", "ask", "hi")).toContain(`not "pink"`)
  })

  it("debugs where it is asked to, and not where the model is told so", () => {
    const debug = (...argv: ReadonlyArray<string>) => {
      const parsed = parse(argv, specs)
      return parsed._tag === "Command" ? parsed.debug : parsed
    }
    expect(debug("ask", "hi", "--debug")).toBe(true)
    expect(debug("--debug", "ask", "hi")).toBe(true)
    expect(debug("ask", "--", "--debug")).toBe(false)
    expect(debug("ask", "--instructions", "--debug", "hi")).toBe(false)
  })

  it("never sends a mistyped option to the model", () => {
    expect(message("ask", "--josn", "hi")).toContain(`there is no option "--josn". Did you mean "--json"?`)
    expect(message("ask", "--sim", "hi")).toContain(`Did you mean "--simulate"?`)
    expect(message("ask", "-x", "hi")).toContain(`there is no option "-x" | A text that begins with "-" goes behind`)
    expect(message("-q", "ask", "hi")).toContain("Options come after the command")
    expect(message("-V")).toContain("The version: openai-threads --version")
  })

  it("says what is wrong otherwise", () => {
    expect(message("aks", "hi")).toContain(`there is no command "aks". Did you mean "ask"?`)
    expect(message("threads", "shwo")).toContain(`there is no command "threads shwo". Did you mean "show"?`)
    expect(message("ask", "-m")).toContain("-m needs a value")
    expect(message("ask", "--model=")).toContain("--model needs a value")
    expect(message("simulate", "--port", "x")).toContain(`--port needs a whole number, not "x"`)
    expect(message("ask", "--color=pink")).toContain(`--color needs auto or always or never, not "pink"`)
    expect(words("simulate", "--port", "4010", "--color", "never")).toEqual(["--port", "4010", "--color", "never"])
    expect(message("ask", "--json=1")).toContain("--json takes no value")
    expect(message("threads", "show")).toContain("<id> is missing")
    expect(message("threads", "show", "a", "b")).toContain(`there is an argument too many: "b"`)
    expect(message("assistants", "list", "a")).toContain(`there is an argument too many: "a"`)
  })

  it("takes no key, and does not repeat it", () => {
    for (const flag of ["--api-key", "--key", "--token"]) {
      expect(message("ask", `${flag}=sk-secret`)).toContain("a key is never given on the command line")
      expect(message("ask", `${flag}=sk-secret`)).not.toContain("sk-secret")
    }
  })

  it("guesses what was meant only where it is near", () => {
    expect(nearest("delete", ["show", "delete"])).toBe("delete")
    expect(nearest("dleete", ["show", "delete"])).toBe("delete")
    expect(nearest("banana", ["show", "delete"])).toBeUndefined()
  })
})

describe("the help", () => {
  it("fits into 100 columns, and names every command", () => {
    const text = help([], specs)
    expect(text.split("\n").filter((line) => line.length > 100)).toEqual([])
    for (const spec of specs) expect(text).toContain(spec.path.join(" "))
    expect(text).toContain("130  interrupted")
  })

  for (const spec of specs) {
    it(`of ${spec.path.join(" ")} has its options, an example and the exit codes`, () => {
      const text = help(spec.path, specs)
      expect(text.split("\n").filter((line) => line.length > 100)).toEqual([])
      for (const flag of Object.values(spec.flags)) expect(text).toContain(`--${flag.name}`)
      expect(text).toContain("Examples:")
      expect(text).toContain("Exit codes:")
    })
  }
})
