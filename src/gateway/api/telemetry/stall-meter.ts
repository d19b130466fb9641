import type { Clock, Timer, Timers } from "../../../env/index.ts";

const INTERVAL_MILLIS = 100;

/** How long turns of the event loop hold up others: a timer that is late shows it. */
export class StallMeter implements Disposable {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #timer: Timer | undefined;
  #dueMillis = 0;
  #longestMillis = 0;
  #totalMillis = 0;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#arm();
  }

  /** Since the start. */
  get totalMillis(): number {
    return this.#totalMillis;
  }

  /** The longest since the last call; one that lasts still counts. */
  take(): number {
    const longestMillis = Math.max(this.#longestMillis, this.#clock.monotonic() - this.#dueMillis);
    this.#longestMillis = 0;
    return Math.max(0, longestMillis);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#dueMillis = this.#clock.monotonic() + INTERVAL_MILLIS;
    this.#timer = this.#timers.after(INTERVAL_MILLIS, () => {
      const lateMillis = Math.max(0, this.#clock.monotonic() - this.#dueMillis);
      this.#longestMillis = Math.max(this.#longestMillis, lateMillis);
      this.#totalMillis += lateMillis;
      this.#arm();
    });
  }
}
