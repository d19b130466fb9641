import type { Clock } from "../../env/index.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";

/**
 * Callers that could not be served at once, one after the other in the order in which they came. At most so many, and none
 * that has waited too long when its turn comes: it is told what the one before failed with, so that a Store which takes
 * its time to say no is not asked once for each of them.
 */
export class Waiters {
  readonly #clock: Clock;
  readonly #max: number;
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;
  #count = 0;

  constructor(clock: Clock, max: number = IDS_LIMITS.waitersMax) {
    this.#clock = clock;
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Runs it when all before it have ended, however they did. Rejects with IDS_OVERLOADED where that is too much to ask. */
  async inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#max) throw idsFailure("IDS_OVERLOADED", { data: { waitersMax: this.#max } });
    this.#count++;
    const endMillis = this.#clock.monotonic() + IDS_LIMITS.waitMillisMax;
    const result = this.#last.then(() => {
      if (this.#clock.monotonic() <= endMillis) return run();
      throw this.#failure ?? idsFailure("IDS_OVERLOADED", { data: { waitMillisMax: IDS_LIMITS.waitMillisMax } });
    });
    this.#last = result.then(
      () => this.#ended(undefined),
      (error: unknown) => this.#ended(error),
    );
    return result;
  }

  #ended(failure: unknown): void {
    this.#count--;
    this.#failure = failure;
  }
}
