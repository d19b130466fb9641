import type { Prng } from "../../std/prng.ts";
import type { Random } from "../env.ts";

/** Repeats with its seed: for simulations only. */
export class SimRandom implements Random {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  bytes(length: number): Uint8Array {
    return this.#prng.bytes(length);
  }

  u32(): number {
    return this.#prng.u32();
  }
}
