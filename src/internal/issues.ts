/** What is wrong with a value, in one line for each place, for a person or a model. */
import * as ParseResult from "effect/ParseResult"

export const issuesOf = (error: ParseResult.ParseError): ReadonlyArray<string> =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .map(({ message, path }) => path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`)
