/** Keys that must not be shown, whatever goes wrong. */

const known = new Set<string>()

/** From now on this is hidden wherever the terminal says something about an error. */
export const keep = (secret: string) => {
  if (secret.length >= 8) known.add(secret)
}

/** A command without what may be a key in it. */
export const withoutArguments = (command: string): string => {
  const [name = "", ...rest] = command.trim().split(/\s+/)
  return name.includes("=") ? "…" : rest.length === 0 ? name : `${name} …`
}

export const hide = (text: string): string => {
  let hidden = text
  for (const secret of known) hidden = hidden.replaceAll(secret, "***")
  return hidden
}
