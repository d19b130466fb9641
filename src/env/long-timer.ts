import type { Timer } from "./env.ts";

/** setTimeout takes 31 bits; it would fire at once on more. */
const STEP_MILLIS_MAX = 0x7fff_ffff;

/** A timer of the platform, Node or a browser, for delays of any length. */
export class LongTimer implements Timer {
  readonly #run: () => void;
  #restMillis: number;
  #handle: ReturnType<typeof setTimeout>;

  constructor(delayMillis: number, run: () => void) {
    this.#run = run;
    this.#restMillis = delayMillis;
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(): ReturnType<typeof setTimeout> {
    const stepMillis = Math.min(this.#restMillis, STEP_MILLIS_MAX);
    this.#restMillis -= stepMillis;
    return setTimeout(() => {
      if (this.#restMillis > 0) this.#handle = this.#arm();
      else this.#run();
    }, stepMillis);
  }
}
