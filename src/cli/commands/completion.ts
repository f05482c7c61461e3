import { saying } from "../flags.ts"
import * as Spec from "../Spec.ts"

export const completion = Spec.make({
  path: ["completion"],
  description: "Print the completion for a shell: bash, fish, sh or zsh",
  argument: {
    name: "shell",
    description: "bash, fish, sh or zsh",
    many: false,
    choices: ["bash", "fish", "sh", "zsh"]
  },
  flags: saying,
  examples: [
    ["source <(openai-threads completion bash)", "in ~/.bashrc"],
    ["openai-threads completion fish | source", "in ~/.config/fish/config.fish"]
  ]
})
