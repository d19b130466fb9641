import type { Clock, Timer, Timers } from "../env.ts";
import type { SimProcess } from "./process.ts";
import type { SimScheduler } from "./scheduler.ts";

export interface SimClockOptions {
  /** Wall time at the start of the simulation. */
  readonly epochMillis: number;
  /** How much faster than virtual time this clock runs; negative: slower. */
  readonly driftPartsPerMillion: number;
}

export const SIM_CLOCK_DEFAULTS: SimClockOptions = { epochMillis: 1_700_000_000_000, driftPartsPerMillion: 0 };

/** The clock of one machine. It survives the machine's processes. */
export class SimClock implements Clock {
  readonly #scheduler: SimScheduler;
  #rate: number;
  /** What it counted when it last changed its pace, and when that was. */
  #countedMillis = 0;
  #sinceMillis = 0;
  #offsetMillis: number;

  constructor(scheduler: SimScheduler, options: Partial<SimClockOptions> = {}) {
    const { epochMillis, driftPartsPerMillion } = { ...SIM_CLOCK_DEFAULTS, ...options };
    this.#scheduler = scheduler;
    this.#rate = 1 + driftPartsPerMillion / 1e6;
    this.#offsetMillis = epochMillis;
  }

  now(): number {
    return Math.floor(this.#offsetMillis + this.monotonic());
  }

  monotonic(): number {
    return this.#countedMillis + (this.#scheduler.nowMillis - this.#sinceMillis) * this.#rate;
  }

  /** Somebody set the wall clock. */
  jump(millis: number): void {
    this.#offsetMillis += millis;
  }

  /** From now on it runs at another pace. Timers that were set before keep to the old one. */
  setDrift(driftPartsPerMillion: number): void {
    this.#countedMillis = this.monotonic();
    this.#sinceMillis = this.#scheduler.nowMillis;
    this.#rate = 1 + driftPartsPerMillion / 1e6;
  }

  /** How much virtual time passes while this clock counts so much. */
  toVirtual(millis: number): number {
    return millis / this.#rate;
  }
}

/** The timers of one process, on its machine's clock. */
export class SimTimers implements Timers {
  readonly #process: SimProcess;
  readonly #clock: SimClock;

  constructor(process: SimProcess, clock: SimClock) {
    this.#process = process;
    this.#clock = clock;
  }

  after(delayMillis: number, run: () => void): Timer {
    return this.#process.after(this.#clock.toVirtual(Math.max(0, delayMillis)), "timer", run);
  }

  endOfTurn(run: () => void): void {
    this.#process.after(0, "end of turn", run);
  }
}
