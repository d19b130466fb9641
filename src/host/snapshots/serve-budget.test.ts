import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServeBudget } from "./serve-budget.ts";

describe("the bytes of snapshots in a tick", () => {
  test("end with it, the last piece going beyond them, and begin anew with the next", () => {
    const budget = new ServeBudget(10);
    assert.deepEqual([budget.take(6), budget.take(6), budget.take(6)], [true, true, false]);
    budget.tick();
    assert.equal(budget.take(6), true);
  });
});
