import type { Timers } from "../env/index.ts";

/** Pauses that end at once when the node stops, so that closing never waits for them. */
export class Sleeper {
  readonly #timers: Timers;
  readonly #sleeping = new Set<() => void>();
  #awake = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  sleep(delayMillis: number): Promise<void> {
    if (this.#awake) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#sleeping.delete(wake);
        resolve();
      };
      const timer = this.#timers.after(delayMillis, wake);
      this.#sleeping.add(wake);
    });
  }

  /** From now on nobody sleeps. */
  wakeAll(): void {
    this.#awake = true;
    for (const wake of [...this.#sleeping]) wake();
  }
}
