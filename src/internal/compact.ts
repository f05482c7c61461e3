/** Leaves out the fields that are undefined, so that equal things are equal and nothing superfluous is sent. */
export const compact = <A extends object>(value: A): A =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as A
