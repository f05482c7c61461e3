import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "../support/cli.ts"
import { bash, run } from "../support/installed.ts"
import { hasTmux, isAtPrompt, open, withTmux } from "../support/screen.ts"

const timeout = 60_000

const commands = ["ask", "assistants", "chat", "completion", "config", "runs", "simulate", "threads"]

/** What is typed, and the only word that it can become. */
const cases: ReadonlyArray<readonly [typed: string, completed: string]> = [
  ["ch", "chat"],
  ["threads ex", "export"],
  ["ask --att", "--attach"],
  ["ask --sch", "--schema"],
  ["chat --to", "--tools"],
  ["chat --thr", "--thread"],
  ["threads show --js", "--json"]
]

/** Runs a test in a shell, or skips it by a name that says why. */
const inShell = (shell: string, name: string, test: Parameters<typeof it.scopedLive>[1]) => {
  const isThere = spawnSync(shell, ["--version"]).status === 0
  it.scopedLive.skipIf(!isThere)(isThere ? name : `${name} (skipped: ${shell} is not installed)`, test, timeout)
}

/** `complete WORD…` prints what the last word can become. */
const inBash = `
  source <("$0" "$1" completion bash)
  function=$(complete -p openai-threads | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
  # It is there while a key is pressed only.
  compopt() { :; }
  complete() {
    COMP_WORDS=(openai-threads "$@"); COMP_CWORD=$#
    $function
    [ \${#COMPREPLY[@]} = 0 ] || printf '<%s>' "\${COMPREPLY[@]}"
    echo
  }
`

describe.concurrent("completion", () => {
  inShell("bash", "works in bash", () =>
    Effect.gen(function*() {
      const typed = ["", "ask --color a", ...cases.map(([typed]) => typed)]
      const { code, stderr, stdout } = yield* bash(
        `${inBash}\n${typed.map((words) => `complete ${words === "" ? "''" : words}`).join("\n")}`
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const [all = "", ...others] = stdout.trimEnd().split("\n").map((line) => line.slice(1, -1).split("><").join(" "))
      expect(all.split(" ").toSorted()).toEqual(["--help", "--version", ...commands])
      expect(others).toEqual(["auto always", ...cases.map(([, completed]) => completed)])
      const { stdout: more } = yield* bash(`${inBash}
        complete completion ''
        complete ask --model ''; complete ask -m g
        complete ask --color = a; complete ask --approve =
      `)
      expect(more.split("\n")).toEqual([
        "<bash><fish><sh><zsh><--help>",
        "",
        "",
        "<auto><always>",
        "<ask><always><never>",
        ""
      ])
    }))

  inShell("bash", "completes file names in bash", () =>
    Effect.gen(function*() {
      const cwd = temporary()
      writeFileSync(join(cwd, "data.csv"), "")
      writeFileSync(join(cwd, "a note.txt"), "")
      mkdirSync(join(cwd, "a folder"))
      const { stdout } = yield* bash(
        `${inBash}
        complete ask -a d; complete ask --attach a; complete ask -o x`,
        { cwd }
      )
      expect(stdout).toBe("<data.csv>\n<a note.txt><a folder>\n\n")
    }))

  if (hasTmux) {
    inShell("bash", "completes as keys are pressed in bash", () =>
      Effect.gen(function*() {
        const home = temporary()
        mkdirSync(join(home, "a folder"))
        writeFileSync(join(home, "rc"), `PS1='> '\ncd ${home}\n${(yield* run(["completion", "bash"])).stdout}`)
        const shell = yield* open(["bash", "--noprofile", "--rcfile", join(home, "rc"), "-i"], {})
        yield* shell.until(isAtPrompt)
        for (
          const [typed, completed] of [
            ["ask -a a", "ask -a a\\ folder/"],
            ["ask --color=al", "ask --color=always"],
            ["completion fi", "completion fish"]
          ] as const
        ) {
          yield* shell.type(`openai-threads ${typed}`)
          yield* shell.press("Tab")
          yield* shell.until((text) => text.endsWith(`> openai-threads ${completed}`))
          yield* shell.press("C-u")
          yield* shell.until(isAtPrompt)
        }
      }))
  } else it.skip(withTmux("completes as keys are pressed in bash"))

  inShell("fish", "works in fish", () =>
    Effect.gen(function*() {
      const typed = ["", "ask --color a", ...cases.map(([typed]) => typed)]
      const { code, stderr, stdout } = yield* bash(
        `
        "$0" "$1" completion fish > completion.fish
        fish --no-config -c '
          source completion.fish
          ${typed.map((words) => `echo (complete -C "openai-threads ${words}" | cut -f 1)`).join("\n")}
        '
      `,
        { cwd: temporary() }
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const [all = "", ...others] = stdout.trimEnd().split("\n")
      expect(all.split(" ").toSorted()).toEqual(commands)
      expect(others).toEqual(["always auto", ...cases.map(([, completed]) => completed)])
    }))

  if (hasTmux) {
    inShell("zsh", "works in zsh", () =>
      Effect.gen(function*() {
        const home = temporary()
        const completion = (yield* run(["completion", "zsh"])).stdout
        writeFileSync(
          join(home, ".zshrc"),
          `PROMPT='> '\nautoload -U compinit\ncompinit -u -D\n${completion}`
        )
        const shell = yield* open(["zsh", "-d", "-i"], { ZDOTDIR: home })
        yield* shell.until(isAtPrompt)
        for (const [typed, completed] of cases) {
          yield* shell.type(`openai-threads ${typed}`)
          yield* shell.press("Tab")
          yield* shell.until((text) => text.endsWith(`> openai-threads ${typed.replace(/\S+$/, completed)}`))
          yield* shell.press("C-u")
          yield* shell.until(isAtPrompt)
        }
        yield* shell.type("openai-threads ")
        yield* shell.press("Tab")
        const screen = yield* shell.until((text) => text.includes("-- Serve a simulated OpenAI"))
        for (const command of commands) expect(screen).toMatch(new RegExp(`^${command} +-- `, "m"))
      }))
  } else it.skip(withTmux("works in zsh"))

  it.live("is there for these shells, and no other", () =>
    Effect.gen(function*() {
      const shells = ["bash", "sh", "zsh", "fish", "tcsh"]
      const [bash, sh, zsh, fish, other] = yield* Effect.all(
        shells.map((shell) => run(["completion", shell])),
        { concurrency: 2 }
      )
      expect(sh).toEqual(bash)
      expect(zsh?.stdout).toContain("#compdef openai-threads")
      expect(fish?.stdout).toContain("complete -c openai-threads")
      expect(other).toMatchObject({ code: 2, stdout: "" })
    }), timeout)
})
