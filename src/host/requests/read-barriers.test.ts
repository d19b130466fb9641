import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ReadBarriers } from "./read-barriers.ts";

const LIMITS = { waitingMax: 3, retryTicks: 3, timeoutTicks: 10 };

async function outcome(call: Promise<unknown>): Promise<string> {
  const settled = call.then(
    () => "goes on",
    (error) => error.code as string,
  );
  return Promise.race([settled, new Promise<string>((resolve) => setImmediate(() => resolve("waits")))]);
}

describe("reads", () => {
  test("of one turn share one question, and go on when its index is applied", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const calls = [reads.add(0), reads.add(0)];
    const question = reads.ask(0);
    assert.equal(reads.isWaiting, false);
    reads.answered(question, 7, 6);
    assert.deepEqual(await Promise.all(calls.map(outcome)), ["waits", "waits"]);
    reads.appliedTo(6);
    assert.equal(await outcome(calls[0]!), "waits");
    reads.appliedTo(7);
    await Promise.all(calls);
  });

  test("go on at once where the index was applied before its answer came", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const call = reads.add(0);
    reads.answered(reads.ask(0), 7, 7);
    await call;
  });

  test("that came behind a question are not served by its answer", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const early = reads.add(0);
    const question = reads.ask(0);
    const late = reads.add(0);
    reads.answered(question, 1, 1);
    assert.deepEqual([await outcome(early), await outcome(late)], ["goes on", "waits"]);
  });

  test("are asked for again without an answer, and a late answer to the first question is passed over", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const call = reads.add(0);
    const first = reads.ask(0);
    reads.expire(2);
    assert.equal(reads.isWaiting, false);
    reads.expire(3);
    assert.equal(reads.isWaiting, true);
    const second = reads.ask(3);
    reads.answered(first, 1, 1);
    assert.equal(await outcome(call), "waits");
    reads.answered(second, 1, 1);
    await call;
  });

  test("of an earlier life are nobody's here", async () => {
    const before = new ReadBarriers(1, LIMITS);
    void before.add(0);
    const reads = new ReadBarriers(2, LIMITS);
    const call = reads.add(0);
    reads.ask(0);
    reads.answered(before.ask(0), 1, 1);
    assert.equal(await outcome(call), "waits");
  });

  test("are limited, and make room when they have gone on", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const calls = [reads.add(0), reads.add(0), reads.add(0)];
    assert.throws(() => reads.add(0), { code: "OVERLOADED" });
    reads.answered(reads.ask(0), 1, 1);
    await Promise.all(calls);
    void reads.add(0);
  });

  test("that nobody answers are refused in the end", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const call = reads.add(0);
    for (let tick = 0; tick < 10; tick++) {
      reads.expire(tick);
      if (reads.isWaiting) reads.ask(tick);
    }
    assert.equal(await outcome(call), "waits");
    for (let tick = 10; tick < 13; tick++) reads.expire(tick);
    assert.equal(await outcome(call), "NO_LEADER");
    assert.equal(reads.isWaiting, false);
  });

  test("that are answered with an index which never comes are refused in the end", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const call = reads.add(0);
    reads.answered(reads.ask(0), 100, 1);
    reads.expire(9);
    assert.equal(await outcome(call), "waits");
    reads.expire(10);
    assert.equal(await outcome(call), "NO_LEADER");
    for (let count = 0; count < LIMITS.waitingMax; count++) void reads.add(10);
  });

  test("end with their group, wherever they are", async () => {
    const reads = new ReadBarriers(1, LIMITS);
    const calls = [reads.add(0)];
    reads.answered(reads.ask(0), 9, 1);
    calls.push(reads.add(0));
    reads.ask(0);
    calls.push(reads.add(0));
    reads.stop();
    assert.deepEqual(await Promise.all(calls.map(outcome)), ["STOPPED", "STOPPED", "STOPPED"]);
  });
});
