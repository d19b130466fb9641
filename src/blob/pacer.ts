import type { Clock } from "../env/index.ts";
import type { Sleeper } from "./sleeper.ts";

/**
 * Keeps background work to a rate. A step may be larger than a second's worth: the next one waits until it is paid for.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #sleeper: Pick<Sleeper, "sleep">;
  readonly #bytesPerSecond: number;
  #paidMillis = 0;

  constructor(clock: Clock, sleeper: Pick<Sleeper, "sleep">, bytesPerSecond: number) {
    this.#clock = clock;
    this.#sleeper = sleeper;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when all that was let through before is within the rate. */
  async pace(bytes: number): Promise<void> {
    const nowMillis = this.#clock.monotonic();
    const waitMillis = this.#paidMillis - nowMillis;
    this.#paidMillis = Math.max(this.#paidMillis, nowMillis) + (bytes * 1000) / this.#bytesPerSecond;
    if (waitMillis > 1) await this.#sleeper.sleep(waitMillis);
  }
}
