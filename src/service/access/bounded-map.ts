import { assert } from "../../std/assert.ts";

/**
 * A map of at most `entriesMax` entries. A full one lets go of an entry that was not looked up since it was last passed
 * over (second chance): nearly the least recently used, and a look-up writes one field only.
 */
export class BoundedMap<Value> {
  readonly #entries: Map<string, Slot<Value>> = new Map();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    assert(entriesMax > 0, "a bounded map holds at least one entry");
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const slot = this.#entries.get(key);
    if (slot === undefined) return undefined;
    slot.used = true;
    return slot.value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    if (this.#entries.size === this.#entriesMax) this.#evict();
    this.#entries.set(key, { value, used: false });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #evict(): void {
    // Each pass clears a mark, so this ends after one round at the latest.
    for (const [key, slot] of this.#entries) {
      this.#entries.delete(key);
      if (!slot.used) return;
      slot.used = false;
      this.#entries.set(key, slot);
    }
  }
}

interface Slot<Value> {
  readonly value: Value;
  used: boolean;
}
