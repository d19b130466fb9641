import type { Clock, Random, Timer, Timers } from "../../../env/index.ts";
import { Prng } from "../../../std/prng.ts";

/** Time that stands until a test moves it, and chance from a seed. */
export class ManualEnv {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  nowMillis: number;
  #monotonicMillis = 0;
  #waiting: { readonly atMillis: number; readonly run: () => void }[] = [];

  constructor(seed = 1, nowMillis: number = Date.UTC(2026, 0, 15, 12)) {
    const prng = new Prng(seed);
    this.nowMillis = nowMillis;
    this.clock = { now: () => this.nowMillis, monotonic: () => this.#monotonicMillis };
    this.random = { bytes: (length) => prng.bytes(length), u32: () => prng.u32() };
    this.timers = {
      after: (delayMillis, run) => this.#after(delayMillis, run),
      endOfTurn: (run) => queueMicrotask(run),
    };
  }

  get timersWaiting(): number {
    return this.#waiting.length;
  }

  /** Moves both clocks and runs what falls due, then lets promises settle. */
  async advance(millis: number): Promise<void> {
    this.nowMillis += millis;
    this.#monotonicMillis += millis;
    const due = this.#waiting.filter((each) => each.atMillis <= this.#monotonicMillis);
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    for (const each of due) each.run();
    await settle();
  }

  #after(delayMillis: number, run: () => void): Timer {
    const waiting = { atMillis: this.#monotonicMillis + delayMillis, run };
    this.#waiting.push(waiting);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
      },
    };
  }
}

/** Lets all promises settle that wait for nothing but other promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
