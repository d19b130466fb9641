// Deadlines of many calls on one timer. Each is late by up to a tick, and never early; most are taken back before.

import type { Clock, Timer, Timers } from "../../env/index.ts";

export interface Deadline {
  readonly millis: number;
  readonly passed: () => void;
}

const TICK_MILLIS = 50;

export class Deadlines {
  readonly #env: { readonly clock: Clock; readonly timers: Timers };
  readonly #open = new Set<Deadline>();
  #timer: Timer | undefined;

  constructor(env: { readonly clock: Clock; readonly timers: Timers }) {
    this.#env = env;
  }

  /** At a time of the monotonic clock. */
  add(deadline: Deadline): void {
    this.#open.add(deadline);
    this.#timer ??= this.#env.timers.after(TICK_MILLIS, () => this.#tick());
  }

  remove(deadline: Deadline): void {
    this.#open.delete(deadline);
  }

  /** All at once, whatever the time is. */
  passAll(): void {
    for (const deadline of [...this.#open]) if (this.#open.delete(deadline)) deadline.passed();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#open.clear();
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#env.clock.monotonic();
    for (const deadline of [...this.#open]) {
      if (deadline.millis > now || !this.#open.delete(deadline)) continue;
      deadline.passed();
    }
    if (this.#open.size > 0) this.#timer ??= this.#env.timers.after(TICK_MILLIS, () => this.#tick());
  }
}
