// The built package, put beside the other contestants so that it uses the same copies of `effect` and `openai` as they.
import { cpSync, existsSync, rmSync } from "node:fs"

const root = new URL("../../", import.meta.url)
const target = new URL("../node_modules/effect-openai-threads/", import.meta.url)

export const install = (dist) => {
  if (!existsSync(new URL("../node_modules/effect/", import.meta.url))) {
    throw new Error("The contestants are not installed: run `npm ci --prefix bench`")
  }
  if (!existsSync(dist)) throw new Error("The package is not built: run `npm run build`")
  rmSync(target, { recursive: true, force: true })
  cpSync(dist, new URL("dist/", target), { recursive: true })
  cpSync(new URL("package.json", root), new URL("package.json", target))
}
