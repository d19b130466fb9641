import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk, SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import type { SnapshotPiece } from "../transport/frame.ts";
import { PIECE_BYTES, SnapshotPull } from "./snapshot-pull.ts";

const NAME = "raft/7/incoming";
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function pieceAt(whole: Uint8Array, offset: number): SnapshotPiece {
  const bytes = whole.subarray(offset, offset + PIECE_BYTES);
  return { group: 7, index: 9, term: 2, offset, bytesTotal: whole.length, bytes };
}

function fixture(simDisk = new SimDisk()) {
  const disk = simDisk.mount();
  const requests: number[] = [];
  const ends: unknown[] = [];
  const start = (): SnapshotPull => {
    return new SnapshotPull({
      ...{ disk, name: NAME, snapshot: { index: 9, term: 2 }, from: 1, retryTicks: 2 },
      request: (offset) => requests.push(offset),
      done: () => ends.push("done"),
      failed: (error) => ends.push(error ?? "failed"),
    });
  };
  /** Answers all that is asked, until nothing is. */
  const serve = async (pull: SnapshotPull, whole: Uint8Array): Promise<void> => {
    await settled();
    while (requests.length > 0) {
      for (const offset of requests.splice(0)) pull.take(pieceAt(whole, offset));
      await settled();
    }
  };
  const stored = async (): Promise<Uint8Array> => {
    const file = await disk.open(NAME, "read");
    const bytes = await file.read(0, await file.length());
    await file.close();
    return bytes;
  };
  return { disk, requests, ends, start, serve, stored };
}

describe("a snapshot that is fetched", () => {
  for (const length of [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 4 * PIECE_BYTES, 9 * PIECE_BYTES + 7]) {
    test(`of ${length} bytes comes whole`, async () => {
      const { start, serve, stored, ends } = fixture();
      const whole = deterministicBytes(1, length);
      await serve(start(), whole);
      assert.deepEqual(ends, ["done"]);
      assert.ok(Buffer.from(whole).equals(await stored()));
    });
  }

  test("comes whole without a wait where its pieces come in another order", async () => {
    const { start, stored, requests, ends } = fixture();
    const whole = deterministicBytes(1, 9 * PIECE_BYTES + 7);
    const pull = start();
    await settled();
    while (requests.length > 0) {
      for (const offset of requests.splice(0).reverse()) pull.take(pieceAt(whole, offset));
      await settled();
    }
    assert.deepEqual(ends, ["done"]);
    assert.ok(Buffer.from(whole).equals(await stored()));
  });

  test("has a few pieces on their way, and a lost one is asked for again", async () => {
    const { start, serve, stored, requests, ends } = fixture();
    const whole = deterministicBytes(1, 6 * PIECE_BYTES);
    const pull = start();
    await settled();
    assert.deepEqual(
      requests.splice(0),
      [0, 1, 2, 3].map((at) => at * PIECE_BYTES),
    );
    for (const at of [0, 2, 3]) pull.take(pieceAt(whole, at * PIECE_BYTES));
    await settled();
    assert.deepEqual(requests.splice(0), [4 * PIECE_BYTES]);
    pull.tick();
    assert.deepEqual(requests, []);
    pull.tick();
    assert.deepEqual(
      requests,
      [1, 4].map((at) => at * PIECE_BYTES),
    );
    await serve(pull, whole);
    assert.deepEqual(ends, ["done"]);
    assert.ok(Buffer.from(whole).equals(await stored()));
  });

  test("goes on after a break from where it was", async () => {
    const { start, serve, stored, requests, ends } = fixture();
    const whole = deterministicBytes(1, 6 * PIECE_BYTES + 1);
    const first = start();
    await settled();
    for (const at of [0, 1, 2]) first.take(pieceAt(whole, at * PIECE_BYTES));
    await settled();
    await first.end();
    requests.length = 0;
    const second = start();
    await settled();
    assert.equal(requests[0], 2 * PIECE_BYTES);
    await serve(second, whole);
    assert.deepEqual(ends, ["done"]);
    assert.ok(Buffer.from(whole).equals(await stored()));
  });

  test("does not overtake the disk: the window opens as pieces are written", async () => {
    const scheduler = new SimScheduler();
    const machine = new SimMachine({ seed: 1, scheduler, disk: { delayMillis: [50, 50] } });
    const requests: number[] = [];
    const pull = new SnapshotPull({
      ...{ disk: machine.env.disk, name: NAME, snapshot: { index: 9, term: 2 }, from: 1, retryTicks: 1000 },
      request: (offset) => requests.push(offset),
      done: () => {},
      failed: () => {},
    });
    await scheduler.run(1000);
    const whole = deterministicBytes(1, 40 * PIECE_BYTES);
    for (let at = 0; at < requests.length && at < 40; at++) pull.take(pieceAt(whole, requests[at]!));
    assert.equal(requests.length, 4);
    const ending = pull.end();
    await scheduler.settle(ending);
  });

  test("is given up and thrown away where its sender has none of it", async () => {
    const { disk, start, ends } = fixture();
    const pull = start();
    await settled();
    pull.take({ ...pieceAt(deterministicBytes(1, 10), 0), bytesTotal: 0, bytes: EMPTY });
    await settled();
    assert.deepEqual(ends, ["failed"]);
    assert.deepEqual(await disk.list("raft/7"), []);
  });

  for (const pieces of [2, 4]) {
    test(`is begun anew where another sender's file has ${pieces} pieces and more are here`, async () => {
      const { disk, start, serve, requests, ends } = fixture();
      const first = start();
      await settled();
      for (let at = 0; at < 5; at++) {
        first.take(pieceAt(deterministicBytes(1, 9 * PIECE_BYTES), at * PIECE_BYTES));
        await settled();
      }
      await first.end();
      requests.length = 0;
      const whole = deterministicBytes(2, pieces * PIECE_BYTES);
      await serve(start(), whole);
      assert.deepEqual(ends, ["failed"]);
      assert.deepEqual(await disk.list("raft/7"), []);
      requests.length = 0;
      await serve(start(), whole);
      assert.deepEqual(ends, ["failed", "done"]);
    });
  }

  test("passes over pieces of another snapshot, out of order, beyond its end, and behind its own", async () => {
    const { start, serve, stored, requests, ends } = fixture();
    const whole = deterministicBytes(1, PIECE_BYTES + 5);
    const pull = start();
    pull.take(pieceAt(whole, 0));
    await settled();
    const first = pieceAt(whole, 0);
    pull.take({ ...first, index: 8 });
    pull.take({ ...first, term: 3 });
    pull.take(pieceAt(whole, PIECE_BYTES));
    pull.take({ ...first, bytesTotal: 5 });
    assert.deepEqual(ends, []);
    assert.equal(requests[0], 0);
    await serve(pull, whole);
    assert.deepEqual(ends, ["done"]);
    pull.take(first);
    pull.tick();
    await settled();
    assert.ok(Buffer.from(whole).equals(await stored()));
  });

  test("fails with the disk, once", async () => {
    const simDisk = new SimDisk();
    const { start, serve, ends } = fixture(simDisk);
    simDisk.failNext("write", NAME);
    await serve(start(), deterministicBytes(1, 3 * PIECE_BYTES));
    assert.equal(ends.length, 1);
    assert.ok(hasCode(ends[0], "DISK_FAILED"));
  });
});
