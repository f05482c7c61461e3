/** `/v1/files`, and the files that code leaves in its containers. */
import * as Either from "effect/Either"
import type { Json } from "../Script.ts"
import { type Answer, type ApiRequest, type Checked, invalidType, isJson, missing, rawAnswer, reject } from "./http.ts"
import type { State, StoredFile } from "./state.ts"

/** A file of a form, as a request's body has it. */
interface FormFile {
  readonly filename: string
  readonly bytes: Uint8Array
}

const isFile = (value: unknown): value is FormFile => isJson(value) && value.bytes instanceof Uint8Array

const render = (file: StoredFile): Json => ({
  id: file.id,
  object: "file",
  bytes: file.bytes.byteLength,
  created_at: file.createdAt,
  filename: file.filename,
  purpose: file.purpose,
  status: "processed",
  ...(file.expiresAt === undefined ? {} : { expires_at: file.expiresAt })
})

const find = (state: State, id: string): Checked<StoredFile> => {
  const file = state.files.get(id)
  const isThere = file !== undefined && (file.expiresAt === undefined || state.now() < file.expiresAt)
  return isThere
    ? Either.right(file)
    : reject(404, null, `No such File object: ${id}`, { param: "id" })
}

export const create = (state: State, { body }: ApiRequest): Checked<Json> =>
  Either.gen(function*() {
    if (!isJson(body) || body.file === undefined) return yield* missing("file")
    if (!isFile(body.file)) return yield* invalidType("file", "a file")
    if (typeof body.purpose !== "string") return yield* missing("purpose")
    const seconds = Number(body["expires_after[seconds]"] ?? Number.NaN)
    const createdAt = state.now()
    const file: StoredFile = {
      id: state.id("file", 22).replace("_", "-"),
      filename: body.file.filename,
      bytes: body.file.bytes,
      purpose: body.purpose,
      createdAt,
      expiresAt: Number.isNaN(seconds) ? undefined : createdAt + seconds
    }
    state.files.set(file.id, file)
    return render(file)
  })

export const retrieve = (state: State, id: string): Checked<Json> => Either.map(find(state, id), render)

export const remove = (state: State, id: string): Checked<Json> =>
  Either.map(find(state, id), () => {
    state.files.delete(id)
    return { id, object: "file", deleted: true }
  })

const bytesOf = (bytes: Uint8Array): Answer => rawAnswer(200, { "content-type": "application/octet-stream" }, bytes)

/** What a program has uploaded for a model to read it does not get back. Source: BasedHardware/omi#3361. */
export const content = (state: State, id: string): Checked<Answer> =>
  Either.flatMap(find(state, id), ({ bytes, purpose }) =>
    purpose === "user_data" || purpose === "assistants"
      ? reject(400, null, `Not allowed to download files of purpose: ${purpose}`)
      : Either.right(bytesOf(bytes)))

export const containerContent = (state: State, containerId: string, id: string): Checked<Answer> => {
  const file = state.containers.get(containerId)?.get(id)
  return file === undefined
    ? reject(404, null, `Container file with id '${id}' not found in container '${containerId}'.`)
    : Either.right(bytesOf(file.bytes))
}
