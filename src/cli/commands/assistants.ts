import { assistants, json, saying } from "../flags.ts"
import * as Spec from "../Spec.ts"

const flags = { ...assistants, ...json, ...saying }

export const list = Spec.make({
  path: ["assistants", "list"],
  description: "List the assistants of a file: id, model, name",
  flags,
  examples: [["openai-threads assistants list --assistants team.json", "those of a file"]]
})

export const show = Spec.make({
  path: ["assistants", "show"],
  description: "Show an assistant with its instructions",
  argument: { name: "id", description: "The assistant's id", many: false },
  flags,
  examples: [["openai-threads assistants show writer", "one of the file that is configured"]]
})
