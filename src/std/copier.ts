import { HEAP_ARRAY_BYTES_MAX } from "./bytes.ts";

/**
 * Copies pieces of buffers that somebody else goes on using. A larger array costs 2 µs and more on its own, and work
 * for the garbage collector, so results share slabs unless they are long. One that is kept pins its slab: 32 KiB suit
 * what is soon let go.
 */
export class Copier {
  readonly #slabBytes: number;
  readonly #sharedBytesMax: number;
  #source: Uint8Array = new Uint8Array(0);
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(slabBytes = 32_768, sharedBytesMax = 5_120) {
    this.#slabBytes = slabBytes;
    this.#sharedBytesMax = sharedBytesMax;
  }

  /** A whole array. */
  copyOf(bytes: Uint8Array): Uint8Array {
    if (bytes.length <= HEAP_ARRAY_BYTES_MAX || bytes.length > this.#sharedBytesMax) return new Uint8Array(bytes);
    const target = this.#take(bytes.length);
    target.set(bytes);
    return target;
  }

  /** A part of a buffer that is used for call after call. */
  copy(from: Uint8Array, start: number, length: number): Uint8Array {
    if (from.buffer !== this.#source.buffer) this.#source = new Uint8Array(from.buffer);
    const first = from.byteOffset + start;
    if (length <= HEAP_ARRAY_BYTES_MAX) return this.#source.slice(first, first + length);
    const target = length <= this.#sharedBytesMax ? this.#take(length) : new Uint8Array(length);
    target.set(this.#source.subarray(first, first + length));
    return target;
  }

  #take(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(this.#slabBytes);
      this.#used = 0;
    }
    const taken = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return taken;
  }
}
