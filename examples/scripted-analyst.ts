/**
 * The simulated analyst. Nobody has told it what is in the file: whatever it says stands in the outputs of the tools that
 * it calls, as with a real model.
 */
import { type Duration, Either, Schema } from "effect"
import { Script } from "effect-openai-threads/testing"
import { Correlation, DescribeTable, Head, ValueCounts } from "./csv-tools.ts"

/** What the calls of a tool gave, as they stand in the request. What failed is left out. */
const outputs = <A, I>(
  { context }: Script.ModelRequest,
  tool: { readonly name: string; readonly successSchema: Schema.Schema<A, I> }
): ReadonlyArray<A> => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(tool.successSchema))
  const calls = context.filter((item) => item.type === "function_call" && item["name"] === tool.name)
  return calls.flatMap((call) => {
    const answer = context.find((item) => item.type === "function_call_output" && item["call_id"] === call["call_id"])
    return Either.match(decode(answer?.["output"]), { onLeft: () => [], onRight: (output) => [output] })
  })
}

/** A call whose arguments come in three pieces. */
const call = (tool: { readonly name: string }, args: Script.Json) => Script.functionCall(tool.name, args, { chunks: 3 })

/** The first turn: what kind of table is it? */
const look = [call(DescribeTable, {}), call(Head, { rows: 3 })]

/** The second: each pair of numeric columns, also within the groups that a text column makes. */
const relate = (request: Script.ModelRequest) => {
  const columns = outputs(request, DescribeTable).flatMap((table) => table.columns)
  const by = columns.find(({ kind }) => kind === "text")?.name ?? null
  const numeric = columns.filter(({ kind }) => kind === "number").map(({ name }) => name)
  const pairs = numeric.flatMap((x, index) => numeric.slice(index + 1).map((y) => ({ x, y })))
  return [
    ...by === null ? [] : [call(ValueCounts, { column: by })],
    ...pairs.map(({ x, y }) => call(Correlation, { x, y, by }))
  ]
}

const format = (value: number) => value.toLocaleString("es", { minimumFractionDigits: 2, maximumFractionDigits: 2 })

const list = (parts: ReadonlyArray<string>) => new Intl.ListFormat("es").format(parts)

type Table = typeof DescribeTable.successSchema.Type
type Counts = typeof ValueCounts.successSchema.Type
type Related = typeof Correlation.successSchema.Type

const sizeOf = ({ columns, rows }: Table) =>
  `El dataset tiene ${rows} filas y ${columns.length} columnas: ${list(columns.map(({ name }) => name))}.`

const linesOf = ({ columns }: Table) =>
  columns.filter((column) => column.kind === "number").map(({ max, mean, min, name }) =>
    `- ${name}: media ${format(mean)}, mínimo ${format(min)}, máximo ${format(max)}`
  )

const countsOf = ({ column, counts }: Counts) =>
  `- ${column}: ${list(counts.map(({ count, value }) => `${value} (${count})`))}`

const strongestOf = ({ r, x, y }: Related) => `La relación más fuerte es la de ${x} con ${y}: r = ${format(r)}.`

/** Whether r is positive in each group and negative over all, or the other way round. */
const isReversed = ({ groups, r }: Related) =>
  groups.length > 0 && groups.every((group) => group.r !== null && Math.sign(group.r) === -Math.sign(r))

const warningOf = ({ groups, r, x, y }: Related, by: string) => {
  const within = groups.map(({ group, r }) => `${group} ${r === null ? "?" : format(r)}`)
  return `Cuidado con ${x} y ${y}: en conjunto r = ${format(r)}, pero dentro de cada ${by} el signo es el contrario: ` +
    `${list(within)}. Conviene analizar cada grupo por separado.`
}

/** The last turn: the answer, in Spanish. */
const report = (request: Script.ModelRequest): string => {
  const [table] = outputs(request, DescribeTable)
  const [counts] = outputs(request, ValueCounts)
  const related = outputs(request, Correlation)
  const [strongest] = related.toSorted((a, b) => Math.abs(b.r) - Math.abs(a.r))
  const reversed = related.find(isReversed)
  return [
    ...table === undefined ? ["No he podido leer la tabla."] : [sizeOf(table), "", ...linesOf(table)],
    ...counts === undefined ? [] : [countsOf(counts)],
    ...strongest === undefined ? [] : ["", strongestOf(strongest)],
    ...counts === undefined || reversed === undefined ? [] : [warningOf(reversed, counts.column)]
  ].join("\n")
}

/** The three turns. With `cut`, the connection breaks in the middle of the answer. */
export const analyst = ({ cut, latency }: {
  readonly cut: boolean
  /** Passes before each event. */
  readonly latency: Duration.DurationInput
}): Script.Script => [
  Script.turn(look, { latency }),
  (request) => Script.turn(relate(request), { latency }),
  (request) => Script.turn(report(request), { latency, fault: cut ? Script.cut({ afterEvents: 50 }) : undefined })
]
