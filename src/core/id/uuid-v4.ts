import { type RandomBytes, RandomPool } from "./random-pool.ts";
import { uuidBytes, uuidText } from "./uuid.ts";

/** UUIDs of version 4 (RFC 9562 5.4): 122 random bits, no order. */
export class UuidV4Generator {
  readonly #pool: RandomPool;

  constructor({ random }: { readonly random: RandomBytes }) {
    this.#pool = new RandomPool(random);
  }

  next(): string {
    const pool = this.#pool;
    return uuidText(pool.u32(), withVersion(pool.u32()), withVariant(pool.u32()), pool.u32());
  }

  nextBytes(): Uint8Array {
    const pool = this.#pool;
    return uuidBytes(pool.u32(), withVersion(pool.u32()), withVariant(pool.u32()), pool.u32());
  }
}

function withVersion(word: number): number {
  return (word & 0xffff_0fff) | 0x4000;
}

function withVariant(word: number): number {
  return (word & 0x3fff_ffff) | 0x8000_0000;
}
