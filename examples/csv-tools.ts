/** Four tools with which a model looks into a table. The model says what it wants to know, and code does the sums. */
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { Effect, Layer, Schema } from "effect"
import { type Column, load, type Table } from "./csv-table.ts"
import * as Statistics from "./statistics.ts"

/** `columns` are those that there are, so that the model can ask again. */
class UnknownColumn extends Schema.TaggedError<UnknownColumn>()("UnknownColumn", {
  column: Schema.String,
  columns: Schema.Array(Schema.String)
}) {}

class NotNumeric extends Schema.TaggedError<NotNumeric>()("NotNumeric", { column: Schema.String }) {}

/** Two points are always on a line. */
class TooFewRows extends Schema.TaggedError<TooFewRows>()("TooFewRows", {
  rows: Schema.Int,
  needed: Schema.Int
}) {}

/** Every value of this column is the same. */
class NoVariation extends Schema.TaggedError<NoVariation>()("NoVariation", { parameter: Schema.Literal("x", "y") }) {}

const NumericSummary = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literal("number"),
  count: Schema.Int,
  missing: Schema.Int,
  mean: Schema.Number,
  standardDeviation: Schema.NullOr(Schema.Number),
  min: Schema.Number,
  median: Schema.Number,
  max: Schema.Number
})

const TextSummary = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literal("text"),
  count: Schema.Int,
  missing: Schema.Int,
  distinct: Schema.Int
})

export const DescribeTable = Tool.make("describe_table", {
  description: "The number of rows, and a summary of each column.",
  success: Schema.Struct({ rows: Schema.Int, columns: Schema.Array(Schema.Union(NumericSummary, TextSummary)) })
}).annotate(Tool.Readonly, true)

export const Head = Tool.make("head", {
  description: "The first rows of the table.",
  parameters: { rows: Schema.Int.pipe(Schema.between(1, 20)) },
  success: Schema.Struct({
    columns: Schema.Array(Schema.String),
    rows: Schema.Array(Schema.Array(Schema.NullOr(Schema.String)))
  })
}).annotate(Tool.Readonly, true)

export const ValueCounts = Tool.make("value_counts", {
  description: "How often each value of a column is there: the 20 most frequent, and how many distinct ones there are.",
  parameters: { column: Schema.String },
  success: Schema.Struct({
    column: Schema.String,
    missing: Schema.Int,
    distinct: Schema.Int,
    counts: Schema.Array(Schema.Struct({ value: Schema.String, count: Schema.Int }))
  }),
  failure: UnknownColumn,
  failureMode: "return"
}).annotate(Tool.Readonly, true)

export const Correlation = Tool.make("correlation", {
  description: "Pearson's r of two numeric columns, over all rows and, with `by`, within each group of a third column.",
  parameters: { x: Schema.String, y: Schema.String, by: Schema.optional(Schema.String) },
  success: Schema.Struct({
    r: Schema.Number,
    rows: Schema.Int,
    x: Schema.String,
    y: Schema.String,
    // `r` is null where a group has too few rows or does not vary.
    groups: Schema.Array(Schema.Struct({ group: Schema.String, rows: Schema.Int, r: Schema.NullOr(Schema.Number) }))
  }),
  failure: Schema.Union(UnknownColumn, NotNumeric, TooFewRows, NoVariation),
  // The model is told of a failure and goes on.
  failureMode: "return"
}).annotate(Tool.Readonly, true)

export const toolkit = Toolkit.make(DescribeTable, Head, ValueCounts, Correlation)

/** As many groups as a model can make use of. */
const mostGroups = 20

const present = <A>(values: ReadonlyArray<A | null>) => values.filter((value) => value !== null)

const summaryOf = ({ name, numbers, values }: Column): typeof NumericSummary.Type | typeof TextSummary.Type => {
  const given = present(values)
  const counts = { count: given.length, missing: values.length - given.length }
  if (numbers === undefined) return { name, kind: "text", ...counts, distinct: new Set(given).size }
  const sample = present(numbers)
  return {
    name,
    kind: "number",
    ...counts,
    mean: Statistics.mean(sample),
    standardDeviation: Statistics.standardDeviation(sample),
    min: Statistics.min(sample),
    median: Statistics.median(sample),
    max: Statistics.max(sample)
  }
}

const columnOf = (table: Table, name: string) => {
  const found = table.columns.find((column) => column.name === name)
  const columns = table.columns.map(({ name }) => name)
  return found === undefined ? new UnknownColumn({ column: name, columns }) : Effect.succeed(found)
}

const numbersOf = (table: Table, name: string) =>
  Effect.flatMap(
    columnOf(table, name),
    ({ numbers }) => numbers === undefined ? new NotNumeric({ column: name }) : Effect.succeed(numbers)
  )

interface Point {
  readonly x: number
  readonly y: number
  readonly group: string | null
}

/** The rows in which both columns have a value. */
const pointsOf = (
  xs: ReadonlyArray<number | null>,
  ys: ReadonlyArray<number | null>,
  groups: ReadonlyArray<string | null>
): ReadonlyArray<Point> =>
  xs.flatMap((x, row) => {
    const y = ys[row] ?? null
    return x === null || y === null ? [] : [{ x, y, group: groups[row] ?? null }]
  })

const correlate = (points: ReadonlyArray<Point>): Effect.Effect<number, TooFewRows | NoVariation> => {
  const needed = 3
  if (points.length < needed) return new TooFewRows({ rows: points.length, needed })
  const xs = points.map(({ x }) => x)
  const ys = points.map(({ y }) => y)
  if (Statistics.isConstant(xs)) return new NoVariation({ parameter: "x" })
  if (Statistics.isConstant(ys)) return new NoVariation({ parameter: "y" })
  return Effect.succeed(Statistics.correlation(xs, ys))
}

const correlateGroups = (points: ReadonlyArray<Point>) =>
  Effect.forEach(
    Statistics.frequencies(present(points.map(({ group }) => group))).slice(0, mostGroups),
    ({ count, value }) =>
      correlate(points.filter(({ group }) => group === value)).pipe(
        Effect.orElseSucceed(() => null),
        Effect.map((r) => ({ group: value, rows: count, r }))
      )
  )

/** The handlers of the tools over a table. */
export const layer = (table: Table) =>
  toolkit.toLayer({
    describe_table: () => Effect.succeed({ rows: table.rows, columns: table.columns.map(summaryOf) }),

    head: ({ rows }) =>
      Effect.succeed({
        columns: table.columns.map(({ name }) => name),
        rows: Array.from(
          { length: Math.min(rows, table.rows) },
          (_, row) => table.columns.map(({ values }) => values[row] ?? null)
        )
      }),

    value_counts: ({ column }) =>
      Effect.map(columnOf(table, column), ({ values }) => {
        const given = present(values)
        const counts = Statistics.frequencies(given)
        return {
          column,
          missing: values.length - given.length,
          distinct: counts.length,
          counts: counts.slice(0, mostGroups)
        }
      }),

    correlation: ({ by, x, y }) =>
      Effect.gen(function*() {
        const xs = yield* numbersOf(table, x)
        const ys = yield* numbersOf(table, y)
        const groups = by === undefined ? [] : (yield* columnOf(table, by)).values
        const points = pointsOf(xs, ys, groups)
        return { r: yield* correlate(points), rows: points.length, x, y, groups: yield* correlateGroups(points) }
      })
  })

/** The same over a CSV file, which is read once. */
export const layerFile = (path: string) => Layer.unwrapEffect(Effect.map(load(path), layer))
