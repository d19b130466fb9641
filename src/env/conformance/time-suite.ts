import { deepEqual, equal, ok } from "node:assert/strict";
import type { Clock, Timers } from "../env.ts";
import { type Case, registerCases, type Test } from "./case.ts";

export interface TimeFixture extends AsyncDisposable {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

export function timeConformance(test: Test, make: () => Promise<TimeFixture>): void {
  registerCases(test, CASES, make);
}

const CASES: readonly Case<TimeFixture>[] = [
  {
    name: "a timer runs once, not before its time by the monotonic clock",
    run: async ({ clock, timers, settle }) => {
      const start = clock.monotonic();
      let runs = 0;
      const first = new Promise<void>((resolve) => {
        timers.after(20, () => {
          runs++;
          resolve();
        });
      });
      await settle(first);
      // The clock is finer than the timer: a real one may fire within its last millisecond.
      ok(clock.monotonic() - start >= 19);
      await settle(new Promise<void>((resolve) => void timers.after(20, resolve)));
      equal(runs, 1);
    },
  },
  {
    name: "timers run in the order of their times, a cancelled one never",
    run: async ({ timers, settle }) => {
      const order: string[] = [];
      timers.after(30, () => order.push("30"));
      timers.after(1, () => order.push("1"));
      const cancelled = timers.after(15, () => order.push("cancelled"));
      const late = timers.after(5, () => {
        cancelled.cancel();
        cancelled.cancel();
      });
      await settle(new Promise<void>((resolve) => void timers.after(60, resolve)));
      late.cancel();
      deepEqual(order, ["1", "30"]);
    },
  },
  {
    name: "the end of the turn comes after what was done in it and before any timer",
    run: async ({ timers, settle }) => {
      const order: string[] = [];
      await settle(
        new Promise<void>((resolve) => {
          timers.after(5, () => {
            order.push("timer");
            resolve();
          });
          timers.endOfTurn(() => order.push("end of turn"));
          queueMicrotask(() => order.push("microtask"));
          order.push("now");
        }),
      );
      deepEqual(order, ["now", "microtask", "end of turn", "timer"]);
    },
  },
  {
    name: "wall time is in milliseconds since 1970, the monotonic clock never goes back",
    run: async ({ clock, timers, settle }) => {
      ok(Number.isInteger(clock.now()));
      ok(clock.now() > Date.UTC(2020));
      let last = clock.monotonic();
      for (let round = 0; round < 5; round++) {
        await settle(new Promise<void>((resolve) => void timers.after(1, resolve)));
        ok(clock.monotonic() >= last);
        last = clock.monotonic();
      }
    },
  },
];
