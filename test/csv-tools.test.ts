import * as Tool from "@effect/ai/Tool"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { Tools } from "effect-openai-threads"
import { fileURLToPath } from "node:url"
import { load, parse } from "../examples/csv-table.ts"
import * as CsvTools from "../examples/csv-tools.ts"

const iris = fileURLToPath(new URL("../examples/data/iris-30.csv", import.meta.url))

/** What the model is told by each tool over a text. */
const over = (csv: string) =>
  Effect.gen(function*() {
    const table = yield* parse(csv)
    const { handle } = yield* Effect.provide(CsvTools.toolkit, CsvTools.layer(table))
    return {
      describe: Effect.map(handle("describe_table", {}), ({ encodedResult }) => encodedResult),
      head: (rows: number) => Effect.map(handle("head", { rows }), ({ encodedResult }) => encodedResult),
      counts: (column: string) => Effect.map(handle("value_counts", { column }), ({ encodedResult }) => encodedResult),
      correlation: (x: string, y: string, by?: string) =>
        Effect.map(
          handle("correlation", by === undefined ? { x, y } : { x, y, by }),
          ({ encodedResult }) => encodedResult
        )
    }
  })

const cells = (csv: string) => Effect.map(parse(csv), ({ columns }) => columns.map(({ values }) => values))

describe("a CSV file", () => {
  it.effect("with quotes, a byte order mark, blank lines and the line ends of any system", () =>
    Effect.gen(function*() {
      const table = yield* parse(`\uFEFFname, "what, where" \r\n"Ann ""A"" B","one\ntwo"\r\n\r\n  \nBob, x \r`)
      expect(table.rows).toBe(2)
      expect(table.columns.map(({ name }) => name)).toEqual(["name", "what, where"])
      expect(table.columns.map(({ values }) => values)).toEqual([["Ann \"A\" B", "Bob"], ["one\ntwo", "x"]])
    }))

  it.effect("with missing values", () =>
    Effect.gen(function*() {
      expect(yield* cells("a,b\n,NA\nN/A,NaN\n\"\",nan\n")).toEqual([[null, null, null], [null, null, "nan"]])
      const { columns } = yield* parse("a,b\n1,x\nNA,\n")
      expect(columns.map(({ numbers }) => numbers)).toEqual([[1, null], undefined])
    }))

  it.effect("numbers are decimal", () =>
    Effect.gen(function*() {
      const { columns } = yield* parse("a,b,c,d,e\n-1.5e3,0x10,1,Infinity,1e999\n+.5,2,\"1,5\",1,1\n7.,3,2,2,2\n")
      expect(columns.map(({ numbers }) => numbers)).toEqual([[-1500, 0.5, 7], ...Array(4).fill(undefined)])
    }))

  it.effect("with a header only, and a column without any value", () =>
    Effect.gen(function*() {
      expect(yield* parse("a,b\n")).toEqual({
        rows: 0,
        columns: [{ name: "a", values: [], numbers: undefined }, { name: "b", values: [], numbers: undefined }]
      })
      expect((yield* parse("a,b\n,1\n")).columns[0]).toEqual({ name: "a", values: [null], numbers: undefined })
    }))

  it.effect.each([
    { what: "is empty", csv: "", expected: "It has no header line." },
    { what: "is blank", csv: "\uFEFF\n \n", expected: "It has no header line." },
    { what: "has a short line", csv: "a,b\n1,2\n3\n", expected: "Invalid Record Length: expect 2, got 1 on line 3." },
    { what: "has a long line", csv: "a,b\n1,2,3\n", expected: "Invalid Record Length: expect 2, got 3 on line 2." },
    {
      what: "has an open quote",
      csv: "a,b\n\"1,2\n",
      expected: "Quote Not Closed: the parsing is finished with an opening quote at line 2."
    },
    { what: "has a column without a name", csv: "a,,c\n1,2,3\n", expected: "Column 2 has no name." },
    { what: "has two columns of one name", csv: "a,b,a\n1,2,3\n", expected: "Two columns are named \"a\"." }
  ])("that $what is refused", ({ csv, expected }) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(parse(csv))
      expect(error).toMatchObject({ _tag: "InvalidCsv", message: `The CSV cannot be read. ${expected}` })
    }))

  it.effect("that is not there is the file system's failure", () =>
    Effect.gen(function*() {
      expect(yield* Effect.flip(load(`${iris}.gone`))).toMatchObject({ _tag: "SystemError", reason: "NotFound" })
      expect((yield* load(iris)).rows).toBe(30)
    }).pipe(Effect.provide(NodeContext.layer)))
})

describe("describe_table", () => {
  it.effect("numbers and text", () =>
    Effect.gen(function*() {
      const tools = yield* over("size,kind,one,none\n4,x,1,\n1,y,,\n,x,NA,\n3,,,\n2,x,,\n")
      expect(yield* tools.describe).toEqual({
        rows: 5,
        columns: [
          {
            name: "size",
            kind: "number",
            count: 4,
            missing: 1,
            mean: 2.5,
            standardDeviation: 1.29099444874,
            min: 1,
            median: 2.5,
            max: 4
          },
          { name: "kind", kind: "text", count: 4, missing: 1, distinct: 2 },
          {
            name: "one",
            kind: "number",
            count: 1,
            missing: 4,
            mean: 1,
            standardDeviation: null,
            min: 1,
            median: 1,
            max: 1
          },
          { name: "none", kind: "text", count: 0, missing: 5, distinct: 0 }
        ]
      })
    }))

  it.effect("has room for many rows", () =>
    Effect.gen(function*() {
      const rows = 130_000
      const tools = yield* over(`n\n${Array.from({ length: rows }, (_, row) => row + 1).join("\n")}\n`)
      expect(yield* tools.describe).toMatchObject({ rows, columns: [{ min: 1, max: rows, median: (rows + 1) / 2 }] })
    }))
})

