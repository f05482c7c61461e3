/** Files that are too large to go with a message are uploaded before it is written. */
import * as Effect from "effect/Effect"
import type * as OpenAI from "../OpenAI.ts"
import { InvalidInput, type RequestError } from "../OpenAIError.ts"
import {
  fileId,
  imageFile,
  maxFileBytes,
  maxInlineBytes,
  type MessageInput,
  type PartInput,
  uploadBeyondBytes
} from "../Thread.ts"
import type { WireItem } from "../ThreadStore.ts"
import { fromMessage, problem } from "./items.ts"

type Large = Extract<PartInput, { readonly bytes: Uint8Array }>

const isLarge = (part: PartInput): part is Large => part._tag === "ImageBytes" || part._tag === "FileBytes"

/** The largest, so many of them that the others together are small enough. */
const tooLarge = (parts: ReadonlyArray<PartInput>): ReadonlySet<PartInput> => {
  const bySize = parts.filter(isLarge).sort((a, b) => b.bytes.length - a.bytes.length)
  let rest = bySize.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const chosen = bySize.filter(({ bytes }) => {
    const isChosen = rest > uploadBeyondBytes
    if (isChosen) rest -= bytes.length
    return isChosen
  })
  return new Set(chosen)
}

const extension = (mediaType: string) => mediaType.slice(mediaType.indexOf("/") + 1)

const upload = (files: OpenAI.Files, part: PartInput): Effect.Effect<PartInput, RequestError> => {
  if (!isLarge(part)) return Effect.succeed(part)
  const { bytes, mediaType } = part
  return part._tag === "FileBytes"
    ? Effect.map(files.upload({ bytes, mediaType, filename: part.filename }), ({ id }) => fileId(id))
    : Effect.map(
      files.upload({ bytes, mediaType, filename: `image.${extension(mediaType)}`, purpose: "vision" }),
      ({ id }) => imageFile(id, part)
    )
}

/** The message as it is written. Without `files` everything goes inline. */
export const toWire = (
  input: string | MessageInput,
  files: OpenAI.Files | undefined
): Effect.Effect<WireItem, RequestError> =>
  Effect.suspend(() => {
    const invalid = problem(input, files === undefined ? maxInlineBytes : maxFileBytes)
    if (invalid !== undefined) return Effect.fail(invalid)
    if (typeof input === "string" || typeof input.content === "string" || files === undefined) {
      return Effect.succeed(fromMessage(input))
    }
    const large = tooLarge(input.content)
    const parts = Effect.forEach(
      input.content,
      (part) => large.has(part) ? upload(files, part) : Effect.succeed(part),
      { concurrency: 4 }
    )
    return parts.pipe(
      Effect.map((content) => fromMessage({ ...input, content })),
      // Other servers than OpenAI's may not take files, but for those that come inline.
      Effect.catchIf(
        (error) =>
          error._tag === "ResourceNotFound" && error.resource === "endpoint" &&
          problem(input, maxInlineBytes) === undefined,
        () => Effect.succeed(fromMessage(input))
      )
    )
  })

/** The same for a message that is a field of something: what is wrong with it is told by its place there. */
export const toWireAt = (
  field: string,
  input: string | MessageInput,
  files: OpenAI.Files | undefined
): Effect.Effect<WireItem, RequestError> =>
  Effect.mapError(
    toWire(input, files),
    (error) =>
      error._tag === "InvalidInput"
        ? new InvalidInput({ field: `${field}.${error.field}`, reason: error.reason })
        : error
  )
