import { InlineHasher, type Pace } from "../compute/index.ts";
import type { Compute, Hasher, HashName } from "../env.ts";

/**
 * Hashes where it is called, so that a run depends on nothing but its seed. With a pace from the simulator's own
 * turns, updates wait now and then as they do for a full ring in production, and callers that forget to await them
 * are found.
 */
export class InlineCompute implements Compute {
  readonly #pace: Pace | undefined;

  constructor(pace?: Pace) {
    this.#pace = pace;
  }

  hasher(names: readonly HashName[], _bytesExpected: number): Hasher {
    return new InlineHasher(names, this.#pace);
  }
}
