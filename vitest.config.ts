import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^effect-openai-threads\/testing$/, replacement: source("./src/testing/index.ts") },
      { find: /^effect-openai-threads$/, replacement: source("./src/index.ts") }
    ]
  },
  // By default one core of two would be idle.
  test: { include: ["test/**/*.test.ts", "examples/**/*.test.ts"], minWorkers: 1, maxWorkers: "100%" }
})
