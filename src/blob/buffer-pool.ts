import { alignUp } from "./format.ts";

const STEP_BYTES = 4096;
const LARGE_BYTES = 65_536;

/**
 * Memory that is used again: fresh arrays for each body would cost more in collection than their bytes cost to write.
 * Sizes are rounded up to whole steps; what is kept idle has a limit. The contents of a taken buffer are whatever its
 * last user left.
 */
export class BufferPool {
  readonly #idleBytesMax: number;
  readonly #idle = new Map<number, Uint8Array[]>();
  #idleBytes = 0;

  constructor(idleBytesMax: number) {
    this.#idleBytesMax = idleBytesMax;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** At least so many bytes. */
  take(bytes: number): Uint8Array {
    const size = classOf(bytes);
    const buffer = this.#idle.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(size);
    this.#idleBytes -= size;
    return buffer;
  }

  /** A whole buffer that `take` returned, when nobody reads or writes it any more. */
  give(buffer: Uint8Array): void {
    if (this.#idleBytes + buffer.length > this.#idleBytesMax) return;
    let idle = this.#idle.get(buffer.length);
    if (idle === undefined) this.#idle.set(buffer.length, (idle = []));
    idle.push(buffer);
    this.#idleBytes += buffer.length;
  }
}

function classOf(bytes: number): number {
  return alignUp(bytes, bytes <= LARGE_BYTES ? STEP_BYTES : LARGE_BYTES);
}
