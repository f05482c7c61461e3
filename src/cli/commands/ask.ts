import * as Flag from "../Flag.ts"
import { answering, connecting, saying, showing } from "../flags.ts"
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
    ...answering,
    thread: Flag.text("thread", { value: "id", description: "Go on with this thread" }),
    attach: Flag.texts("attach", {
      alias: "a",
      value: "file",
      description: "Send a text, image or PDF too; - is standard input; repeatable"
    }),
    json: Flag.on("json", { description: "Print one JSON object at the end" }),
    events: Flag.on("events", { description: "Print each event as a line of JSON" }),
    output: Flag.text("output", {
      alias: "o",
      value: "file",
      description: "Write to a file instead of standard output"
    }),
    ...showing,
    ...connecting,
    ...saying
  },
  examples: [
    ["openai-threads ask \"Why is the sky blue?\"", "one question"],
    ["git diff | openai-threads ask \"Write a commit message\"", "an instruction, and what it is about"],
    ["openai-threads ask -a plot.png -a data.csv \"What do you see?\"", "with files"],
    ["openai-threads ask --thread conv_123 \"And at night?\"", "go on with a thread"],
    ["openai-threads ask --json \"Hello\" | jq -r .text", "for a program"]
  ]
})
