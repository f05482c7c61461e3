/**
 * Bundles the terminal: its dependencies are not installed for users of the library, and it starts in a fraction of the
 * time. `start.js` is the bin and switches on Node's compile cache; it loads `bin.js`, which has the help; that loads
 * what a command needs when there is one. Separate files, because Node caches what of a file was compiled when it was
 * first used: after a first `--help`, one file for all would have nothing of `ask` in its cache.
 *
 * node scripts/bundle.mjs [directory, by default dist/cli]
 */
import { build } from "esbuild"
import { chmodSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"

const outdir = process.argv[2] ?? "dist/cli"
const { version } = JSON.parse(readFileSync("package.json", "utf8"))

const options = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  // Names stay, for stacks that say something.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "warning",
  define: { PACKAGE_VERSION: JSON.stringify(version) },
  outdir
}

rmSync(outdir, { recursive: true, force: true })
await build({ ...options, entryPoints: ["src/cli/bin.ts"], splitting: true, chunkNames: "[name]-[hash]" })
await build({ ...options, entryPoints: ["src/cli/start.ts"] })
chmodSync(join(outdir, "start.js"), 0o755)
