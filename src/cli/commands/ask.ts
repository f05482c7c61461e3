import * as Flag from "../Flag.ts"
import { approving, asking, json, output, reaching, saying, showing, simulating } from "../flags.ts"
import * as Spec from "../Spec.ts"

export const ask = Spec.make({
  path: ["ask"],
  description: "Ask one question; the answer goes to standard output",
  argument: {
    name: "text",
    description: "What to ask; standard input, if piped, comes after it; - stands for it",
    many: true
  },
  flags: {
    ...asking,
    retry: Flag.on("retry", { description: "Ask again on the thread, without another message" }),
    ...approving,
    closePending: Flag.on("close-pending", {
      description: "Go on without the answer that the thread waits for"
    }),
    schema: Flag.text("schema", {
      value: "file",
      description: "Print JSON that fits this JSON Schema, and nothing else"
    }),
    background: Flag.on("background", {
      description: "Begin the answer, print the run's cursor and end; see runs watch"
    }),
    ...json,
    events: Flag.on("events", { description: "Print each event as a line of JSON" }),
    ...output,
    ...showing,
    ...reaching,
    ...simulating,
    ...saying
  },
  examples: [
    ["openai-threads ask \"Why is the sky blue?\"", "one question"],
    ["openai-threads ask --simulate \"Hello\"", "without a key: a simulated model"],
    ["git diff | openai-threads ask \"Write a commit message\"", "an instruction, and what it is about"],
    ["openai-threads ask -a plot.png -a data.csv \"What do you see?\"", "with files; -a - is standard input"],
    ["openai-threads ask --thread conv_123 \"And at night?\"", "go on with a thread"],
    ["openai-threads ask -c \"And at night?\"", "go on with the last one of this machine"],
    ["openai-threads ask --thread conv_123 --retry", "ask again what got no answer"],
    ["openai-threads ask --thread conv_123 --approve always", "approve what its last run waits for"],
    ["openai-threads ask --thread conv_123 --close-pending", "go on without what its last run waits for"],
    ["openai-threads ask --json \"Hello\" | jq -r .text", "for a program"],
    ["openai-threads ask --background \"Tell me a story\"", "begin it here, and watch it with runs watch"],
    ["openai-threads ask --schema invoice.json -a invoice.pdf \"Read it\" | jq .total", "checked JSON"]
  ]
})
