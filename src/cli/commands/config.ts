import { answering, json, reaching, saying } from "../flags.ts"
import * as Spec from "../Spec.ts"

export const show = Spec.make({
  path: ["config", "show"],
  description: "Show what is set and where; keys are hidden",
  flags: {
    ...answering,
    baseUrl: reaching.baseUrl,
    ...json,
    ...saying
  },
  examples: [["openai-threads config show", "flags, then environment, then openai-threads.json, then the user's file"]]
})

export const path = Spec.make({
  path: ["config", "path"],
  description: "Print where the user's configuration file is",
  flags: saying,
  examples: [["$EDITOR \"$(openai-threads config path)\"", "edit it"]]
})
