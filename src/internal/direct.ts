/**
 * Requests that are sent as they are.
 *
 * Node's `fetch` copies a request with its body, in case it has to send it to another address, unless it may not be
 * redirected: that takes a fifth of the time of a request. A server that redirects has not carried out the request, so it
 * is sent again in the usual way, and so are those that come after it. Source: undici's `httpNetworkOrCacheFetch`, "if
 * request's window is no-window and its redirect mode is error".
 */
import type { ClientOptions } from "openai"

export interface Sending {
  readonly fetchOptions?: NonNullable<ClientOptions["fetchOptions"]>
}

const asItIs: Sending = { fetchOptions: { redirect: "error", window: null } }
const usual: Sending = {}

const isNode = "process" in globalThis &&
  typeof (globalThis.process as { readonly versions?: Record<string, string> }).versions?.["undici"] === "string"

const isRedirect = (error: unknown): boolean =>
  error instanceof Error && (error.message === "unexpected redirect" || isRedirect(error.cause))

/** Sends requests by `fetch`, each by the options that it is given. Another `fetch` than Node's gets none. */
export const make = (isOwnFetch: boolean) => {
  let sending = isOwnFetch && isNode ? asItIs : usual
  return async <A>(send: (sending: Sending) => Promise<A>): Promise<A> => {
    const tried = sending
    try {
      return await send(tried)
    } catch (error) {
      if (tried === usual || !isRedirect(error)) throw error
      sending = usual
      return send(usual)
    }
  }
}
