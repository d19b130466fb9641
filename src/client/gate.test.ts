import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Gate } from "./gate.ts";

const forever = new AbortController().signal;

describe("a gate", () => {
  test("lets so many in, and others in their order as those leave", async () => {
    const gate = new Gate(2, 10);
    assert.deepEqual([gate.tryEnter(), gate.tryEnter(), gate.tryEnter()], [true, true, false]);
    const order: number[] = [];
    const waiting = [1, 2, 3].map((number) => gate.enter(forever).then(() => order.push(number)));
    gate.leave();
    gate.leave();
    await Promise.all(waiting.slice(0, 2));
    assert.deepEqual([order, gate.tryEnter()], [[1, 2], false]);
    gate.leave();
    await waiting[2];
    gate.leave();
    assert.equal(gate.tryEnter(), true);
  });

  test("refuses who would be one too many to wait", async () => {
    const gate = new Gate(1, 1);
    assert.equal(gate.tryEnter(), true);
    const waiting = gate.enter(forever);
    await assert.rejects(gate.enter(forever), { code: "OVERLOADED" });
    gate.leave();
    await waiting;
  });

  test("forgets who gives up waiting", async () => {
    const gate = new Gate(1, 1);
    assert.equal(gate.tryEnter(), true);
    const leave = new AbortController();
    const waiting = assert.rejects(gate.enter(leave.signal), RangeError);
    leave.abort(new RangeError("enough"));
    await waiting;
    await assert.rejects(gate.enter(leave.signal), RangeError);
    gate.leave();
    assert.equal(gate.tryEnter(), true);
  });
});
