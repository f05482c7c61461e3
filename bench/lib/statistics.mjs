// A quantile of values that need no order.
export const quantile = (values, q) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
}

export const median = (values) => quantile(values, 0.5)

// A figure of a bench over its rounds: the median, and the range as its noise. Rounds without it do not count.
export const over = (rounds, figure) => {
  const values = rounds.map(figure).filter((value) => Number.isFinite(value))
  return values.length === 0
    ? undefined
    : { median: median(values), least: Math.min(...values), most: Math.max(...values), rounds: values.length }
}

// The ratio of two contestants is taken within a round, because the machine differs from round to round.
export const ratio = (rounds, name, reference, figure) =>
  over(rounds, (round) => figure(round[name] ?? {}) / figure(round[reference] ?? {}))

// The contestants that took part: the peers may have been left out.
export const measured = (rounds, contestants, peers) =>
  [...contestants, ...peers].filter((name) => rounds.some((round) => name in round))
