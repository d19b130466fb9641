import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY_CONFIGURATION, type Entry } from "../../core/raft/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import type { Log } from "../../log/index.ts";
import { toStored } from "../requests/entry.ts";
import { appendTo, openLog } from "../testing/open-log.ts";
import { CacheBudget } from "./cache-budget.ts";
import { GroupStorage } from "./group-storage.ts";

const GROUP = 7;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const made = (from: number, to: number, term: number, bytes = 8): Entry[] => {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    return { index: from + at, term, type: 0, data: new Uint8Array(bytes).fill(9) };
  });
};

async function fixture(bytesMax = 10_000) {
  const log = await openLog(new SimDisk().mount());
  const budget = new CacheBudget(bytesMax);
  let loads = 0;
  const failures: Error[] = [];
  const storageOf = (group: number): GroupStorage => {
    return new GroupStorage({
      ...{ log, group, configuration: EMPTY_CONFIGURATION, hardState: undefined, floor: () => 2, budget },
      snapshot: () => undefined,
      onLoaded: () => loads++,
      onFailed: (error) => failures.push(error),
    });
  };
  const append = async (storage: GroupStorage, group: number, entries: readonly Entry[]): Promise<void> => {
    const { index: firstIndex, term } = entries[0]!;
    if (firstIndex <= log.group(group).lastIndex)
      await appendTo(log, { kind: "truncateSuffix", group, fromIndex: firstIndex });
    await appendTo(log, { kind: "entries", group, firstIndex, term, entries: entries.map(toStored) });
    storage.appended(entries);
  };
  return { log: log as Log, budget, storageOf, append, loads: () => loads, failures };
}

const indexesOf = (read: readonly Entry[] | string): unknown => {
  return typeof read === "string" ? read : read.map(({ index }) => index);
};

describe("a group's entries", () => {
  test("come from memory while they are new, at least one and up to a limit", async () => {
    const { storageOf, append, loads } = await fixture();
    const storage = storageOf(GROUP);
    await append(storage, GROUP, made(1, 10, 1));
    assert.deepEqual(indexesOf(storage.entries(4, 8, 1_000)), [4, 5, 6, 7]);
    assert.deepEqual(indexesOf(storage.entries(4, 8, 40)), [4, 5]);
    assert.deepEqual(indexesOf(storage.entries(4, 8, 0)), [4]);
    assert.equal(loads(), 0);
  });

  test("before the floor are compacted: whoever lacks them takes a snapshot", async () => {
    const { storageOf, append } = await fixture();
    const storage = storageOf(GROUP);
    assert.deepEqual([storage.firstIndex, storage.lastIndex], [1, 0]);
    await append(storage, GROUP, made(1, 10, 1));
    assert.equal(storage.firstIndex, 3);
    assert.equal(storage.entries(2, 5, 1_000), "compacted");
    assert.equal(storage.term(0), 0);
    assert.equal(storage.term(11), undefined);
  });

  test("that are no longer in memory are fetched, and there when that is told", async () => {
    const { storageOf, append, loads } = await fixture(60);
    const storage = storageOf(GROUP);
    await append(storage, GROUP, made(1, 10, 1));
    assert.equal(storage.entries(3, 6, 1_000), "pending");
    assert.equal(storage.entries(3, 6, 1_000), "pending");
    await settled();
    assert.equal(loads(), 1);
    assert.deepEqual(indexesOf(storage.entries(3, 6, 1_000)), [3, 4, 5]);
    assert.deepEqual(indexesOf(storage.entries(5, 11, 1_000)), [5], "what was fetched, and no more");
  });

  test("that replace others take their place in memory, and the replaced ones are never shown again", async () => {
    for (const bytesMax of [10_000, 60]) {
      const { storageOf, append } = await fixture(bytesMax);
      const storage = storageOf(GROUP);
      await append(storage, GROUP, made(1, 10, 1));
      storage.entries(3, 9, 1_000);
      await settled();
      await append(storage, GROUP, made(5, 7, 2));
      for (let turn = 0; turn < 3; turn++) {
        const read = storage.entries(4, 8, 1_000);
        if (typeof read !== "string") for (const { index, term } of read) assert.equal(term, index < 5 ? 1 : 2);
        await settled();
      }
      assert.equal(storage.lastIndex, 7);
    }
  });

  test("that are replaced while they are fetched are not shown", async () => {
    const { storageOf, append, failures } = await fixture(30);
    const storage = storageOf(GROUP);
    await append(storage, GROUP, made(1, 10, 1));
    assert.equal(storage.entries(5, 9, 1_000), "pending");
    await append(storage, GROUP, made(4, 9, 2));
    await settled();
    const read = storage.entries(5, 8, 1_000);
    if (typeof read !== "string") for (const { term } of read) assert.equal(term, 2);
    assert.deepEqual(failures, []);
  });
});

describe("the memory of all groups", () => {
  test("has one limit, and what goes is given back", async () => {
    const { budget, storageOf, append } = await fixture(400);
    const [one, two] = [storageOf(1), storageOf(2)];
    await append(one, 1, made(1, 15, 1));
    assert.equal(budget.isExceeded, false);
    await append(two, 2, made(1, 15, 1));
    assert.equal(budget.isExceeded, false);
    assert.notEqual(one.entries(15, 16, 100), "pending");
    one.dropCache();
    two.dropCache();
    budget.add(400);
    assert.equal(budget.isExceeded, false, "nothing is counted any more");
    budget.add(1);
    assert.equal(budget.isExceeded, true);
  });

  test("keeps the newest entry of a group however large it is", async () => {
    const { storageOf, append } = await fixture(10);
    const storage = storageOf(GROUP);
    await append(storage, GROUP, made(1, 3, 1, 500));
    assert.deepEqual(indexesOf(storage.entries(3, 4, 1)), [3]);
  });
});
