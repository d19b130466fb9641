import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Proposals } from "./proposals.ts";

const LIFE = 9;
const TERM = 3;
const LIMITS = { waitingMax: 6, waitingBytesMax: 100, entryBytesMax: 30, timeoutTicks: 10, doubtTicks: 4 };
const bytes = (length: number): Uint8Array => new Uint8Array(length);

/** What became of a call, by the time that all promises have settled. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  const settled = call.then(
    (value) => value,
    (error) => error.code,
  );
  return Promise.race([settled, new Promise((resolve) => setImmediate(() => resolve("waits")))]);
}

function send(
  proposals: Proposals<number>,
  index = 0,
  tick = 0,
  term = TERM,
): { readonly life: number; readonly sequence: number } {
  const batch = proposals.nextBatch()!;
  batch.index = index;
  batch.term = term;
  proposals.sent(batch, tick);
  return batch;
}

describe("commands that wait", () => {
  test("are limited in number and in bytes, and a refused call has done nothing", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    void proposals.addAll([bytes(1), bytes(1), bytes(1), bytes(1), bytes(1)], 0);
    assert.throws(() => proposals.addAll([bytes(1), bytes(1)], 0), { code: "OVERLOADED" });
    assert.throws(() => proposals.add(bytes(96), 0), { code: "OVERLOADED" });
    void proposals.add(bytes(95), 0);
    assert.equal(proposals.waiting, 6);
  });

  test("make room once they are answered", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(100), 0);
    assert.throws(() => proposals.add(bytes(1), 0), { code: "OVERLOADED" });
    proposals.applied(send(proposals), [7]);
    assert.equal(await call, 7);
    void proposals.add(bytes(100), 0);
  });

  test("are cut into entries, none of them parted, one at least in each", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    for (const length of [5, 5, 40, 1]) void proposals.add(bytes(length), 0);
    void proposals.addAll([bytes(20), bytes(20)], 0);
    const cuts: number[][] = [];
    for (let batch = proposals.nextBatch(); batch !== undefined; batch = proposals.nextBatch()) {
      cuts.push(batch.commands.map(({ length }) => length));
    }
    assert.deepEqual(cuts, [[5, 5], [40], [1], [20, 20]]);
  });

  test("count in an entry with their length fields, so that empty ones do not make an endless entry", () => {
    const proposals = new Proposals<number>(LIFE, { ...LIMITS, waitingMax: 100 });
    for (let count = 0; count < 10; count++) void proposals.add(bytes(0), 0);
    assert.equal(proposals.nextBatch()!.commands.length, 3);
  });

  test("get each its own result", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [proposals.add(bytes(1), 0), proposals.addAll([bytes(1), bytes(1)], 0), proposals.addAll([], 0)];
    proposals.applied(send(proposals, 3), [10, 11, 12]);
    assert.deepEqual(await Promise.all(calls), [10, [11, 12], []]);
  });
});

describe("a batch of another node's leadership", () => {
  test("that is refused is sent again under a new name, and a late refusal of the old name does nothing", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    const first = send(proposals);
    proposals.refused(first, 1);
    const second = send(proposals, 0, 1);
    assert.notEqual(second.sequence, first.sequence);
    proposals.refused(first, 2);
    assert.equal(proposals.isQueued, false);
    proposals.applied(first, [1]);
    assert.equal(await outcome(call), "waits");
    proposals.applied(second, [2]);
    assert.equal(await call, 2);
  });

  test("that is refused goes before what came later", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    void proposals.add(bytes(1), 0);
    const first = send(proposals);
    void proposals.add(bytes(2), 0);
    proposals.refused(first, 0);
    assert.deepEqual(
      proposals.nextBatch()!.commands.map(({ length }) => length),
      [1, 2],
    );
  });

  test("is not sent for ever: refused after the time to wait it is NO_LEADER at once", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    for (let tick = 0; tick < 10; tick++) proposals.refused(send(proposals, 0, tick), tick);
    proposals.refused(send(proposals, 0, 10), 10);
    assert.equal(await outcome(call), "NO_LEADER");
  });

  test("without an answer has an unknown outcome, however late it is applied", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    const batch = send(proposals, 0, 8);
    proposals.expire(17, TERM);
    assert.equal(await outcome(call), "waits");
    proposals.expire(18, TERM);
    assert.equal(await outcome(call), "OUTCOME_UNKNOWN");
    proposals.applied(batch, [1]);
    proposals.refused(batch, 18);
    assert.equal(proposals.isQueued, false);
  });

  test("is sent again once an entry of a later term is applied: nobody can decide it any more", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [1, 2].map((length) => proposals.add(bytes(length), 0));
    const first = send(proposals, 0, 0, 3);
    proposals.settle(3);
    assert.equal(proposals.isQueued, false);
    proposals.settle(4);
    proposals.settle(4);
    assert.deepEqual(await Promise.all(calls.map(outcome)), ["waits", "waits"]);
    const second = send(proposals, 0, 1, 4);
    proposals.applied(first, [1, 1]);
    proposals.applied(second, [7, 8]);
    assert.deepEqual(await Promise.all(calls), [7, 8]);
  });

  test("that a snapshot may hold is not sent again, whether its leader's term is over or not", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [3, 4].map((term) => {
      const call = proposals.add(bytes(1), 0);
      send(proposals, 0, 0, term);
      return call;
    });
    proposals.skippedTo(5, 4);
    assert.deepEqual(await Promise.all(calls.map(outcome)), ["OUTCOME_UNKNOWN", "waits"]);
    proposals.settle(5);
    assert.equal(await outcome(calls[1]!), "OUTCOME_UNKNOWN");
    assert.equal(proposals.isQueued, false);
  });

  test("has an unknown outcome soon after its leader's connection broke, if that one leads on", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    send(proposals, 0, 0);
    proposals.doubt(1);
    proposals.doubt(3);
    proposals.expire(4, TERM);
    assert.equal(await outcome(call), "waits");
    proposals.expire(5, TERM);
    assert.equal(await outcome(call), "OUTCOME_UNKNOWN");
    assert.equal(proposals.waiting, 0);
  });

  test("waits on behind a broken connection while nobody leads, or another one: its first entry tells", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    send(proposals, 0, 0);
    proposals.doubt(1);
    proposals.expire(8, 0);
    proposals.expire(9, TERM + 1);
    assert.equal(await outcome(call), "waits");
    proposals.settle(TERM + 1);
    assert.equal(proposals.isQueued, true);
  });

  test("that was answered is doubted no more, nor is what was sent after the break", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    const batch = send(proposals, 0, 0);
    proposals.doubt(1);
    proposals.applied(batch, [7]);
    const later = proposals.add(bytes(1), 2);
    send(proposals, 0, 2);
    proposals.expire(6, TERM);
    assert.deepEqual([await call, await outcome(later)], [7, "waits"]);
  });

  test("of another life of this node is nobody's here", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    const { sequence } = send(proposals);
    proposals.applied({ life: LIFE + 1, sequence }, [1]);
    proposals.refused({ life: LIFE + 1, sequence }, 0);
    assert.equal(await outcome(call), "waits");
  });
});

describe("a batch in this node's log", () => {
  test("that was overwritten is proposed again, before the others and in its order", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    for (const [at, length] of [1, 2, 3].entries()) {
      void proposals.add(bytes(length), 0);
      send(proposals, 5 + at);
    }
    void proposals.add(bytes(4), 0);
    proposals.appliedTo(6);
    assert.deepEqual(
      proposals.nextBatch()!.commands.map(({ length }) => length),
      [1, 2],
    );
  });

  test("behind the first entry of a later term is proposed again before its index is reached", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    void proposals.add(bytes(1), 0);
    send(proposals, 9, 0, 3);
    proposals.appliedTo(5);
    proposals.settle(4);
    assert.equal(proposals.nextBatch()!.commands.length, 1);
    proposals.appliedTo(9);
    assert.equal(proposals.isQueued, false);
  });

  test("can not be refused by another node: it may be committed yet", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const call = proposals.add(bytes(1), 0);
    proposals.refused(send(proposals, 5), 0);
    assert.equal(await outcome(call), "waits");
    assert.equal(proposals.isQueued, false);
  });

  test("that was applied is not proposed again", () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    void proposals.add(bytes(1), 0);
    proposals.applied(send(proposals, 5), [1]);
    proposals.appliedTo(5);
    assert.equal(proposals.isQueued, false);
  });

  test("that a snapshot may hold has an unknown outcome; one behind it waits on", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [5, 6].map((index) => {
      const call = proposals.add(bytes(1), 0);
      send(proposals, index);
      return call;
    });
    proposals.skippedTo(5, TERM);
    proposals.appliedTo(5);
    assert.equal(await outcome(calls[0]!), "OUTCOME_UNKNOWN");
    assert.equal(await outcome(calls[1]!), "waits");
  });
});

describe("the end", () => {
  test("a command that was never sent was not written", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [proposals.add(bytes(1), 0), proposals.add(bytes(1), 5)];
    proposals.expire(10, TERM);
    assert.deepEqual(await Promise.all(calls.map(outcome)), ["NO_LEADER", "waits"]);
  });

  test("stops what is queued and what is sent, and everybody who waits for idleness goes on", async () => {
    const proposals = new Proposals<number>(LIFE, LIMITS);
    const calls = [proposals.add(bytes(1), 0)];
    send(proposals, 5);
    calls.push(proposals.add(bytes(1), 0));
    const idles = [proposals.idle(), proposals.idle()];
    proposals.stop(new Error("the reason"));
    for (const call of calls) await assert.rejects(call, { code: "STOPPED" });
    await Promise.all(idles);
    assert.equal(proposals.waiting, 0);
    await proposals.idle();
  });
});
