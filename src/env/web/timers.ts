import type { Timers } from "../env.ts";
import { LongTimer } from "../long-timer.ts";

const { setImmediate: nextTurn } = globalThis as { setImmediate?: (run: () => void) => unknown };

/** Of a browser, and of whatever else has its globals. A page in the background is slowed down: its ticks come late. */
export const webTimers: Timers = {
  after: (delayMillis, run) => new LongTimer(delayMillis, run),
  endOfTurn: (run) => {
    if (nextTurn !== undefined) nextTurn(run);
    else postTurn(run);
  },
};

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
