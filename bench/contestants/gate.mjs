// Ours, where the server tells its rate limits and they are kept.
export { connect } from "./terminal.mjs"
