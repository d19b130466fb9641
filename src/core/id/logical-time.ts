import { assert } from "../../std/assert.ts";
import { type IdError, idFailure } from "./errors.ts";
import { type IdLayout, tickMaxOf } from "./layout.ts";
import type { IdBugs } from "./seeded-bugs.ts";

export interface TimeOptions {
  /**
   * Ids are made of times before this only; a time that has been reserved for this worker number where nobody can forget
   * it. `reserve` moves it on. Without it nothing keeps two holders of the number apart but the caller's word.
   */
  readonly reservedUntilMillis?: number;
  /** Ids are made of times from here on only: where the reservation of the number's last holder ended. */
  readonly notBeforeMillis?: number;
  /**
   * A unit begins at most so long before the clock gets there; a caller who needs more waits. 100 with a reservation and
   * else 0, since a generator that is started anew then would begin among the ids of the one before.
   */
  readonly aheadMillisMax?: number;
  /** Unsigned 32-bit numbers; layouts whose sequences start at random ones need it. */
  readonly random?: () => number;
  /** Tests only. */
  readonly bugs?: IdBugs | undefined;
}

const AHEAD_MILLIS_RESERVED = 100;

/**
 * The time of a generator's ids, in units (ticks) since the layout's epoch, and the sequence within a unit. It follows the
 * clock, runs ahead of it where a unit is full, and never goes back:
 *
 *     firstTick <= tick <= clock + aheadMillisMax      tick < reservation's end      clock < reservation's end
 *
 * The last one keeps a generator that was stopped for a while from giving out, late, what its unit had left.
 */
export class LogicalTime {
  /** The unit that ids come from now; -1 before the first one. */
  tick = -1;
  /** The next one of that unit. */
  sequence = 0;
  /** Beyond the unit's last one. 0 while nothing may be given out. */
  #sequenceEnd = 0;
  /** What the clock showed when the bounds were computed. */
  #nowMillis = Number.NaN;
  #clockTick = -1;
  #aheadTick = -1;
  /** The last one that all bounds allow, as long as the clock stands still. */
  #lastTick = -1;
  #windowTick: number;
  readonly #firstTick: number;
  readonly #tickMax: number;
  readonly #sequences: number;
  readonly #layout: IdLayout;
  readonly #aheadMillisMax: number;
  readonly #random: () => number;
  readonly #bugs: IdBugs | undefined;

  constructor(layout: IdLayout, options: TimeOptions) {
    const { reservedUntilMillis, notBeforeMillis = layout.epochMillis, random, bugs } = options;
    const { aheadMillisMax = reservedUntilMillis === undefined ? 0 : AHEAD_MILLIS_RESERVED } = options;
    assert(
      Number.isFinite(aheadMillisMax) && aheadMillisMax >= 0,
      "the bound of running ahead is a number of milliseconds",
    );
    assert(Number.isFinite(notBeforeMillis), "the beginning of the ids' time is a time");
    assert(layout.sequenceStartBelow === 1 || random !== undefined, "the layout's sequences start at random numbers");
    this.#layout = layout;
    this.#aheadMillisMax = aheadMillisMax;
    this.#random = random ?? (() => 0);
    this.#bugs = bugs;
    this.#sequences = 2 ** layout.sequenceBits;
    this.#tickMax = tickMaxOf(layout);
    this.#firstTick = bugs?.has("ignore-not-before") ? 0 : Math.max(this.#tickFrom(notBeforeMillis), 0);
    this.#windowTick = this.#tickBefore(reservedUntilMillis ?? Number.POSITIVE_INFINITY);
  }

