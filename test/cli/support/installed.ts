/** The bin as it is installed: bundled, packed, and unpacked where nothing is beside it. */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { copyFileSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Options, start, temporary } from "./cli.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))

const install = (): string => {
  const [built, packed, installed] = [temporary(), temporary(), temporary()]
  for (const file of ["package.json", "README.md", "LICENSE"]) copyFileSync(join(root, file), join(built, file))
  execFileSync(process.execPath, [join(root, "scripts/bundle.mjs"), join(built, "dist/cli")], { cwd: root })
  // Without its scripts, which would build the library too.
  const options = ["--ignore-scripts", "--silent", "--offline", "--pack-destination", packed]
  execFileSync("npm", ["pack", ...options], { cwd: built, stdio: ["ignore", "ignore", "inherit"] })
  execFileSync("tar", ["-xzf", join(packed, readdirSync(packed)[0]!), "-C", installed])
  const folder = join(installed, "package")
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  return join(folder, manifest.bin["openai-threads"])
}

/** Where the bin is. */
export const bin = install()

export const launch = (args: ReadonlyArray<string>, options: Options = {}) =>
  start(process.execPath, [bin, ...args], options)

/** What becomes of a command. */
export const run = (args: ReadonlyArray<string>, options: Options = {}) =>
  Effect.promise(() => launch(args, options).ended)

/** A script in which `"$0" "$1"` is the bin. */
export const bash = (script: string, options: Options = {}) =>
  Effect.promise(() => start("bash", ["-c", script, process.execPath, bin], options).ended)
