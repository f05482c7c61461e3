import { Effect, Schema } from "effect"
import { Run, Threads } from "effect-openai-threads"

const Invoice = Schema.Struct({
  number: Schema.String,
  date: Schema.Date,
  lines: Schema.Array(Schema.Struct({ what: Schema.String, euros: Schema.Number })),
  remark: Schema.optional(Schema.String)
})

/** The answer as a value of the schema's type: here `date` is a `Date`. */
export const read = (text: string) =>
  Effect.gen(function*() {
    const threads = yield* Threads.Threads
    const thread = yield* threads.create()
    const { output } = yield* Run.result(threads.run(thread.id, { message: text, output: Invoice }))
    return { total: output.lines.reduce((sum, line) => sum + line.euros, 0), due: output.date }
  })