  /** The sequence of one id in `tick`. Throws where there is none. */
  take(nowMillis: number): number {
    if (nowMillis !== this.#nowMillis) this.#observe(nowMillis);
    if (this.sequence >= this.#sequenceEnd) this.#advance();
    return this.sequence++;
  }

  /** Throws unless so many ids can be had now; then `takeRun` gives them. */
  mustHave(nowMillis: number, count: number): void {
    if (this.available(nowMillis) < count) throw this.#refusal(count);
  }

  /** As many ids of one unit, from 1 to `countMax`, as it has: they begin at `sequence` minus their number. */
  takeRun(countMax: number): number {
    if (this.sequence >= this.#sequenceEnd) this.#advance();
    const count = Math.min(countMax, this.#sequenceEnd - this.sequence);
    this.sequence += count;
    return count;
  }

  available(nowMillis: number): number {
    if (nowMillis !== this.#nowMillis) this.#observe(nowMillis);
    if (this.#sequenceEnd === 0) return 0;
    return this.#sequences - this.sequence + (this.#lastTick - this.tick) * this.#sequences;
  }

  reserve(untilMillis: number): void {
    this.#windowTick = Math.max(this.#windowTick, this.#tickBefore(untilMillis));
    this.#nowMillis = Number.NaN;
  }

  get usedUntilMillis(): number {
    return this.#beginningOf(Math.max(this.tick + 1, this.#firstTick));
  }

  #observe(nowMillis: number): void {
    assert(Number.isFinite(nowMillis), "the clock shows a time");
    const { epochMillis, unitMillis } = this.#layout;
    this.#nowMillis = nowMillis;
    this.#clockTick = Math.floor((nowMillis - epochMillis) / unitMillis);
    this.#aheadTick = Math.floor((nowMillis + this.#aheadMillisMax - epochMillis) / unitMillis);
    if (this.#bugs?.has("ignore-ahead")) this.#aheadTick = this.#clockTick + 1_000_000;
    const end = Math.min(this.#windowTick, this.#tickMax);
    this.#lastTick = Math.min(this.#aheadTick, end);
    const begin = Math.max(this.#clockTick, this.#firstTick);
    if (this.#bugs?.has("follow-clock-back") && begin < this.tick) this.tick = begin - 1;
    if (begin > this.tick && begin <= this.#lastTick) this.#enter(begin, this.#start());
    const isOpen = this.#clockTick <= end && this.tick >= 0 && this.tick <= this.#lastTick;
    this.#sequenceEnd = isOpen ? this.#sequences : 0;
  }

  /** From a unit that is full to the next one. That begins at 0: who makes so many ids needs all of them. */
  #advance(): void {
    const isWrapping = this.#bugs?.has("wrap-sequence") && this.#sequenceEnd > 0;
    if (!isWrapping && (this.#sequenceEnd === 0 || this.tick >= this.#lastTick)) throw this.#refusal(1);
    this.#enter(isWrapping ? this.tick : this.tick + 1, 0);
  }

  #enter(tick: number, sequence: number): void {
    this.tick = tick;
    this.sequence = sequence;
  }

  #start(): number {
    const { sequenceStartBelow } = this.#layout;
    return sequenceStartBelow === 1 ? 0 : Math.floor((this.#random() / 2 ** 32) * sequenceStartBelow);
  }

  #refusal(count: number): IdError {
    const nowMillis = this.#nowMillis;
    const aheadTicks = Math.floor(this.#aheadMillisMax / this.#layout.unitMillis);
    const countMax = this.#sequences * (1 + aheadTicks) - (this.#layout.sequenceStartBelow - 1);
    if (count > countMax) return idFailure("BATCH_TOO_LARGE", { data: { count, countMax } });
    if (this.#clockTick > this.#tickMax) return idFailure("TIME_EXHAUSTED", { data: { nowMillis } });
    const [tick, left] = this.#position();
    const needed = tick + Math.max(0, Math.ceil((count - left) / this.#sequences));
    if (needed > this.#tickMax) return idFailure("TIME_EXHAUSTED", { data: { nowMillis } });
    if (Math.max(needed, this.#clockTick) > this.#windowTick) {
      const reservedUntilMillis = this.#beginningOf(this.#windowTick + 1);
      return idFailure("WINDOW_SPENT", { data: { nowMillis, reservedUntilMillis } });
    }
    const waitMillis = Math.ceil(this.#beginningOf(needed) - this.#aheadMillisMax - nowMillis);
    const data = { nowMillis, waitMillis };
    if (tick <= this.#aheadTick) return idFailure("UNIT_FULL", { data });
    return idFailure(this.#aheadTick < 0 && this.#firstTick === 0 ? "CLOCK_BEFORE_EPOCH" : "CLOCK_BEHIND", { data });
  }

  /** The unit of the next id, whether it may be given out or not, and how many the unit has left at least. */
  #position(): readonly [tick: number, left: number] {
    const begin = Math.max(this.#clockTick, this.#firstTick);
    if (begin <= this.tick) return [this.tick, this.#sequences - this.sequence];
    return [begin, this.#sequences - (this.#layout.sequenceStartBelow - 1)];
  }

  #beginningOf(tick: number): number {
    return this.#layout.epochMillis + tick * this.#layout.unitMillis;
  }

  /** The first unit that does not begin before a time. What one reservation ends with, the next one begins with. */
  #tickFrom(millis: number): number {
    return Math.ceil((millis - this.#layout.epochMillis) / this.#layout.unitMillis);
  }

  /** The last unit that begins before a time. */
  #tickBefore(millis: number): number {
    assert(!Number.isNaN(millis), "the end of a reservation is a time");
    if (this.#bugs?.has("ignore-window")) return Number.POSITIVE_INFINITY;
    return this.#tickFrom(millis) - (this.#bugs?.has("window-inclusive") ? 0 : 1);
  }
}
