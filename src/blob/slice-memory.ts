import type { BufferPool } from "./buffer-pool.ts";

/**
 * Where one source reads its slices to: into two buffers by turns, since one slice is read ahead of the one that the
 * consumer has. A buffer's slice is over when the consumer asks for the one behind it, which is before the turn comes
 * back.
 */
export class SliceMemory {
  readonly #pool: BufferPool;
  readonly #buffers: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined];
  #turn: 0 | 1 = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** A slice begins: what `room` gives from here on is not what the last one was read to. */
  next(): void {
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  /** At least so many bytes for this slice; whatever was read for it before is lost. */
  room(bytes: number): Uint8Array {
    const present = this.#buffers[this.#turn];
    if (present !== undefined && present.length >= bytes) return present;
    if (present !== undefined) this.#pool.give(present);
    const taken = this.#pool.take(bytes);
    this.#buffers[this.#turn] = taken;
    return taken;
  }

  /** All slices are over, and nobody holds one any more. */
  giveBack(): void {
    for (const buffer of this.#buffers) if (buffer !== undefined) this.#pool.give(buffer);
    this.forget();
  }

  /** The consumer left: it may still be using its last slice, and the buffers with it. */
  forget(): void {
    this.#buffers.fill(undefined);
  }
}
