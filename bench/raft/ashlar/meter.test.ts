import assert from "node:assert/strict";
import { test } from "node:test";
import { Starts } from "./meter.ts";

test("starts come back in the order in which they went in, around the end of the window", () => {
  const starts = new Starts(3);
  let [next, expected] = [0, 0];
  for (const count of [3, 1, 2, 3, 2]) {
    while (starts.count > 3 - count) assert.equal(starts.shift(), expected++);
    for (let at = 0; at < count; at++) starts.push(next++);
    assert.ok(starts.count <= 3);
  }
  while (starts.count > 0) assert.equal(starts.shift(), expected++);
  assert.equal(expected, next);
});
