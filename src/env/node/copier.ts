/** V8 keeps typed arrays up to this size in its own heap: they are made as cheaply as any object. */
const HEAP_BYTES_MAX = 64;
/** A larger one costs about 2 µs on its own, so small ones share. A result that is kept pins its slab: hence the limits. */
const SLAB_BYTES = 32_768;
const SHARED_BYTES_MAX = 5_120;

/** Copies pieces out of one buffer that is overwritten again and again. The caller owns each result. */
export class Copier {
  #source: Uint8Array = new Uint8Array(0);
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  copy(from: Uint8Array, start: number, length: number): Uint8Array {
    if (from.buffer !== this.#source.buffer) this.#source = new Uint8Array(from.buffer);
    const first = from.byteOffset + start;
    if (length <= HEAP_BYTES_MAX) return this.#source.slice(first, first + length);
    const target = length <= SHARED_BYTES_MAX ? this.#take(length) : uninitialised(length);
    target.set(this.#source.subarray(first, first + length));
    return target;
  }

  #take(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const taken = this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return taken;
  }
}

/** Memory that the caller fills at once. A plain Uint8Array: `slice` of a Buffer would share what it should copy. */
export function uninitialised(length: number): Uint8Array {
  const buffer = Buffer.allocUnsafe(length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
