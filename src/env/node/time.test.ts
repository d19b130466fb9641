import { equal, notDeepEqual, ok } from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { timeConformance } from "../conformance/time-suite.ts";
import { nodeClock } from "./clock.ts";
import { NodeRandom } from "./random.ts";
import { nodeTimers } from "./timers.ts";

const DAY_MILLIS = 86_400_000;

describe("clock and timers of Node", () => {
  timeConformance(test, async () => ({
    clock: nodeClock,
    timers: nodeTimers,
    settle: (promise) => promise,
    async [Symbol.asyncDispose]() {},
  }));

  test("a timer may be months away, further than Node's own can count", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      let runs = 0;
      nodeTimers.after(60 * DAY_MILLIS, () => runs++);
      const cancelled = nodeTimers.after(60 * DAY_MILLIS, () => (runs += 100));
      for (let day = 0; day < 59; day++) mock.timers.tick(DAY_MILLIS);
      equal(runs, 0);
      cancelled.cancel();
      mock.timers.tick(2 * DAY_MILLIS);
      equal(runs, 1);
    } finally {
      mock.timers.reset();
    }
  });
});

describe("NodeRandom", () => {
  test("gives bytes of the asked length and numbers of 32 bits that do not repeat", () => {
    const random = new NodeRandom();
    equal(random.bytes(0).length, 0);
    equal(Object.getPrototypeOf(random.bytes(10)), Uint8Array.prototype);
    notDeepEqual(random.bytes(16), random.bytes(16));
    const numbers = Array.from({ length: 3_000 }, () => random.u32());
    ok(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32));
    ok(new Set(numbers).size > 2_990);
    ok(numbers.some((number) => number >= 2 ** 31));
  });
});
