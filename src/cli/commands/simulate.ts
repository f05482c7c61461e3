import * as Flag from "../Flag.ts"
import { saying } from "../flags.ts"
import * as Spec from "../Spec.ts"

export const simulate = Spec.make({
  path: ["simulate"],
  description: "Serve a simulated OpenAI on this machine, until Ctrl-C",
  flags: {
    port: Flag.integer("port", { value: "number", description: "The port on 127.0.0.1; without it a free one" }),
    latency: Flag.integer("latency", { value: "ms", description: "How long each event of an answer takes" }),
    ...saying
  },
  examples: [
    ["openai-threads simulate --port 4010", "then, in another terminal:"],
    ["OPENAI_BASE_URL=http://127.0.0.1:4010/v1 openai-threads ask -m any \"Hello\"", "no key is needed"]
  ]
})
