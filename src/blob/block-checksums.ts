import { assert } from "../std/assert.ts";
import { combineCrc32c, crc32c } from "../std/checksums/index.ts";
import { BLOCK_BYTES, blockCount } from "./format.ts";

/**
 * The checksums of a needle's data as it comes in: one a block, and the whole's computed from them, so that each byte
 * is run through only once.
 */
export class BlockChecksums {
  readonly #blocks: number[] = [];
  #open = 0;
  #openBytes = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, BLOCK_BYTES - this.#openBytes);
      const piece = taken === bytes.length ? bytes : bytes.subarray(at, at + taken);
      this.#open = this.#openBytes === 0 ? crc32c(piece) : crc32c(piece, this.#open);
      this.#openBytes += taken;
      if (this.#openBytes === BLOCK_BYTES) this.#endBlock();
      at += taken;
    }
    this.#length += bytes.length;
  }

  /** Ends the last block: the checksums of all blocks, in order. */
  finish(): readonly number[] {
    if (this.#openBytes > 0) this.#endBlock();
    return this.#blocks;
  }

  /** Whether the same bytes came in, and both were ended or neither. */
  equals(other: BlockChecksums): boolean {
    if (this.#length !== other.#length || this.#openBytes !== other.#openBytes) return false;
    if (this.#openBytes > 0 && this.#open !== other.#open) return false;
    return this.#blocks.every((checksum, at) => checksum === other.#blocks[at]);
  }

  #endBlock(): void {
    this.#blocks.push(this.#open);
    this.#openBytes = 0;
  }
}

/** crc32c of the whole data from those of its blocks. */
export function wholeChecksum(blocks: readonly number[], dataBytes: number): number {
  assert(blocks.length === blockCount(dataBytes), "there is one checksum a block");
  if (blocks.length === 0) return 0;
  let whole = blocks[0]!;
  for (let block = 1; block < blocks.length; block++) {
    const bytes = block < blocks.length - 1 ? BLOCK_BYTES : dataBytes - block * BLOCK_BYTES;
    whole = combineCrc32c(whole, blocks[block]!, bytes);
  }
  return whole;
}

/** The position (from 0) of the first block that fails, or undefined. `data` begins with block `first`. */
export function findDamagedBlock(data: Uint8Array, blocks: readonly number[], first = 0): number | undefined {
  for (let at = 0, block = first; at < data.length; at += BLOCK_BYTES, block++) {
    if (crc32c(data.subarray(at, Math.min(at + BLOCK_BYTES, data.length))) !== blocks[block]) return block;
  }
  return undefined;
}
