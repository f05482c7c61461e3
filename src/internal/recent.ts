/**
 * A map that forgets what was set longest ago, of which it has at least the last `count`, and at most twice as many.
 *
 * Not a `Map` whose first key is deleted: to find that key, V8 passes over all that were deleted since it last made room.
 */
export class Recent<K, V> {
  readonly #count: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  constructor(count: number) {
    this.#count = count
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  has(key: K): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  set(key: K, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#count) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}
