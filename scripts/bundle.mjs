/**
 * Bundles the terminal into `dist/cli`: its dependencies are not installed for users of the library, and one file starts
 * in a fraction of the time. `start.js` is the bin; it loads the program behind Node's compile cache.
 */
import { build } from "esbuild"
import { chmodSync, readFileSync } from "node:fs"

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
  define: { PACKAGE_VERSION: JSON.stringify(version) }
}

await build({ ...options, entryPoints: ["src/cli/bin.ts"], outfile: "dist/cli/bin.js" })
await build({ ...options, entryPoints: ["src/cli/start.ts"], outfile: "dist/cli/start.js" })
chmodSync("dist/cli/start.js", 0o755)
