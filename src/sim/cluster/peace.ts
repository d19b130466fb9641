import type { FaultEvent } from "../kernel/index.ts";

/** What a fault leaves behind for a while: a process that has to start again, connections that have to be made anew. */
const AFTERMATH_MILLIS = 1_000;

/** When no fault is in force any more. */
export class Peace {
  readonly #nowMillis: () => number;
  #fromMillis = 0;

  constructor(nowMillis: () => number) {
    this.#nowMillis = nowMillis;
  }

  get isNow(): boolean {
    return this.#nowMillis() >= this.#fromMillis;
  }

  /** A fault happens now, and ends when it does. */
  ends({ kind, durationMillis, amount }: FaultEvent): void {
    // It takes one node after the other.
    const lastsMillis = kind === "rolling-restart" ? 10 * (durationMillis + amount) : durationMillis;
    this.#fromMillis = Math.max(this.#fromMillis, this.#nowMillis() + lastsMillis + AFTERMATH_MILLIS);
  }
}
