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
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    // By default one core of two would be idle.
    minWorkers: 1,
    maxWorkers: "100%",
    // Loading all modules anew for each file takes a sixth of the time.
    isolate: false
  }
})
