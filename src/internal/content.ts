/** What an error shows of itself to `JSON.stringify`, loggers and `console.log`: all but the named message content. */
export const withoutContent = (error: Error, ...hidden: ReadonlyArray<string>): Record<string, unknown> => {
  const shown: Record<string, unknown> = { ...error, message: error.message }
  for (const field of hidden) delete shown[field]
  return shown
}
