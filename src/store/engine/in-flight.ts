import { Slots } from "../replicated/slots.ts";

/** Work that is on its way to an engine: a bounded number at a time, and who closes can wait for its end. */
export class InFlight {
  readonly #slots: Slots;
  #count = 0;
  #whenIdle: (() => void)[] = [];

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#slots = new Slots(limits);
  }

  /** Rejects with OVERLOADED where too much waits. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      await this.#slots.enter();
      try {
        return await work();
      } finally {
        this.#slots.leave();
      }
    } finally {
      this.#count--;
      if (this.#count === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    }
  }

  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }
}
