/** Text that is sent: what is one, and how much of it. */

/** OpenAI takes 10,485,760 characters in one text. Source: OpenAI's OpenAPI document, `input_text`. */
export const maxTextBytes = 10 * 1024 * 1024

/** The text that bytes stand for in UTF-8, without its byte order mark; `undefined` for what is no text. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
