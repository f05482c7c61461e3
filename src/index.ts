/** The assistant: a value with a model, instructions and settings. */
export * as Assistant from "./Assistant.ts"

/** The assistants of a program, by id, from values or from a file. */
export * as Assistants from "./Assistants.ts"

/** Where a reader of a run's events stands. */
export * as Cursor from "./Cursor.ts"

/** What the tools came to that OpenAI runs. */
export * as HostedTool from "./HostedTool.ts"

/** Access to OpenAI as typed effects and streams. */
export * as OpenAI from "./OpenAI.ts"

/** What can go wrong between the program and OpenAI. */
export * as OpenAIError from "./OpenAIError.ts"

/** How a program keeps to the rate limits of its account. */
export * as RateLimits from "./RateLimits.ts"

/** When a request is sent again. */
export * as RetryPolicy from "./RetryPolicy.ts"

/** What has to be remembered of a run's calls, so that none is made twice. */
export * as RunLog from "./RunLog.ts"

/** What to do with the events of a run. */
export * as Run from "./Run.ts"

/** What a run can fail with. */
export * as RunError from "./RunError.ts"

/** What happens in a run. */
export * as RunEvent from "./RunEvent.ts"

/** The data of a conversation: ids, threads, items, messages, content. */
export * as Thread from "./Thread.ts"

/** What an operation on a thread can fail with. */
export * as ThreadError from "./ThreadError.ts"

/** Threads, messages and runs: the service that programs use. */
export * as Threads from "./Threads.ts"

/** How long OpenAI may take. */
export * as Timeouts from "./Timeouts.ts"

/** Where threads live, and who may write to them. */
export * as ThreadStore from "./ThreadStore.ts"

/** What this library adds to the tools of `@effect/ai`. */
export * as Tools from "./Tools.ts"
