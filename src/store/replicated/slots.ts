// A bounded number of callers at a time; the others wait, a bounded number too, in the order in which they came.

import { storeFailure } from "../errors.ts";

export class Slots {
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#free = limits.runningMax;
    this.#waitingMax = limits.waitingMax;
  }

  /** Resolves when the caller may go on; who does so calls `leave`. Rejects with OVERLOADED. */
  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) {
      throw storeFailure("OVERLOADED", { what: "Too many calls wait already.", data: { waiting: this.#waitingMax } });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the slot to who has waited longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
