/** A question on the terminal: anything but yes is no. */
import * as Effect from "effect/Effect"

export const confirm = (question: string): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const { make } = yield* Effect.promise(() => import("./chat/editor.ts"))
    const entered = yield* make(`${question} [y/N] `)
    switch (entered._tag) {
      case "Text":
        return /^y(es)?$/i.test(entered.text.trim())
      case "End":
        return false
      case "Dropped":
      case "Interrupted":
        // In the editor Ctrl-C is a key; it means what it means everywhere.
        process.emit("SIGINT")
        return yield* Effect.never
    }
  })
