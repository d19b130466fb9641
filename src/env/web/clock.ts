import type { Clock } from "../env.ts";

export const webClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
