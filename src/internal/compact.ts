/** Leaves out the fields that are undefined, so that equal things are equal and nothing superfluous is sent. */
export const compact = <A extends object>(value: A): A => {
  // A loop, since every item and every request comes by here. Its callers know their keys.
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(value) as Array<keyof A & string>) {
    if (value[key] !== undefined) kept[key] = value[key]
  }
  return kept as A
}
