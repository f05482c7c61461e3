/**
 * The terminal as its users have it: packed, installed, and run as a process of its own. All in one file, so that it is
 * packed once; concurrently, since a process that starts is most of each test.
 */
await import("./installed/approval.ts")
await import("./installed/ask.ts")
await import("./installed/chat.ts")
await import("./installed/chatTerminal.ts")
await import("./installed/commands.ts")
await import("./installed/completion.ts")
await import("./installed/runs.ts")
await import("./installed/schema.ts")
await import("./installed/signals.ts")
await import("./installed/terminal.ts")
