/** The simulated analyst: a script whose every figure is computed from the CSV file that the model was sent. */
import { Script } from "effect-openai-threads/testing"

interface Column {
  readonly name: string
  readonly values: ReadonlyArray<string>
  /** Only where every value is a number. */
  readonly numbers: ReadonlyArray<number> | undefined
}

type NumericColumn = Column & { readonly numbers: ReadonlyArray<number> }

const isNumeric = (column: Column): column is NumericColumn => column.numbers !== undefined

/** The data of the last file in what the model sees; on the wire it is a data URL. */
const csvOf = (request: Script.ModelRequest): string | undefined => {
  const parts = request.context.flatMap((item) => Array.isArray(item.content) ? item.content : [])
  const data: unknown = parts.findLast((part) => part.type === "input_file")?.file_data
  const base64 = typeof data === "string" ? data.split(";base64,")[1] : undefined
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8")
}

/** Enough for files without quotes. */
const parse = (csv: string): ReadonlyArray<Column> => {
  const [header = [], ...rows] = csv.trim().split(/\r?\n/).map((line) => line.split(","))
  return header.map((name, index) => {
    const values = rows.map((row) => row[index]?.trim() ?? "")
    const numbers = values.map((value) => value === "" ? NaN : Number(value))
    return { name, values, numbers: numbers.every(Number.isFinite) ? numbers : undefined }
  })
}

const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

/** Pearson's r. */
const correlation = (xs: ReadonlyArray<number>, ys: ReadonlyArray<number>) => {
  const [x0, y0] = [mean(xs), mean(ys)]
  const products = xs.map((x, index) => (x - x0) * (ys[index]! - y0))
  const squares = (numbers: ReadonlyArray<number>, center: number) =>
    numbers.reduce((sum, value) => sum + (value - center) ** 2, 0)
  return products.reduce((sum, value) => sum + value, 0) / Math.sqrt(squares(xs, x0) * squares(ys, y0))
}

const pairs = (columns: ReadonlyArray<NumericColumn>) =>
  columns.flatMap((x, index) => columns.slice(index + 1).map((y) => ({ x, y, r: correlation(x.numbers, y.numbers) })))

const format = (value: number) => value.toLocaleString("es", { minimumFractionDigits: 2, maximumFractionDigits: 2 })

const list = (parts: ReadonlyArray<string>) => new Intl.ListFormat("es").format(parts)

/** A pair of columns whose correlation is positive in each group and negative over all, or the other way round. */
const reversal = (columns: ReadonlyArray<NumericColumn>, group: Column) => {
  const names = [...new Set(group.values)]
  return pairs(columns)
    .map(({ r, x, y }) => ({
      x,
      y,
      r,
      groups: names.map((name) => {
        const inGroup = (numbers: ReadonlyArray<number>) => numbers.filter((_, index) => group.values[index] === name)
        return { name, r: correlation(inGroup(x.numbers), inGroup(y.numbers)) }
      })
    }))
    .find(({ groups, r }) => groups.every((group) => Math.sign(group.r) === -Math.sign(r)))
}

/** The answer, in Spanish. */
export const describe = (csv: string): string => {
  const columns = parse(csv)
  const numeric = columns.filter(isNumeric)
  const group = columns.find((column) => !isNumeric(column))
  const lines = [
    `El dataset tiene ${columns[0]?.values.length ?? 0} filas y ${columns.length} columnas: ${
      list(columns.map(({ name }) => name))
    }.`,
    "",
    ...numeric.map(({ name, numbers }) =>
      `- ${name}: media ${format(mean(numbers))}, mínimo ${format(Math.min(...numbers))}, máximo ${
        format(Math.max(...numbers))
      }`
    )
  ]
  if (group !== undefined) {
    const counts = countBy(group.values)
    lines.push(`- ${group.name}: ${list([...counts].map(([name, count]) => `${name} (${count})`))}`)
  }
  const strongest = pairs(numeric).sort((a, b) => Math.abs(b.r) - Math.abs(a.r))[0]
  if (strongest !== undefined) {
    lines.push(
      "",
      `La relación más fuerte es la de ${strongest.x.name} con ${strongest.y.name}: r = ${format(strongest.r)}.`
    )
  }
  const reversed = group === undefined ? undefined : reversal(numeric, group)
  if (group !== undefined && reversed !== undefined) {
    lines.push(
      `Cuidado con ${reversed.x.name} y ${reversed.y.name}: en conjunto r = ${format(reversed.r)}, ` +
        `pero dentro de cada ${group.name} el signo es el contrario: ${
          list(reversed.groups.map(({ name, r }) => `${name} ${format(r)}`))
        }. Conviene analizar cada grupo por separado.`
    )
  }
  return lines.join("\n")
}

const countBy = (values: ReadonlyArray<string>) => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** The only turn of the script. With `cut`, the wire breaks in the middle of the answer. */
export const analysis = (options: { readonly cut: boolean }) => (request: Script.ModelRequest): Script.Turn => {
  const csv = csvOf(request)
  const answer = csv === undefined ? "No he recibido ningún archivo." : describe(csv)
  return Script.turn(answer, { latency: "25 millis", fault: options.cut ? Script.cut({ afterEvents: 50 }) : undefined })
}
