#!/usr/bin/env node
/** Switches on Node's compile cache, which Node 20 does not have, before the program is loaded. */
import * as Module from "node:module"

const { enableCompileCache } = Module as { readonly enableCompileCache?: () => unknown }
enableCompileCache?.()

// The bundle beside this file; a name that the bundler does not follow.
await import(new URL("./bin.js", import.meta.url).href)
