import type { Prng } from "../../std/prng.ts";
import type { Range } from "./faults.ts";

/** Draws for configurations: what a seed decides before anything runs. */
export class Draw {
  readonly prng: Prng;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + this.prng.below(max - min + 1);
  }

  /** Evenly over the logarithms: as often between 1 and 10 as between 10 and 100. */
  logarithmic([min, max]: Range): number {
    return min === max ? min : min * (max / min) ** this.prng.unit();
  }

  pick<T>(items: readonly T[]): T {
    return this.prng.pick(items);
  }

  chance(probability: number): boolean {
    return this.prng.chance(probability);
  }
}
