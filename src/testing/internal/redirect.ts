/** Where `fetch` goes when it is sent elsewhere. */
import * as Either from "effect/Either"
import type { RawRequest } from "./exchange.ts"
import type { Answered } from "./transport.ts"

const statuses = [301, 302, 303, 307, 308]

/** As many as fetch follows. */
export const maxRedirects = 20

const without = (headers: RawRequest["headers"], names: ReadonlyArray<string>): RawRequest["headers"] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))

export const isRedirect = ({ headers, status }: Answered): boolean =>
  statuses.includes(status) && headers.location !== undefined

/** The request that follows the answer, or why there is none. */
export const following = (request: RawRequest, answered: Answered): Either.Either<RawRequest, string> =>
  Either.try({
    try: () => new URL(answered.headers.location ?? "", request.url),
    catch: () => "Invalid URL"
  }).pipe(
    Either.flatMap((url) =>
      url.protocol === "http:" || url.protocol === "https:"
        ? Either.right(repeated(request, answered.status, url))
        : Either.left("URL scheme must be a HTTP(S) scheme")
    )
  )

/**
 * 307 and 308 repeat the request; the others make a POST a GET without its body, and 303 every method but HEAD. Another
 * origin does not get what tells who asks.
 */
const repeated = (request: RawRequest, status: number, url: URL): RawRequest => {
  const secrets = ["authorization", "proxy-authorization", "cookie", "host"]
  const headers = url.origin === new URL(request.url).origin ? request.headers : without(request.headers, secrets)
  const becomesGet = status === 303
    ? request.method !== "GET" && request.method !== "HEAD"
    : status < 303 && request.method === "POST"
  if (!becomesGet) return { ...request, url: url.href, headers }
  const aboutBody = ["content-encoding", "content-language", "content-location", "content-type", "content-length"]
  return { method: "GET", url: url.href, headers: without(headers, aboutBody), body: new Uint8Array(0) }
}
