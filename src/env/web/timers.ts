import type { Timer, Timers } from "../env.ts";

/** setTimeout takes 31 bits; it would fire at once on more. */
const STEP_MILLIS_MAX = 0x7fff_ffff;

const { setImmediate: nextTurn } = globalThis as { setImmediate?: (run: () => void) => unknown };

/** Of a browser, and of whatever else has its globals. A page in the background is slowed down: its ticks come late. */
export const webTimers: Timers = {
  after: (delayMillis, run) => new WebTimer(delayMillis, run),
  endOfTurn: (run) => {
    if (nextTurn !== undefined) nextTurn(run);
    else postTurn(run);
  },
};

class WebTimer implements Timer {
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

const waiting: (() => void)[] = [];
let channel: InstanceType<typeof MessageChannel> | undefined;

/** A browser's shortest timer waits for milliseconds; a message to oneself is next in turn. */
function postTurn(run: () => void): void {
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.addEventListener("message", () => waiting.shift()?.());
    channel.port1.start();
  }
  waiting.push(run);
  channel.port2.postMessage(undefined);
}
