import type { Timers } from "../env/index.ts";

/** Resolves after a while, or at once where the signal is aborted meanwhile. */
export function pause(timers: Timers, millis: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = timers.after(millis, end);
    signal.addEventListener("abort", end);
  });
}
