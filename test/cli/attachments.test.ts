import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Attachments from "../../src/cli/attachments.ts"
import { temporary } from "./support/cli.ts"

const files = temporary()

const file = (name: string, content: string | Uint8Array, size?: number) => {
  const path = join(files, name)
  writeFileSync(path, content)
  if (size !== undefined) truncateSync(path, size)
  return path
}

describe("a file that cannot be sent", () => {
  const refused = (what: string, paths: () => ReadonlyArray<string>, expected: string) =>
    it.live(what, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Attachments.read(paths()))
        expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining(expected) })
      }))

  const png = Buffer.from("89504e47", "hex")

  refused("is not there", () => [join(files, "none")], "does not exist")
  refused("is a directory", () => [files], "is a directory")
  refused("is empty", () => [file("empty", "")], "is empty")
  refused("is of another kind", () => [file("x.zip", Uint8Array.of(80, 75, 3, 4, 0, 0))], "cannot be sent")
  refused("is too large", () => [file("big.png", png, 50_000_000)], `big.png" is larger than 47 MiB`)
  refused("is too much together with another one", () => {
    const half = file("half.png", png, 26_000_000)
    return [half, half]
  }, "may have 47 MiB together")
  refused("has no end", () => ["/dev/zero"], "is larger than 47 MiB")
  refused("is too long a text", () => [file("long.txt", "a".repeat(10 * 1024 * 1024 + 1))], "10 MiB")
})
