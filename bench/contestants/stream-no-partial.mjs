// Ours as a Stream that does not keep the text which an error would carry.
import { connecting } from "./ours.mjs"
import { read } from "./stream.mjs"

export const connect = connecting(read, { keepPartial: false })
