// One contestant in one bench, in a process of its own: `contestant.mjs <bench> <contestant> <server>`.
import process from "node:process"

const [bench, name, server] = process.argv.slice(2)
const { measure } = await import(`./benches/${bench}.mjs`)
const { connect } = await import(`./contestants/${name}.mjs`)
const figures = await measure({ name, connect }, server)
process.send(figures, () => process.exit())