describe("head", () => {
  const csv = "a,b\n1,x\nNA,y\n03,z\n"

  it.effect("the first rows, as they are in the file", () =>
    Effect.gen(function*() {
      const tools = yield* over(csv)
      expect(yield* tools.head(2)).toEqual({ columns: ["a", "b"], rows: [["1", "x"], [null, "y"]] })
      expect(yield* tools.head(20)).toMatchObject({ rows: [{}, {}, ["03", "z"]] })
    }))

  it.effect("not more than 20 may be asked for, and not none", () =>
    Effect.gen(function*() {
      const tools = yield* over(csv)
      for (const rows of [0, 21, 1.5]) expect(yield* Effect.flip(tools.head(rows))).toBeDefined()
    }))
})

describe("value_counts", () => {
  it.effect("the most frequent first", () =>
    Effect.gen(function*() {
      const tools = yield* over("a\nx\n__proto__\ny\nNA\ny\n")
      expect(yield* tools.counts("a")).toEqual({
        column: "a",
        missing: 1,
        distinct: 3,
        counts: [{ value: "y", count: 2 }, { value: "x", count: 1 }, { value: "__proto__", count: 1 }]
      })
    }))

  it.effect("20 of many", () =>
    Effect.gen(function*() {
      const tools = yield* over(`a\n${Array.from({ length: 30 }, (_, row) => row).join("\n")}\n`)
      const told = yield* tools.counts("a")
      expect(told).toMatchObject({ distinct: 30, counts: { length: 20 } })
    }))

  it.effect("an unknown column", () =>
    Effect.gen(function*() {
      const tools = yield* over("a,b\n1,2\n")
      expect(yield* tools.counts("A")).toEqual({ _tag: "UnknownColumn", column: "A", columns: ["a", "b"] })
    }))
})

describe("correlation", () => {
  /** Within each group y falls with x; over all it rises. Worked out by hand: r = 9.5 / 17.5. */
  const simpson = "x,y,g\n1,3,low\n2,2,low\n3,1,low\n4,6,high\n5,5,high\n6,4,high\n"

  it.effect("Simpson's paradox", () =>
    Effect.gen(function*() {
      const tools = yield* over(simpson)
      expect(yield* tools.correlation("x", "y")).toEqual({ r: 0.542857142857, rows: 6, x: "x", y: "y", groups: [] })
      expect(yield* tools.correlation("x", "y", "g")).toMatchObject({
        r: 0.542857142857,
        groups: [{ group: "low", rows: 3, r: -1 }, { group: "high", rows: 3, r: -1 }]
      })
    }))

  it.effect("counts the rows that have both values", () =>
    Effect.gen(function*() {
      const tools = yield* over("x,y\n1,2\n2,\n,5\n3,6\n4,8\n")
      expect(yield* tools.correlation("x", "y")).toEqual({ r: 1, rows: 3, x: "x", y: "y", groups: [] })
    }))

  it.effect("a group that is too small or does not vary has none", () =>
    Effect.gen(function*() {
      const tools = yield* over("x,y,g\n1,1,a\n2,2,a\n3,4,b\n4,4,b\n5,4,b\n9,9,\n")
      expect(yield* tools.correlation("x", "y", "g")).toMatchObject({
        rows: 6,
        groups: [{ group: "b", rows: 3, r: null }, { group: "a", rows: 2, r: null }]
      })
    }))

  it.effect("a failure is told to the model", () =>
    Effect.gen(function*() {
      const tools = yield* over("x,flat,text,rare\n1,0.1,a,1\n2,0.1,b,\n3,0.1,c,2\n")
      const columns = ["x", "flat", "text", "rare"]
      expect(yield* tools.correlation("x", "y")).toEqual({ _tag: "UnknownColumn", column: "y", columns })
      expect(yield* tools.correlation("x", "rare", "z")).toEqual({ _tag: "UnknownColumn", column: "z", columns })
      expect(yield* tools.correlation("text", "x")).toEqual({ _tag: "NotNumeric", column: "text" })
      expect(yield* tools.correlation("x", "rare")).toEqual({ _tag: "TooFewRows", rows: 2, needed: 3 })
      // The mean of 0.1, 0.1 and 0.1 is not 0.1 in doubles.
      expect(yield* tools.correlation("flat", "x")).toEqual({ _tag: "NoVariation", parameter: "x" })
      expect(yield* tools.correlation("x", "flat")).toEqual({ _tag: "NoVariation", parameter: "y" })
    }))
})

it.effect("the tools are strict for OpenAI, and read only", () =>
  Effect.gen(function*() {
    const declared = yield* Tools.check(CsvTools.toolkit)
    expect(declared.map(({ name, notStrict }) => ({ name, notStrict }))).toEqual(
      ["describe_table", "head", "value_counts", "correlation"].map((name) => ({ name, notStrict: undefined }))
    )
    for (const tool of Object.values(CsvTools.toolkit.tools)) {
      expect(Context.get(tool.annotations, Tool.Readonly)).toBe(true)
    }
  }))
