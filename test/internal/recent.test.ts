import { expect, it } from "vitest"
import { Recent } from "../../src/internal/recent.ts"

it("has the last that were set, and no more than twice as many", () => {
  const recent = new Recent<number, string>(10)
  for (let key = 0; key < 35; key++) {
    recent.set(key, `${key}`)
    for (let back = 0; back < Math.min(key + 1, 10); back++) expect(recent.get(key - back)).toBe(`${key - back}`)
    for (let old = 0; old <= key - 20; old++) expect(recent.has(old)).toBe(false)
  }
})

it("keeps what is set again, and deletes it wherever it is", () => {
  const recent = new Recent<string, number>(3)
  recent.set("kept", 0)
  for (let i = 1; i <= 20; i++) {
    recent.set(`${i}`, i)
    recent.set("kept", i)
    expect(recent.get("kept")).toBe(i)
  }
  recent.delete("kept")
  expect(recent.has("kept")).toBe(false)
  recent.set("old", 1)
  recent.set("a", 1)
  recent.set("b", 1)
  recent.delete("old")
  expect(recent.get("old")).toBeUndefined()
})
