import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY } from "../../std/bytes.ts";
import { EMPTY_CONFIGURATION } from "./configuration.ts";
import { Inflights } from "./inflights.ts";
import { RaftLog } from "./log.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { type Entry, EntryType } from "./messages.ts";
import { Unstable } from "./unstable.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

function entries(first: number, ...terms: readonly number[]): readonly Entry[] {
  return terms.map((term, at) => ({ term, index: first + at, type: EntryType.normal, data: new Uint8Array(8) }));
}

const indexes = (list: readonly Entry[]): readonly number[] => list.map(({ index }) => index);

describe("the unstable end of a log", () => {
  test("hands out each entry once", () => {
    const unstable = new Unstable(5);
    unstable.truncateAndAppend(entries(5, 1, 1));
    assert.deepEqual(indexes(unstable.nextEntries()), [5, 6]);
    unstable.acceptInProgress();
    assert.equal(unstable.hasNext, false);
    unstable.truncateAndAppend(entries(7, 1));
    assert.deepEqual(indexes(unstable.nextEntries()), [7]);
  });

  test("what replaces an entry that is being written is handed out again, and the late word on the first does not count", () => {
    const unstable = new Unstable(5);
    unstable.truncateAndAppend(entries(5, 1, 1, 1));
    unstable.acceptInProgress();
    unstable.truncateAndAppend(entries(6, 2));
    assert.deepEqual(indexes(unstable.nextEntries()), [6]);
    unstable.stableTo(7, 1);
    unstable.stableTo(6, 1);
    assert.equal(unstable.offset, 5);
    unstable.stableTo(5, 1);
    assert.equal(unstable.offset, 6);
    unstable.stableTo(6, 2);
    assert.equal(unstable.isEmpty, true);
  });

  test("a snapshot takes the place of all, until storage has it", () => {
    const unstable = new Unstable(5);
    unstable.truncateAndAppend(entries(5, 1));
    const snapshot = { index: 20, term: 3, configuration: EMPTY_CONFIGURATION, data: EMPTY };
    unstable.restore(snapshot);
    assert.deepEqual(
      [unstable.lastIndex, unstable.term(20), unstable.term(5), unstable.nextSnapshot],
      [20, 3, undefined, snapshot],
    );
    unstable.acceptInProgress();
    assert.equal(unstable.nextSnapshot, undefined);
    unstable.stableSnapshotTo(19);
    assert.equal(unstable.snapshot, snapshot);
    unstable.stableSnapshotTo(20);
    assert.equal(unstable.snapshot, undefined);
  });
});

describe("a log over stable storage and its unstable end", () => {
  const mixed = (): RaftLog => {
    const storage = new MemoryStorage();
    storage.applySnapshot({ index: 2, term: 1, configuration: EMPTY_CONFIGURATION, data: EMPTY });
    storage.append(entries(3, 1, 1));
    const log = new RaftLog(storage, NO_LIMIT);
    log.append(entries(5, 2, 2));
    return log;
  };

  test("reads across both, and cuts by bytes as if they were one", () => {
    // Each entry counts 20 bytes; the first is read however small the limit is.
    for (const [bytesMax, expected] of [
      [1, [3]],
      [40, [3, 4]],
      [59, [3, 4]],
      [60, [3, 4, 5]],
      [NO_LIMIT, [3, 4, 5, 6]],
    ] as const) {
      assert.deepEqual(indexes(mixed().slice(3, 7, bytesMax) as readonly Entry[]), expected);
    }
    assert.equal(mixed().slice(2, 7, NO_LIMIT), "compacted");
  });

  test("knows the terms from right before its first entry to its last", () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7].map((index) => mixed().term(index)),
      [undefined, 1, 1, 2, undefined],
    );
  });

  test("finds where a log with smaller terms can meet it", () => {
    const log = mixed();
    assert.deepEqual(log.findConflictByTerm(6, 1), { index: 4, term: 1 });
    assert.deepEqual(log.findConflictByTerm(6, 2), { index: 6, term: 2 });
    assert.deepEqual(log.findConflictByTerm(6, 0), { index: 1, term: 0 });
  });

  test("applies nothing that is not stable, where that is asked for", () => {
    const log = mixed();
    log.commitTo(6);
    assert.deepEqual(indexes(log.nextCommitted(false)), [3, 4]);
    assert.deepEqual(indexes(log.nextCommitted(true)), [3, 4, 5, 6]);
  });

  test("never replaces what is committed", () => {
    const log = mixed();
    log.commitTo(5);
    assert.throws(() => log.maybeAppend(4, 1, entries(5, 3), 5), /never replaced/);
    assert.throws(() => log.commitTo(9), /disk lost it/);
  });
});

describe("the window of appends in flight", () => {
  test("is full by count or by bytes, and frees all up to an index, also around its ring", () => {
    const byCount = new Inflights(3, NO_LIMIT);
    for (let index = 1; index <= 50; index++) {
      byCount.add(index * 10, 1);
      if (index % 3 !== 0) continue;
      assert.equal(byCount.isFull, true);
      byCount.freeTo(index * 10 - 11);
      assert.equal(byCount.count, 2);
      byCount.freeTo(index * 10);
    }
    const byBytes = new Inflights(1000, 100);
    for (let index = 1; !byBytes.isFull; index++) byBytes.add(index, 30);
    assert.equal(byBytes.count, 4);
    assert.throws(() => byBytes.add(9, 1));
    byBytes.reset();
    assert.equal(byBytes.isFull, false);
  });
});
