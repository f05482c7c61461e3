/** Leaves out the fields that are undefined, so that equal things are equal and nothing superfluous is sent. */
export const compact = <A extends object>(value: A): A => {
  // A loop, since every item and every request comes by here. Its callers know their keys.
  const kept: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(value)) if (field !== undefined) kept[key] = field
  return kept as A
}
