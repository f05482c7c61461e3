/** A body as it is sent when it is compressed. */
import * as Effect from "effect/Effect"
import * as Zlib from "node:zlib"
import { concat, type Step, type Steps } from "./step.ts"

/** RFC 1952: compressed with deflate, no flags, no time, an unknown system. */
const header = Uint8Array.from([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])

/** A last block without bytes, the checksum and the length of what was compressed. */
const trailer = (checksum: number, length: number): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(10))
  bytes.setUint16(0, 3, true)
  bytes.setUint32(2, checksum, true)
  bytes.setUint32(6, length, true)
  return new Uint8Array(bytes.buffer)
}

/**
 * Each step is compressed by itself, so that it can be read without the next and nothing waits for a thread. A body that
 * ends too early has no trailer.
 */
export const compressed = (steps: Steps): Steps => {
  let isFirst = true
  let checksum = 0
  let length = 0
  return Effect.map(steps, (step): Step => {
    if (step._tag !== "Bytes") return step
    const parts: Array<Uint8Array> = isFirst ? [header] : []
    isFirst = false
    checksum = Zlib.crc32(step.bytes, checksum)
    length += step.bytes.length
    parts.push(Zlib.deflateRawSync(step.bytes, { finishFlush: Zlib.constants.Z_SYNC_FLUSH }))
    if (step.last) parts.push(trailer(checksum, length))
    return { _tag: "Bytes", bytes: concat(parts), last: step.last }
  })
}
