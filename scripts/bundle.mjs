/**
 * Bundles the terminal: its dependencies are not installed for users of the library, and it starts in a fraction of the
 * time. `start.js` is the bin and switches on Node's compile cache; it loads `bin.js`, which has the help; that loads
 * what a command needs when there is one. Separate files, because Node caches what of a file was compiled when it was
 * first used: after a first `--help`, one file for all would have nothing of `ask` in its cache.
 *
 * node scripts/bundle.mjs [directory, by default dist/cli]
 */
import { build } from "esbuild"
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"

const outdir = process.argv[2] ?? "dist/cli"
const { version } = JSON.parse(readFileSync("package.json", "utf8"))

/** What the authors of the bundled packages ask for: their licences go with their code. */
const licences = (inputs) => {
  const folders = inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [])
  return Array.from(new Set(folders)).toSorted().map((folder) => {
    const { license, name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const file = readdirSync(folder).find((file) => /^licen[cs]e(\.|$)/i.test(file))
    return `${name} (${license})\n\n${file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim()}\n`
  }).join(`\n${"-".repeat(80)}\n\n`)
}

/**
 * The SDK's client makes an object for each part of OpenAI's API, of which the terminal uses two, and has helpers for
 * streams and other ways to authenticate, which it does not use. A third of the bundle would be that: it becomes empty
 * classes. A name that is missing fails the build.
 */
const unusedParts = {
  name: "unused parts of the SDK",
  setup: ({ onLoad }) =>
    onLoad({ filter: /openai[\\/](auth|resources|lib|internal[\\/]responses)[\\/]/ }, ({ path }) => {
      if (/resources[\\/](conversations|responses|shared)|index\.mjs$/.test(path)) return
      if (/[\\/](lib|responses)[\\/]/.test(path) && !/EventStream|ResponseStream|response-accumulator/.test(path)) {
        return
      }
      const source = readFileSync(path, "utf8")
      const declared = Array.from(source.matchAll(/^export (?:class|const|function) (\w+)/gm), ([, name]) => name)
      const listed = Array.from(source.matchAll(/^export \{([^}]*)\}/gm), ([, names]) => names.split(",")).flat()
        .map((name) => name.trim().split(/\s+as\s+/).at(-1))
      const names = new Set([...declared, ...listed].filter((name) => name !== ""))
      return { contents: Array.from(names, (name) => `export class ${name} {}`).join("\n"), loader: "js" }
    })
}

/** The SDK uses names of the web that would load Node's own `fetch`. */
const webNames = {
  name: "names of the web",
  setup: ({ onLoad }) =>
    onLoad({ filter: /openai[\\/](client|internal[\\/](headers|utils[\\/]log))\.mjs$/ }, ({ path }) => ({
      contents: `import { FormData, Headers } from ${JSON.stringify(resolve("src/cli/http/sdk.ts"))}\n${
        readFileSync(path, "utf8")
      }`,
      loader: "js"
    }))
}

/**
 * An `import` of one of Node's modules looks at all that the module has, and so loads what belongs to parts that nobody
 * uses. `node:crypto` is for temporary directories, of which the terminal makes none. A name that is missing is told as
 * a warning.
 */
const nodesModules = {
  name: "modules of Node",
  setup: ({ onLoad, onResolve }) => {
    const get = (path) => `process.getBuiltinModule(${JSON.stringify(path)})`
    onResolve({ filter: /^node:(crypto|fs)$/ }, ({ path }) => ({ path, namespace: "node" }))
    onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => ({
      contents: path === "node:crypto"
        ? `export const randomBytes = (size) => ${get(path)}.randomBytes(size)`
        : `module.exports = ${get(path)}`
    }))
  }
}

const options = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  // Measured: names that stay cost a tenth of the time to the first text.
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  define: { PACKAGE_VERSION: JSON.stringify(version) },
  plugins: [unusedParts, webNames, nodesModules],
  metafile: true,
  outdir
}

rmSync(outdir, { recursive: true, force: true })
const { metafile } = await build({
  ...options,
  entryPoints: ["src/cli/bin.ts"],
  splitting: true,
  chunkNames: "[name]-[hash]"
})
await build({ ...options, entryPoints: ["src/cli/start.ts"] })
const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) =>
  Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0)
)
writeFileSync(join(outdir, "LICENSES.txt"), licences(bundled))
chmodSync(join(outdir, "start.js"), 0o755)
