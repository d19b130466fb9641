import { assert } from "../../std/assert.ts";
import { idFailure } from "./errors.ts";

export interface OrderedTimeOptions {
  /**
   * How far the ids' time may be ahead of the clock, because a millisecond was full or the clock was set back. Beyond it a
   * call throws CLOCK_BEHIND or UNIT_FULL with `data.waitMillis`.
   */
  readonly aheadMillisMax?: number;
}

const AHEAD_MILLIS = 10_000;

/** Milliseconds that follow the clock, can run ahead of it, and never go back. */
export class OrderedMillis {
  /** -1 before the first one. */
  millis = -1;
  readonly #millisMax: number;
  readonly #aheadMillisMax: number;

  constructor(millisMax: number, { aheadMillisMax = AHEAD_MILLIS }: OrderedTimeOptions) {
    assert(
      Number.isFinite(aheadMillisMax) && aheadMillisMax >= 0,
      "the bound of running ahead is a number of milliseconds",
    );
    this.#millisMax = millisMax;
    this.#aheadMillisMax = aheadMillisMax;
  }

  /** True where a millisecond begins that nothing was made of. */
  follow(nowMillis: number): boolean {
    const clock = Math.floor(nowMillis);
    if (clock > this.millis) {
      this.#enter(clock);
      return true;
    }
    assert(Number.isFinite(nowMillis), "the clock shows a time");
    // Nothing was made yet, and there is no millisecond to begin with.
    if (this.millis < 0) throw idFailure("CLOCK_BEFORE_EPOCH", { data: { nowMillis } });
    if (this.millis - clock <= this.#aheadMillisMax) return false;
    throw idFailure("CLOCK_BEHIND", { data: { nowMillis, waitMillis: this.#waitFor(this.millis, nowMillis) } });
  }

  /** Leaves a millisecond that is full. */
  advance(nowMillis: number): void {
    const next = this.millis + 1;
    if (next - Math.floor(nowMillis) > this.#aheadMillisMax)
      throw idFailure("UNIT_FULL", { data: { nowMillis, waitMillis: this.#waitFor(next, nowMillis) } });
    this.#enter(next);
  }

  restart(): void {
    this.millis = -1;
  }

  #enter(millis: number): void {
    if (millis > this.#millisMax) throw idFailure("TIME_EXHAUSTED", { data: { millis } });
    this.millis = millis;
  }

  #waitFor(millis: number, nowMillis: number): number {
    return Math.ceil(millis - this.#aheadMillisMax - nowMillis);
  }
}
