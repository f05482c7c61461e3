/** The test layer of `OpenAI`: the live code over a simulated wire. */
export * as OpenAITest from "./OpenAITest.ts"

/** What the simulated model does, turn by turn. */
export * as Script from "./Script.ts"

/** The simulated wire itself: its requests, its threads, its faults. */
export * as Simulator from "./Simulator.ts"
