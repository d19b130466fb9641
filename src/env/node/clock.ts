import type { Clock } from "../env.ts";

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
