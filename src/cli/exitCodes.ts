/** What the process ends with, and what each code means. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  configuration: 3,
  failed: 4,
  limited: 5,
  incomplete: 6,
  busy: 7,
  interrupted: 130
} as const

export type ExitCode = typeof exitCodes[keyof typeof exitCodes]

/** For `--help`. */
export const meanings: ReadonlyArray<readonly [code: ExitCode, meaning: string]> = [
  [0, "all went well"],
  [1, "unexpected: a defect of this program"],
  [2, "usage: an option, an argument or a file that cannot be used"],
  [3, "configuration or authentication"],
  [4, "OpenAI or the run failed"],
  [5, "rate limit or quota"],
  [6, "incomplete: cut off, refused, or waiting for a tool or an approval"],
  [7, "the thread is busy"],
  [130, "interrupted"]
]
