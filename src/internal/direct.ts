/**
 * Requests that are sent as they are.
 *
 * Node's `fetch` copies a request with its body, in case it has to send it to another address, unless it may not be
 * redirected: that takes a fifth of the time of a request. Source: undici's `httpNetworkOrCacheFetch`, "if request's window
 * is no-window and its redirect mode is error". So a server that has answered without a redirection is told that there is to
 * be none. If it redirects later all the same, that request fails, since nobody knows what became of it, and those that
 * come after it are sent in the usual way.
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

/** Sends requests, each by the options that it is given. Another `fetch` than Node's gets none. */
export const make = (isOwnFetch: boolean) => {
  let mayBeDirect = isOwnFetch && isNode
  let sending = usual
  const redirects = () => {
    mayBeDirect = false
    sending = usual
  }
  return async <A extends { readonly answer: globalThis.Response }>(
    send: (sending: Sending) => Promise<A>
  ): Promise<A> => {
    try {
      const sent = await send(sending)
      if (sent.answer.redirected) redirects()
      else if (mayBeDirect) sending = asItIs
      return sent
    } catch (error) {
      if (isRedirect(error)) redirects()
      throw error
    }
  }
}
