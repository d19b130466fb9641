import type { Timers } from "../env.ts";
import { LongTimer } from "../long-timer.ts";
import { flushNow } from "./end-of-turn.ts";

export const nodeTimers: Timers = {
  after: (delayMillis, run) => new LongTimer(delayMillis, run),
  endOfTurn: (run) => {
    setImmediate(() => {
      run();
      flushNow();
    });
  },
};
