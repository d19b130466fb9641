import type { Clock, Timer, Timers } from "../../../env/index.ts";

export const NOW: number = Date.UTC(2026, 10, 21, 12, 0, 0);

interface Due {
  readonly atMillis: number;
  readonly run: () => void;
}

/** A clock and its timers, which stand until a test moves them. */
export class ManualTime implements Clock, Timers {
  #elapsedMillis = 0;
  readonly #due: Set<Due> = new Set();

  now(): number {
    return NOW + this.#elapsedMillis;
  }

  monotonic(): number {
    return this.#elapsedMillis;
  }

  get timers(): number {
    return this.#due.size;
  }

  after(delayMillis: number, run: () => void): Timer {
    const due: Due = { atMillis: this.#elapsedMillis + delayMillis, run };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  endOfTurn(run: () => void): void {
    setImmediate(run);
  }

  /** Moves on without running anything: what was due meanwhile is late. */
  jump(millis: number): void {
    this.#elapsedMillis += millis;
  }

  /** Runs what becomes due on the way, in its order, and lets what follows from each of it happen. */
  async advance(millis: number): Promise<void> {
    const end = this.#elapsedMillis + millis;
    for (;;) {
      const next = [...this.#due].filter(({ atMillis }) => atMillis <= end).sort((a, b) => a.atMillis - b.atMillis)[0];
      if (next === undefined) break;
      this.#due.delete(next);
      this.#elapsedMillis = Math.max(this.#elapsedMillis, next.atMillis);
      next.run();
      await settle();
    }
    this.#elapsedMillis = end;
    await settle();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}
