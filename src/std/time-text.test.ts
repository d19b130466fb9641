import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { httpDate, isoTime } from "./time-text.ts";

test("times read as Date writes them, in whatever order they come", () => {
  const from = Date.UTC(0, 0, 1);
  const times = fc.array(fc.integer({ min: from, max: Date.UTC(9999, 11, 31) }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(times, (list) => {
      for (const millis of list) {
        assert.equal(isoTime(millis), new Date(millis).toISOString());
        assert.equal(httpDate(millis), new Date(millis).toUTCString());
      }
    }),
    { numRuns: 2000 },
  );
});

test("the ends of days, seconds and milliseconds are right", () => {
  const midnight = Date.UTC(2026, 10, 21);
  for (const millis of [midnight - 1, midnight, midnight + 999, midnight + 1000, midnight + 86_399_999, 0, -1]) {
    assert.equal(isoTime(millis), new Date(millis).toISOString());
    assert.equal(httpDate(millis), new Date(millis).toUTCString());
  }
});
