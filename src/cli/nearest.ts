/** The known word that a mistyped one is nearest to, if it is near enough to be meant. */
export const nearest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  const begun = known.filter((candidate) => word.length >= 3 && candidate.startsWith(word))
  if (begun.length === 1) return begun[0]
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const distance = edits(word, candidate)
    if (distance <= Math.max(1, Math.floor(candidate.length / 3)) && (best === undefined || distance < best.distance)) {
      best = { word: candidate, distance }
    }
  }
  return best?.word
}

/** How many letters have to be put in, left out, replaced or swapped with their neighbour. */
const edits = (a: string, b: string): number => {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array.from({ length: b.length }, () => 0)])
  for (let j = 1; j <= b.length; j++) rows[0]![j] = j
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      }
      rows[i]![j] = least
    }
  }
  return rows[a.length]![b.length]!
}
