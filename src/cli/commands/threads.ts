import * as Flag from "../Flag.ts"
import { json, output, reaching, saying } from "../flags.ts"
import * as Spec from "../Spec.ts"

const argument = { name: "id", description: "The thread's id, such as conv_123", many: false }

export const show = Spec.make({
  path: ["threads", "show"],
  description: "Show the messages of a thread, oldest first",
  argument,
  flags: { ...json, ...reaching, ...saying },
  examples: [["openai-threads threads show conv_123", "what was said"]]
})

export const remove = Spec.make({
  path: ["threads", "delete"],
  description: "Delete a thread and its items, for good",
  argument,
  flags: {
    yes: Flag.on("yes", { alias: "y", description: "Do not ask first; nobody is asked but on a terminal" }),
    ...reaching,
    ...saying
  },
  examples: [["openai-threads threads delete conv_123", "nothing of it is left at OpenAI"]]
})

export const exportThread = Spec.make({
  path: ["threads", "export"],
  description: "Print a thread as lines of JSON: the thread, then its items",
  argument,
  flags: { ...output, ...reaching, ...saying },
  examples: [["openai-threads threads export conv_123 > thread.jsonl", "keep it"]]
})
