import { deepEqual, equal, rejects } from "node:assert/strict";
import { compareBytes, EMPTY, toHex, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import type { Index, Indexes, IndexRange, IndexRow } from "../env.ts";
import { INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX } from "../index-limits.ts";
import { type Case, registerCases, type Test } from "./case.ts";

export interface IndexFixture extends AsyncDisposable {
  readonly indexes: Indexes;
}

export function indexConformance(test: Test, make: () => Promise<IndexFixture>): void {
  registerCases(test, [...ROW_CASES, ...SCAN_CASES, ...SNAPSHOT_CASES, ...LIFE_CASES], make);
}

const ROW_CASES: readonly Case<IndexFixture>[] = [
  {
    name: "a write is visible at once, before the turn ends",
    run: withIndex(async (index) => {
      equal(index.get(utf8("a")), undefined);
      put(index, ["a", "1"]);
      equal(read(index, "a"), "1");
      put(index, ["a", "2"], ["b", "3"]);
      equal(read(index, "a"), "2");
      equal(read(index, "b"), "3");
      remove(index, "a");
      equal(read(index, "a"), undefined);
      await turn();
      equal(read(index, "b"), "3");
      put(index, ["b", "4"]);
      equal(read(index, "b"), "4");
    }),
  },
  {
    name: "deletes of a batch come before its puts, and a missing key is deleted without complaint",
    run: withIndex(async (index) => {
      put(index, ["a", "1"]);
      index.write({ puts: [row("a", "2")], deletes: [utf8("a"), utf8("missing")] });
      equal(read(index, "a"), "2");
    }),
  },
  {
    name: "the last of two puts of one key in a batch wins",
    run: withIndex(async (index) => {
      put(index, ["a", "1"], ["a", "2"]);
      equal(read(index, "a"), "2");
      equal(index.scan({ limit: 10 }).length, 1);
    }),
  },
  {
    name: "an empty batch changes nothing",
    run: withIndex(async (index) => {
      index.write({ puts: [], deletes: [] });
      deepEqual(index.scan({ limit: 10 }), []);
    }),
  },
  {
    name: "the caller may reuse what it wrote and owns what it read",
    run: withIndex(async (index) => {
      const key = utf8("key");
      for (const length of [1, 64, 65, 3_000, 6_000, 100_000]) {
        const value = new Uint8Array(length).fill(7);
        index.write({ puts: [{ key, value }], deletes: [] });
        value.fill(9);
        const first = index.get(key)!;
        const second = index.get(key)!;
        const scanned = index.scan({ limit: 1 })[0]!;
        first.fill(1);
        deepEqual(second, new Uint8Array(length).fill(7));
        deepEqual(scanned.value, new Uint8Array(length).fill(7));
        second.fill(2);
        scanned.key.fill(3);
        deepEqual(index.get(key), new Uint8Array(length).fill(7));
      }
      key.fill(1);
      equal(index.get(utf8("key"))?.length, 100_000);
    }),
  },
  {
    name: "values of every size come back as they were",
    run: withIndex(async (index) => {
      const random = new Prng(1);
      const lengths = [
        0,
        1,
        63,
        64,
        65,
        2_000,
        2_047,
        4_095,
        4_096,
        4_097,
        5_120,
        5_121,
        70_000,
        INDEX_VALUE_BYTES_MAX,
      ];
      for (const length of lengths) {
        const value = length < 100_000 ? random.bytes(length) : new Uint8Array(length).fill(0xa5);
        const key = utf8(`length ${length}`);
        index.write({ puts: [{ key, value }], deletes: [] });
        equal(compareBytes(index.get(key)!, value), 0);
        const scanned = index.scan({ from: key, limit: 1 })[0]!;
        equal(compareBytes(scanned.value, value), 0);
      }
    }),
  },
  {
    name: "keys are any bytes up to the limit, and similar ones are told apart",
    run: withIndex(async (index) => {
      const long = new Uint8Array(INDEX_KEY_BYTES_MAX).fill(0xff);
      const keys = [[0], [0, 0], [0, 1], [1], [0x7f], [0x80], [0xff], [0xff, 0], [0xff, 0xff], [...long]].map((bytes) =>
        Uint8Array.from(bytes),
      );
      index.write({ puts: keys.map((key, at) => ({ key, value: Uint8Array.of(at) })), deletes: [] });
      keys.forEach((key, at) => {
        deepEqual([...index.get(key)!], [at]);
      });
      deepEqual(hexKeys(index.scan({ limit: 100 })), keys.map(toHex));
      deepEqual(hexKeys(index.scan({ limit: 100, reverse: true })), keys.map(toHex).reverse());
      deepEqual(hexKeys(index.scan({ from: long, limit: 100 })), [toHex(long)]);
      deepEqual(hexKeys(index.scan({ to: long, limit: 1, reverse: true })), ["ffff"]);
    }),
  },
  {
    name: "an empty or too long key and a too long value are refused as bugs, with their whole batch",
    run: withIndex(async (index) => {
      const bad: IndexRow[] = [
        { key: EMPTY, value: EMPTY },
        { key: new Uint8Array(INDEX_KEY_BYTES_MAX + 1), value: EMPTY },
        { key: utf8("k"), value: new Uint8Array(INDEX_VALUE_BYTES_MAX + 1) },
      ];
      for (const wrong of bad) {
        await rejects(async () => index.write({ puts: [row("fine", "1"), wrong], deletes: [] }), {
          name: "AssertionError",
        });
      }
      deepEqual(index.scan({ limit: 10 }), []);
    }),
  },
];

const SCAN_CASES: readonly Case<IndexFixture>[] = [
  {
    name: "a scan takes from <= key < to in order, against it, and no more than the limit",
    run: withIndex(async (index) => {
      put(index, ["b", "2"], ["d", "4"], ["a", "1"], ["c", "3"]);
      deepEqual(keysOf(index, { limit: 10 }), ["a", "b", "c", "d"]);
      deepEqual(keysOf(index, { limit: 2 }), ["a", "b"]);
      deepEqual(keysOf(index, { limit: 0 }), []);
      deepEqual(keysOf(index, { from: utf8("b"), to: utf8("d"), limit: 10 }), ["b", "c"]);
      deepEqual(keysOf(index, { from: utf8("b"), to: utf8("d"), limit: 10, reverse: true }), ["c", "b"]);
      deepEqual(keysOf(index, { to: utf8("c"), limit: 10, reverse: true }), ["b", "a"]);
      deepEqual(keysOf(index, { from: utf8("bb"), limit: 10, reverse: true }), ["d", "c"]);
      deepEqual(keysOf(index, { limit: 1, reverse: true }), ["d"]);
    }),
  },
  {
    name: "a range without keys, an empty one and one the wrong way round give nothing",
    run: withIndex(async (index) => {
      const ranges: IndexRange[] = [
        { from: utf8("b"), to: utf8("b"), limit: 10 },
        { from: utf8("c"), to: utf8("b"), limit: 10 },
        { from: utf8("x"), limit: 10 },
        { to: utf8("0"), limit: 10 },
        { to: EMPTY, limit: 10 },
      ];
      for (const round of ["no rows yet", "with rows"]) {
        for (const range of ranges) {
          deepEqual(index.scan(range), [], round);
          deepEqual(index.scan({ ...range, reverse: true }), [], round);
        }
        put(index, ["a", "1"], ["b", "2"], ["c", "3"]);
      }
      deepEqual(keysOf(index, { from: EMPTY, limit: 1 }), ["a"]);
    }),
  },
  {
    name: "random batches agree with a sorted list, in gets and in scans both ways",
    run: withIndex(async (index) => {
      const random = new Prng(20);
      const model = new Map<string, string>();
      for (let round = 0; round < 60; round++) {
        const puts: IndexRow[] = [];
        const deletes: Uint8Array[] = [];
        for (let change = random.below(60); change > 0; change--) {
          const key = randomKey(random);
          if (random.chance(0.4)) deletes.push(key);
          else puts.push({ key, value: random.bytes(random.below(400)) });
        }
        index.write({ puts, deletes });
        for (const key of deletes) model.delete(toHex(key));
        for (const { key, value } of puts) model.set(toHex(key), toHex(value));
        checkAgainst(model, index, random);
      }
    }),
  },
];

const SNAPSHOT_CASES: readonly Case<IndexFixture>[] = [
  {
    name: "a snapshot knows how many rows it holds, be they few or many",
    run: withIndex(async (index) => {
      const counts = [0, 1, 500, 499].map((rows) => {
        const puts = Array.from({ length: rows }, (_, at) => ({ key: utf8(`row ${at}`), value: utf8("v") }));
        index.write({ puts, deletes: rows === 499 ? [utf8("row 499")] : [] });
        const snapshot = index.snapshot();
        const { rowCount } = snapshot;
        equal(snapshot.scan({ limit: 1000 }).length, rowCount);
        snapshot.close();
        return rowCount;
      });
      deepEqual(counts, [0, 1, 500, 499]);
    }),
  },
  {
    name: "a snapshot stays as it was while writes go on, over turns",
    run: withIndex(async (index) => {
      put(index, ["a", "1"], ["b", "2"], ["c", "3"]);
      const before = index.snapshot();
      put(index, ["a", "changed"], ["d", "4"]);
      remove(index, "b");
      const between = index.snapshot();
      await turn();
      put(index, ["e", "5"]);
      for (let round = 0; round < 3; round++) {
        deepEqual(texts(before.scan({ limit: 10 })), ["a=1", "b=2", "c=3"]);
        deepEqual(texts(between.scan({ limit: 10 })), ["a=changed", "c=3", "d=4"]);
        deepEqual(texts(before.scan({ from: utf8("b"), limit: 1, reverse: true })), ["c=3"]);
        deepEqual(texts(index.scan({ limit: 10 })), ["a=changed", "c=3", "d=4", "e=5"]);
        await turn();
      }
      before.close();
      deepEqual(texts(between.scan({ limit: 10 })), ["a=changed", "c=3", "d=4"]);
      between.close();
      between.close();
      equal(read(index, "e"), "5");
    }),
  },
  {
    name: "many snapshots of one state and of many states live side by side",
    run: withIndex(async (index) => {
      const snapshots = [];
      for (let at = 0; at < 40; at++) {
        if (at % 2 === 0) put(index, [`key ${at}`, "x"]);
        if (at % 5 === 0) await turn();
        snapshots.push(index.snapshot());
      }
      snapshots.forEach((snapshot, at) => {
        equal(snapshot.scan({ limit: 100 }).length, Math.floor(at / 2) + 1);
        if (at % 3 === 0) snapshot.close();
      });
      put(index, ["last", "x"]);
      snapshots.forEach((snapshot, at) => {
        if (at % 3 === 0) return;
        equal(snapshot.scan({ limit: 100 }).length, Math.floor(at / 2) + 1);
        snapshot.close();
      });
      equal(index.scan({ limit: 100 }).length, 21);
    }),
  },
];

const LIFE_CASES: readonly Case<IndexFixture>[] = [
  {
    name: "an index that was closed is there when it is opened again, others are not touched",
    run: async ({ indexes }) => {
      const one = await indexes.open("one");
      const two = await indexes.open("two");
      put(one, ["a", "1"]);
      put(two, ["a", "2"]);
      await one.flush();
      put(one, ["b", "2"]);
      await one.close();
      await one.close();
      const again = await indexes.open("one");
      deepEqual(texts(again.scan({ limit: 10 })), ["a=1", "b=2"]);
      deepEqual(texts(two.scan({ limit: 10 })), ["a=2"]);
      await again.close();
      await two.close();
    },
  },
  {
    name: "a removed index is empty when it is opened again; removing a missing one is fine",
    run: async ({ indexes }) => {
      const index = await indexes.open("one");
      put(index, ["a", "1"]);
      await index.close();
      await indexes.remove("one");
      await indexes.remove("one");
      const again = await indexes.open("one");
      deepEqual(again.scan({ limit: 10 }), []);
      await again.close();
    },
  },
  {
    name: "flushes overlap writes and each other, and closing waits for them",
    run: async ({ indexes }) => {
      const index = await indexes.open("one");
      const flushes = [];
      for (let at = 0; at < 10; at++) {
        put(index, [`key ${at}`, "x"]);
        flushes.push(index.flush());
      }
      const closing = index.close();
      await Promise.all([...flushes, closing]);
      const again = await indexes.open("one");
      equal(again.scan({ limit: 100 }).length, 10);
      await again.close();
    },
  },
  {
    name: "closing ends open snapshots; a closed index and a closed snapshot are not used",
    run: async ({ indexes }) => {
      const index = await indexes.open("one");
      const snapshot = index.snapshot();
      await index.close();
      await rejects(async () => index.get(utf8("a")), { name: "AssertionError" });
      await rejects(async () => snapshot.scan({ limit: 1 }), { name: "AssertionError" });
      snapshot.close();
    },
  },
  {
    name: "an index is open only once, and names do not leave the root",
    run: async ({ indexes }) => {
      const index = await indexes.open("folder/one");
      await rejects(indexes.open("folder/one"), { name: "AssertionError" });
      await rejects(indexes.open("../one"), { name: "AssertionError" });
      await rejects(indexes.remove("folder/one"), { name: "AssertionError" });
      await index.close();
    },
  },
];

function withIndex(run: (index: Index) => Promise<void>): (fixture: IndexFixture) => Promise<void> {
  return async ({ indexes }) => {
    const index = await indexes.open("index");
    await run(index);
    await index.close();
  };
}

function checkAgainst(model: ReadonlyMap<string, string>, index: Index, random: Prng): void {
  const sorted = [...model].sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
  deepEqual(hexRows(index.scan({ limit: 100_000 })), sorted);
  deepEqual(hexRows(index.scan({ limit: 100_000, reverse: true })), sorted.toReversed());
  for (let probe = 0; probe < 10; probe++) {
    const key = randomKey(random);
    equal(hexOf(index.get(key)), model.get(toHex(key)));
    const [from, to] = [randomKey(random), randomKey(random)];
    const limit = 1 + random.below(40);
    const inside = sorted.filter((text) => {
      const hex = text.slice(0, text.indexOf("="));
      return hex >= toHex(from) && hex < toHex(to);
    });
    deepEqual(hexRows(index.scan({ from, to, limit })), inside.slice(0, limit));
    deepEqual(hexRows(index.scan({ from, to, limit, reverse: true })), inside.toReversed().slice(0, limit));
  }
}

/** From a small space, so that keys meet again and are prefixes of each other. */
function randomKey(random: Prng): Uint8Array {
  const key = new Uint8Array(1 + random.below(3));
  for (let at = 0; at < key.length; at++) key[at] = random.pick([0, 1, 0x61, 0x62, 0xfe, 0xff]);
  return key;
}

function row(key: string, value: string): IndexRow {
  return { key: utf8(key), value: utf8(value) };
}

function put(index: Index, ...rows: readonly (readonly [string, string])[]): void {
  index.write({ puts: rows.map(([key, value]) => row(key, value)), deletes: [] });
}

function remove(index: Index, key: string): void {
  index.write({ puts: [], deletes: [utf8(key)] });
}

function read(index: Index, key: string): string | undefined {
  const value = index.get(utf8(key));
  return value === undefined ? undefined : textOf(value);
}

function keysOf(index: Index, range: IndexRange): string[] {
  return index.scan(range).map(({ key }) => textOf(key));
}

function texts(rows: readonly IndexRow[]): string[] {
  return rows.map(({ key, value }) => `${textOf(key)}=${textOf(value)}`);
}

function hexKeys(rows: readonly IndexRow[]): string[] {
  return rows.map(({ key }) => toHex(key));
}

function hexRows(rows: readonly IndexRow[]): string[] {
  return rows.map(({ key, value }) => `${toHex(key)}=${toHex(value)}`);
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : toHex(bytes);
}

const decoder = new TextDecoder();

function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A whole turn of the event loop: implementations keep state for the length of one. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
