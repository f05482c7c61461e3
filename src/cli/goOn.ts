/** The commands that go on with what was begun. */
import type { ThreadId } from "../Thread.ts"

export const asking = (id: ThreadId) => `openai-threads ask --thread ${id}`

export const watching = (cursor: string) => `openai-threads runs watch ${cursor}`

export const cancelling = (cursor: string) => `openai-threads runs cancel ${cursor}`
