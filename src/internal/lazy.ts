/** A value that is made when it is first needed: compiling all schemas takes a tenth of a short program's start. */
export const lazy = <A extends object>(make: () => A): () => A => {
  let made: A | undefined
  return () => made ??= make()
}
