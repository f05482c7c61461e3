import { approving, asking, reaching, saying, showing, simulating } from "../flags.ts"
import * as Spec from "../Spec.ts"

/** Without `--key-stdin`: standard input is the conversation. */
export const chat = Spec.make({
  path: ["chat"],
  description: "Talk on a terminal; of a pipe, each line is a message",
  argument: { name: "text", description: "The first message", many: true },
  flags: {
    ...asking,
    ...approving,
    ...showing,
    baseUrl: reaching.baseUrl,
    ...simulating,
    ...saying
  },
  examples: [
    ["openai-threads chat", "/help lists what can be done there; Ctrl-C cancels an answer, Ctrl-D quits"],
    ["openai-threads chat \"Let us play a game\"", "with the first message"],
    ["openai-threads chat --thread conv_123", "go on with a thread; -c with the last one of this machine"],
    ["printf 'Think of a number\\nDouble it\\n' | openai-threads chat -q", "two messages of one thread"]
  ]
})
