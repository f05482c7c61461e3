/** A program in a terminal of its own, with keys that are pressed and a screen that is read. It needs tmux. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFile, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { environment, temporary } from "./cli.ts"

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0

/** For the name of a test that is skipped without it. */
export const withTmux = (name: string) => hasTmux ? name : `${name} (skipped: tmux is not installed)`

export interface Screen {
  /** Presses keys, by tmux's names for them. */
  readonly press: (...keys: ReadonlyArray<string>) => Effect.Effect<void>
  readonly type: (text: string) => Effect.Effect<void>
  /** Types a text, and Enter after it. */
  readonly enter: (text: string) => Effect.Effect<void>
  /** Pastes as terminals do: marked, if the program asked for it. */
  readonly paste: (text: string) => Effect.Effect<void>
  /** When the screen shows what is looked for, the whole screen; fails with what is there instead. */
  readonly until: (shows: (screen: string) => boolean) => Effect.Effect<string>
  /** The screen with what paints it. */
  readonly painted: Effect.Effect<string>
  /** The exit code of the program, and what is on the screen at its end. */
  readonly ended: Effect.Effect<{ readonly code: number; readonly screen: string }>
  readonly pid: Effect.Effect<number>
}

/** Whether the last line is an empty prompt. */
export const isAtPrompt = (screen: string) => screen === ">" || screen.endsWith("\n>")

/** Ids are others every time. */
export const withoutIds = (screen: string) => `${screen.replaceAll(/\b(conv|resp|run|req)_[0-9a-f-]+/g, "$1_…")}\n`

/** How long a screen may take; it takes a small part of it. */
const patience = "40 seconds"

export const open = (
  command: ReadonlyArray<string>,
  env: Record<string, string>
): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function*() {
    const socket = `openai-threads-${randomUUID()}`
    const tmux = (...args: ReadonlyArray<string>) =>
      Effect.async<string>((resume) => {
        execFile(
          "tmux",
          ["-u", "-L", socket, "-f", "/dev/null", ...args],
          { encoding: "utf8", env: environment({ LC_ALL: "C.UTF-8" }) },
          (error, stdout) => resume(error === null ? Effect.succeed(stdout) : Effect.die(error))
        )
      })
    const variables = Object.entries(environment({ TERM: "screen", LC_ALL: "C.UTF-8", ...env })).map(([name, value]) =>
      `${name}=${value}`
    )
    yield* Effect.acquireRelease(
      // The first window keeps the server alive.
      tmux("new-session", "-d", "-x", "160", "-y", "50", "-c", temporary(), "cat"),
      () => tmux("kill-server")
    )
    // A shell tells the exit code, since tmux itself loses it now and then, and goes on with what was stopped.
    const pidFile = join(temporary(), "pid")
    const inner = `echo $$ > ${pidFile}; exec "$@"`
    const outer = [
      "set -m",
      `sh -c '${inner}' sh "$@"`,
      "code=$?",
      // The signal is 18 or 20.
      "if [ $code -eq 146 ] || [ $code -eq 148 ]; then echo '[stopped]'; fg > /dev/null; code=$?; fi",
      "printf '\\n[exit %s]\\n' $code",
      "exec cat"
    ].join("\n")
    yield* tmux("new-window", "env", "-i", ...variables, "sh", "-c", outer, "sh", ...command)
    const screen = Effect.map(tmux("capture-pane", "-p", "-J", "-S", "-"), (text) =>
      text.replaceAll(/ +$/gm, "").trimEnd())
    const until: Screen["until"] = (shows) =>
      Effect.gen(function*() {
        let last = ""
        return yield* Effect.tap(screen, (text) => {
          last = text
          return Effect.sleep("30 millis")
        }).pipe(
          Effect.repeat({ until: shows }),
          Effect.timeoutFail({
            duration: patience,
            onTimeout: () =>
              new Error(`the screen shows:\n${last}`)
          }),
          Effect.orDie
        )
      })
    const press: Screen["press"] = (...keys) => tmux("send-keys", ...keys)
    const type: Screen["type"] = (text) => tmux("send-keys", "-l", text)
    return {
      press,
      type,
      enter: (text) => Effect.zipRight(type(text), press("Enter")),
      paste: (text) => Effect.zipRight(tmux("set-buffer", text), tmux("paste-buffer", "-p")),
      until,
      painted: tmux("capture-pane", "-p", "-e", "-S", "-"),
      ended: Effect.map(until((text) => exit.test(text)), (text) => ({
        code: Number(exit.exec(text)?.[1]),
        screen: text.replace(exit, "").trimEnd()
      })),
      pid: Effect.sync(() => Number(readFileSync(pidFile, "utf8")))
    }
  })

const exit = /\n\[exit (\d+)\]$/
