import { equal, notDeepEqual, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { timeConformance } from "../conformance/time-suite.ts";
import { WebRandom, webClock, webTimers } from "./index.ts";

describe("clock and timers of a browser", () => {
  timeConformance(test, async () => ({
    clock: webClock,
    timers: webTimers,
    settle: (promise) => promise,
    async [Symbol.asyncDispose]() {},
  }));
});

describe("WebRandom", () => {
  test("gives bytes of any length and numbers of 32 bits that do not repeat", () => {
    const random = new WebRandom();
    equal(random.bytes(0).length, 0);
    const many = random.bytes(150_000);
    equal(many.length, 150_000);
    ok(many.subarray(140_000).some((byte) => byte !== 0));
    notDeepEqual(random.bytes(16), random.bytes(16));
    const numbers = Array.from({ length: 1000 }, () => random.u32());
    ok(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32));
    ok(new Set(numbers).size > 990);
  });
});
