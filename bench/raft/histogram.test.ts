import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "./histogram.ts";

test("a quantile lies at most 6 % above the true one, from nanoseconds to minutes", () => {
  for (const scale of [0.0001, 0.01, 1, 250, 60_000]) {
    const histogram = new Histogram();
    for (let at = 1; at <= 1000; at++) histogram.record((at / 1000) * scale);
    for (const part of [0.5, 0.99]) {
      const found = histogram.quantileMillis(part);
      assert.ok(found >= part * scale, `${found} of ${scale}`);
      assert.ok(found <= (part * scale + scale / 1000) * (1 + 1 / 16), `${found} of ${scale}`);
    }
  }
});

test("what is shorter than the first step counts as that; nothing at all has no quantile", () => {
  const histogram = new Histogram();
  assert.equal(histogram.quantileMillis(0.5), 0);
  histogram.record(0);
  assert.equal(histogram.total, 1);
  assert.ok(histogram.quantileMillis(0.99) < 0.0001);
});
