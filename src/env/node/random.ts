import { randomFillSync } from "node:crypto";
import type { Random } from "../env.ts";

const POOL_NUMBERS = 1024;

/**
 * The kernel's generator. Only `u32` draws from a pool: what `bytes` gives may become a secret and is never kept here.
 */
export class NodeRandom implements Random {
  readonly #pool = new Uint32Array(POOL_NUMBERS);
  #next = POOL_NUMBERS;

  bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length));
  }

  u32(): number {
    if (this.#next === POOL_NUMBERS) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }
}
