/** What the SDK finds in the bundle under the names of the web: of Node's own, `fetch` and all that belongs to it is loaded. */

export { HttpHeaders as Headers } from "./HttpHeaders.ts"

/** Only asked whether something is one. */
export const FormData = {
  [Symbol.hasInstance]: (value: unknown) => Object.prototype.toString.call(value) === "[object FormData]"
}
