/** The figures that the tools give. Of an empty list there are none. */

/** Twelve digits: what a double says beyond them is left over from rounding. */
const round = (value: number) => Number(value.toPrecision(12))

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((total, value) => total + value, 0)

/** The sum of the products of two columns' distances from their means. */
const products = (xs: ReadonlyArray<number>, ys: ReadonlyArray<number>) => {
  const [x0, y0] = [sum(xs) / xs.length, sum(ys) / ys.length]
  return xs.reduce((total, x, index) => total + (x - x0) * (ys[index]! - y0), 0)
}

export const mean = (numbers: ReadonlyArray<number>) => round(sum(numbers) / numbers.length)

export const min = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => Math.min(a, b))

export const max = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => Math.max(a, b))

/** Asked of the values themselves, since their distances from the mean are subject to rounding. */
export const isConstant = (numbers: ReadonlyArray<number>) => numbers.every((value) => value === numbers[0])

export const median = (numbers: ReadonlyArray<number>) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return mean(sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1))
}

/** Of a sample; a single value has none. */
export const standardDeviation = (numbers: ReadonlyArray<number>) =>
  numbers.length < 2 ? null : round(Math.sqrt(products(numbers, numbers) / (numbers.length - 1)))

/** Pearson's r. Each of the columns has to vary. */
export const correlation = (xs: ReadonlyArray<number>, ys: ReadonlyArray<number>) =>
  round(products(xs, ys) / (Math.sqrt(products(xs, xs)) * Math.sqrt(products(ys, ys))))

/** How often each value is there, the most frequent first. */
export const frequencies = (values: ReadonlyArray<string>) => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count)
}
