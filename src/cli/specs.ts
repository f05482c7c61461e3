/** All commands, in the order in which the help lists them. */
import { ask } from "./commands/ask.ts"
import * as Assistants from "./commands/assistants.ts"
import { chat } from "./commands/chat.ts"
import { completion } from "./commands/completion.ts"
import * as Config from "./commands/config.ts"
import * as Runs from "./commands/runs.ts"
import { simulate } from "./commands/simulate.ts"
import * as Threads from "./commands/threads.ts"
import type { Spec } from "./Spec.ts"

export const specs: ReadonlyArray<Spec> = [
  ask,
  chat,
  Threads.show,
  Threads.exportThread,
  Threads.remove,
  Runs.watch,
  Runs.status,
  Runs.cancel,
  Assistants.list,
  Assistants.show,
  Config.show,
  Config.path,
  simulate,
  completion
]
