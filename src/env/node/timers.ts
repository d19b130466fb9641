import type { Timer, Timers } from "../env.ts";
import { flushNow } from "./end-of-turn.ts";

/** setTimeout takes 31 bits; it would fire at once on more. */
const STEP_MILLIS_MAX = 0x7fff_ffff;

export const nodeTimers: Timers = {
  after: (delayMillis, run) => new NodeTimer(delayMillis, run),
  endOfTurn: (run) => {
    setImmediate(() => {
      run();
      flushNow();
    });
  },
};

class NodeTimer implements Timer {
  readonly #run: () => void;
  #restMillis: number;
  #handle: NodeJS.Timeout;

  constructor(delayMillis: number, run: () => void) {
    this.#run = run;
    this.#restMillis = delayMillis;
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(): NodeJS.Timeout {
    const stepMillis = Math.min(this.#restMillis, STEP_MILLIS_MAX);
    this.#restMillis -= stepMillis;
    return setTimeout(() => {
      if (this.#restMillis > 0) this.#handle = this.#arm();
      else this.#run();
    }, stepMillis);
  }
}
