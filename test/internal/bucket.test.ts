import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { Bucket } from "../../src/internal/bucket.ts"

/** Ten in ten seconds, of which some are left. */
const tenths = (remaining: number) => ({ limit: 10, remaining, reset: (10 - remaining) * 1_000 })

describe("bucket", () => {
  it("holds nobody back before anything is known", () => {
    const bucket = new Bucket()
    expect(bucket.wait(1_000, 0)).toBe(0)
    expect(bucket.take(1_000, 0)).toBeUndefined()
  })

  it("fills up steadily, and to no more than the limit", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(0), undefined, 0)
    expect(bucket.wait(1, 0)).toBe(1_000)
    expect(bucket.wait(3, 500)).toBe(2_500)
    expect(bucket.level(2_500)).toBe(2.5)
    expect(bucket.level(60_000)).toBe(10)
    expect(bucket.full(4_000)).toBe(6_000)
  })

  it("counts what was sent before its answer is there", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(2), undefined, 0)
    bucket.take(1, 0)
    bucket.take(1, 0)
    expect(bucket.wait(1, 0)).toBe(1_000)
  })

  it("takes an answer for what was when its request came in, not for what is", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(5), undefined, 0)
    const first = bucket.take(1, 0)
    bucket.take(1, 0)
    bucket.take(1, 0)
    // It was the first: 4 remained, and two more have been sent since.
    bucket.tell(tenths(4), first, 0)
    expect(bucket.level(0)).toBe(2)
  })

  it("takes what others have used for once, however many answers tell it", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(9), undefined, 0)
    const beliefs = [1, 2, 3].map(() => bucket.take(1, 0))
    // Somebody else took two before the first of them.
    beliefs.forEach((belief, index) => bucket.tell(tenths(6 - index), belief, 0))
    expect(bucket.level(0)).toBe(4)
  })

  it("starts anew when the limit is another one", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(0), undefined, 0)
    const belief = bucket.take(1, 0)
    bucket.tell({ limit: 100, remaining: 50, reset: 1_000 }, belief, 0)
    expect(bucket.level(0)).toBe(50)
    expect(bucket.wait(60, 0)).toBe(200)
  })

  it("does not wait where it is not told how much comes back", () => {
    const bucket = new Bucket()
    bucket.tell({ limit: 10, remaining: 0, reset: undefined }, undefined, 0)
    expect(bucket.wait(1, 0)).toBe(0)
    bucket.tell({ limit: 10, remaining: 10, reset: 0 }, undefined, 0)
    expect(bucket.wait(11, 0)).toBe(0)
  })

  it("believes the rate that was told when much was used more than one when little was", () => {
    const bucket = new Bucket()
    bucket.tell(tenths(0), undefined, 0)
    // 9.95 remain, told as 9.
    bucket.tell({ limit: 10, remaining: 9, reset: 50 }, bucket.take(1, 9_950), 9_950)
    for (let i = 0; i < 9; i++) bucket.take(1, 9_950)
    expect(bucket.wait(1, 9_950)).toBeGreaterThanOrEqual(1_000)
  })

  it("hardly ever sends what a server that fills up the same way refuses, whatever the delays", () => {
    const step = FastCheck.record({
      pause: FastCheck.integer({ min: 0, max: 600 }),
      delay: FastCheck.integer({ min: 0, max: 5_000 })
    })
    FastCheck.assert(FastCheck.property(FastCheck.array(step, { minLength: 100, maxLength: 100 }), (steps) => {
      const bucket = new Bucket()
      const answers: Array<{ readonly at: number; readonly tell: () => void }> = []
      let level = 10
      let now = 0
      let refused = 0
      /** Lets time pass, and hears the answers that come meanwhile. */
      const pass = (until: number) => {
        answers.sort((one, other) => one.at - other.at)
        while (answers[0] !== undefined && answers[0].at <= until) answers.shift()?.tell()
        level = Math.min(10, level + (until - now) / 1_000)
        now = until
      }
      const send = (delay: number) => {
        const belief = bucket.take(1, now)
        if (level >= 1 - 1e-6) level -= 1
        else refused++
        const told = { limit: 10, remaining: Math.max(0, Math.floor(level + 1e-6)), reset: (10 - level) * 1_000 }
        const at = now + delay
        answers.push({ at, tell: () => bucket.tell(told, belief, at) })
      }
      send(0)
      for (const { delay, pause } of steps) {
        pass(now + pause)
        for (let wait = bucket.wait(1, now); wait > 0; wait = bucket.wait(1, now)) {
          // Whoever waits looks again when an answer comes.
          pass(Math.min(now + Math.ceil(wait), answers[0]?.at ?? Number.POSITIVE_INFINITY))
        }
        send(delay)
      }
      expect(refused).toBeLessThanOrEqual(5)
      // And it wastes little of what there is.
      expect(now).toBeLessThan(Math.max(steps.reduce((sum, { pause }) => sum + pause, 0), 95_000) * 1.1)
    }))
  })
})
