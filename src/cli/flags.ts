/** The options that several commands share. */
import * as Flag from "./Flag.ts"

/** How the command speaks. Every command takes them. */
export const saying = {
  color: Flag.choice("color", ["auto", "always", "never"], {
    description: "Colour; auto, the default, is on a terminal and heeds NO_COLOR"
  }),
  debug: Flag.on("debug", { description: "Show the stack of an error, and the server's own words" })
}

/** Where the assistants come from. */
export const assistants = {
  assistants: Flag.text("assistants", { value: "file", description: "A JSON file of assistants" })
}

/** How to reach a server. */
export const reaching = {
  baseUrl: Flag.text("base-url", { value: "url", description: "Another server, with its /v1 (OPENAI_BASE_URL)" }),
  keyStdin: Flag.on("key-stdin", { description: "Read the API key from standard input" })
}

/** How to reach none. */
export const simulating = {
  simulate: Flag.on("simulate", { description: "Ask a simulated model in this process: no key, no network" })
}

/** Who answers, and how. */
export const answering = {
  assistant: Flag.text("assistant", { alias: "A", value: "id", description: "The assistant (OPENAI_ASSISTANT_ID)" }),
  ...assistants,
  instructions: Flag.text("instructions", {
    value: "text",
    description: "Instead of the assistant's instructions; @file reads a file"
  }),
  model: Flag.text("model", { alias: "m", value: "id", description: "The model (OPENAI_MODEL)" })
}

/** What is asked, where, and of whom: the same for one question and for many. */
export const asking = {
  ...answering,
  thread: Flag.text("thread", { value: "id", description: "Go on with this thread" }),
  continue: Flag.on("continue", { alias: "c", description: "Go on with the last thread of this machine" }),
  attach: Flag.texts("attach", {
    alias: "a",
    value: "file",
    description: "Send a text, image or PDF with the message; repeatable"
  })
}

/** What the model may do. */
export const approving = {
  approve: Flag.choice("approve", ["ask", "always", "never"], {
    description: "Calls that need approval; ask, the default, is on a terminal"
  })
}

/** For a program that reads the output. */
export const json = { json: Flag.on("json", { description: "Print one JSON object" }) }

/** Where the output goes. */
export const output = {
  output: Flag.text("output", {
    alias: "o",
    value: "file",
    description: "Write to a file instead of standard output, which is -"
  })
}

/** How an answer is shown. */
export const showing = {
  quiet: Flag.on("quiet", { alias: "q", description: "On standard error, only errors and warnings" }),
  tools: Flag.on("tools", { description: "Say on standard error which tools are called, and what they gave" }),
  usage: Flag.on("usage", { description: "Say how many tokens it took" })
}
