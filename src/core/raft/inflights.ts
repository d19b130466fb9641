import { assert } from "../../std/assert.ts";

/** Appends on their way to one follower, oldest first: the last index of each and its bytes. A ring that grows up to its limit. */
export class Inflights {
  readonly #countMax: number;
  readonly #bytesMax: number;
  #indexes: number[] = [0, 0, 0, 0];
  #sizes: number[] = [0, 0, 0, 0];
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  add(index: number, bytes: number): void {
    assert(!this.isFull, "nothing is sent beyond the window");
    if (this.#count === this.#indexes.length) this.#grow();
    const at = (this.#start + this.#count) & (this.#indexes.length - 1);
    this.#indexes[at] = index;
    this.#sizes[at] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** All up to and including the index have arrived. */
  freeTo(index: number): void {
    const mask = this.#indexes.length - 1;
    while (this.#count > 0 && this.#indexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) & mask;
      this.#count--;
    }
  }

  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const indexes: number[] = [];
    const sizes: number[] = [];
    const length = this.#indexes.length;
    for (let at = 0; at < length * 2; at++) {
      const from = (this.#start + at) & (length - 1);
      indexes.push(at < length ? this.#indexes[from]! : 0);
      sizes.push(at < length ? this.#sizes[from]! : 0);
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
