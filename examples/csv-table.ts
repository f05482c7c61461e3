/** A CSV file as a table: named columns, of which each is numbers or text. */
import * as FileSystem from "@effect/platform/FileSystem"
import { parse as parseCsv } from "csv-parse/sync"
import { Data, Effect } from "effect"

/** The text is not a table. The message says what is wrong, and in which line or column. */
export class InvalidCsv extends Data.TaggedError("InvalidCsv")<{ readonly reason: string }> {
  override get message() {
    return `The CSV cannot be read. ${this.reason}`
  }
}

export interface Column {
  readonly name: string
  /** As they are in the file, one for each row; null where there is none. */
  readonly values: ReadonlyArray<string | null>
  /** The same as numbers, if every value there is one. */
  readonly numbers: ReadonlyArray<number | null> | undefined
}

export interface Table {
  readonly rows: number
  readonly columns: ReadonlyArray<Column>
}

/** What stands for "no value" in a file. */
const missing = new Set(["", "NA", "N/A", "NaN"])

/** Decimal only: `Number` alone would also take "0x1F" and "Infinity". */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const isNumber = (value: string) => decimal.test(value) && Number.isFinite(Number(value))

const numbersOf = (values: ReadonlyArray<string | null>) => {
  const present = values.filter((value) => value !== null)
  return present.length > 0 && present.every(isNumber)
    ? values.map((value) => value === null ? null : Number(value))
    : undefined
}

/** A name that is missing or there twice would leave a column that nobody can ask for. */
const checkNames = (names: ReadonlyArray<string>) => {
  if (names.length === 0) return new InvalidCsv({ reason: "It has no header line." })
  const unnamed = names.indexOf("")
  if (unnamed !== -1) return new InvalidCsv({ reason: `Column ${unnamed + 1} has no name.` })
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? Effect.void : new InvalidCsv({ reason: `Two columns are named "${twice}".` })
}

/** Lines as wide as each other, under a header. A line may end as on any system, and a blank one is skipped. */
const records = (csv: string) =>
  Effect.try({
    try: () => parseCsv(csv, { bom: true, trim: true, skip_empty_lines: true, record_delimiter: ["\r\n", "\n", "\r"] }),
    catch: (error) => new InvalidCsv({ reason: error instanceof Error ? `${error.message}.` : String(error) })
  })

export const parse = (csv: string): Effect.Effect<Table, InvalidCsv> =>
  Effect.gen(function*() {
    const [names = [], ...rows] = yield* records(csv)
    yield* checkNames(names)
    const columns = names.map((name, index) => {
      const values = rows.map((row) => {
        const value = row[index]
        return value === undefined || missing.has(value) ? null : value
      })
      return { name, values, numbers: numbersOf(values) }
    })
    return { rows: rows.length, columns }
  })

export const load = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    return yield* parse(yield* fs.readFileString(path))
  })
