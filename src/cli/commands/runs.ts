import * as Flag from "../Flag.ts"
import { approving, json, output, reaching, saying, showing } from "../flags.ts"
import * as Spec from "../Spec.ts"

const argument = {
  name: "cursor",
  description: "What ask --background printed; - reads it from standard input",
  many: false
}

export const watch = Spec.make({
  path: ["runs", "watch"],
  description: "Print the rest of a run from where its cursor stands",
  argument,
  flags: {
    ...approving,
    ...json,
    events: Flag.on("events", { description: "Print each event as a line of JSON, with the cursor behind it" }),
    ...output,
    ...showing,
    ...reaching,
    ...saying
  },
  examples: [
    ["openai-threads ask --background \"Tell me a story\" | openai-threads runs watch -", "begin here, watch there"]
  ]
})

export const status = Spec.make({
  path: ["runs", "status"],
  description: "Print how far a run is, in a word such as in_progress",
  argument,
  flags: { ...reaching, ...saying },
  examples: [["openai-threads runs status \"$cursor\"", "one word"]]
})

export const cancel = Spec.make({
  path: ["runs", "cancel"],
  description: "End a run in the background, and print what it came to",
  argument,
  flags: { ...reaching, ...saying },
  examples: [["openai-threads runs cancel \"$cursor\"", "stop it"]]
})
