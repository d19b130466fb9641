import assert from "node:assert/strict";
import { compareBytes, toHex } from "../../std/bytes.ts";
import type { Row, RowKey, ScanRange, Store } from "../store.ts";
import { STORE_LIMITS } from "../store.ts";
import { at, awkwardKeys, type Case, committed, OTHER_TABLE, put, TABLE } from "./subject.ts";

type Key = Required<RowKey>;

const NONE = new Uint8Array(0);

function compareKeys(left: RowKey, right: RowKey): number {
  return compareBytes(left.key, right.key) || compareBytes(left.suffix ?? NONE, right.suffix ?? NONE);
}

function keyOf({ key, suffix }: Row): Key {
  return { key, suffix };
}

/** Puts a row under each key, and the same into another table. Gives the keys in order. */
async function fill(store: Store, keys: readonly Key[]): Promise<Key[]> {
  for (const table of [TABLE, OTHER_TABLE]) {
    for (let from = 0; from < keys.length; from += 100) {
      const puts = keys.slice(from, from + 100).map((key) => ({ table, ...key, value: Uint8Array.of(1) }));
      await committed(store.commit({ puts }));
    }
  }
  return [...keys].sort(compareKeys);
}

async function keysIn(store: Store, range: ScanRange, reverse = false): Promise<Key[]> {
  const page = await store.scan(TABLE, range, { limit: 1000, reverse });
  assert.equal(page.more, false);
  return page.rows.map(keyOf);
}

function numberedKeys(count: number): Key[] {
  return Array.from({ length: count }, (_, number) => ({ key: Uint8Array.of(number >> 8, number), suffix: NONE }));
}

export const SCAN_CASES: readonly Case[] = [
  {
    name: "a scan gives the rows of its table in byte order of key, then suffix, and against it in reverse",
    async run({ store }) {
      const keys = await fill(store, awkwardKeys());
      assert.deepEqual(await keysIn(store, {}), keys);
      assert.deepEqual(await keysIn(store, {}, true), keys.toReversed());
    },
  },
  {
    name: "a range holds the rows with from <= row < to and row > after, whichever row is the bound",
    async run({ store }) {
      const keys = await fill(store, awkwardKeys());
      for (const bound of keys) {
        const label = `${toHex(bound.key)} ${toHex(bound.suffix)}`;
        const [below, above] = [
          keys.filter((key) => compareKeys(key, bound) < 0),
          keys.filter((key) => compareKeys(key, bound) > 0),
        ];
        assert.deepEqual(await keysIn(store, { from: bound }), [bound, ...above], label);
        assert.deepEqual(await keysIn(store, { after: bound }), above, label);
        assert.deepEqual(await keysIn(store, { to: bound }), below, label);
        assert.deepEqual(await keysIn(store, { to: bound }, true), below.toReversed(), label);
        assert.deepEqual(await keysIn(store, { after: bound }, true), above.toReversed(), label);
      }
    },
  },
  {
    name: "a bound without a suffix stands before all suffixes of its key, and bounds may be no row's key",
    async run({ store }) {
      const keys = await fill(store, awkwardKeys());
      const key = Uint8Array.of(0x01);
      assert.deepEqual(
        await keysIn(store, { from: { key } }),
        keys.filter((row) => compareKeys(row, { key }) >= 0),
      );
      assert.deepEqual(
        await keysIn(store, { to: { key } }),
        keys.filter((row) => compareKeys(row, { key }) < 0),
      );
      const between = { key: Uint8Array.of(0x02, 0x02), suffix: Uint8Array.of(9) };
      assert.deepEqual(
        await keysIn(store, { after: between }),
        keys.filter((row) => compareKeys(row, between) > 0),
      );
      assert.deepEqual(
        await keysIn(store, { to: between }),
        keys.filter((row) => compareKeys(row, between) < 0),
      );
    },
  },
  {
    name: "a range may be empty, or hold rows that are not there",
    async run({ store }) {
      const keys = await fill(store, awkwardKeys());
      const [low, high] = [keys[5]!, keys[20]!];
      for (const range of [
        { from: low, to: low },
        { from: high, to: low },
        { after: low, to: low },
        { after: keys.at(-1)! },
      ]) {
        for (const reverse of [false, true]) {
          const page = await store.scan(TABLE, range, { limit: 10, reverse });
          assert.deepEqual([page.rows, page.more], [[], false]);
        }
      }
      assert.deepEqual((await store.scan(OTHER_TABLE + 1, {}, { limit: 10 })).rows, []);
    },
  },
  {
    name: "bounds may be longer than any row's key",
    async run({ store }) {
      const keys = await fill(store, numberedKeys(3));
      const bound = { key: new Uint8Array(10_000).fill(0xff), suffix: new Uint8Array(10_000) };
      assert.deepEqual(await keysIn(store, { to: bound }), keys);
      assert.deepEqual(await keysIn(store, { from: bound }), []);
      assert.deepEqual(await keysIn(store, { after: { key: new Uint8Array(5000) } }), keys.slice(1));
    },
  },
  {
    name: "pages of any limit lead through all rows once, forward by after and backward by to",
    async run({ store }) {
      const keys = await fill(store, awkwardKeys());
      for (const limit of [1, 2, 7, keys.length - 1, keys.length, keys.length + 1]) {
        const forward: Key[] = [];
        for (let range: ScanRange = {}; ; range = { after: forward.at(-1)! }) {
          const page = await store.scan(TABLE, range, { limit });
          forward.push(...page.rows.map(keyOf));
          assert.equal(page.more, forward.length < keys.length);
          if (!page.more) break;
          assert.equal(page.rows.length, limit);
        }
        assert.deepEqual(forward, keys);
        const backward: Key[] = [];
        for (let range: ScanRange = {}; ; range = { to: backward.at(-1)! }) {
          const page = await store.scan(TABLE, range, { limit, reverse: true });
          backward.push(...page.rows.map(keyOf));
          if (!page.more) break;
        }
        assert.deepEqual(backward, keys.toReversed());
      }
    },
  },
  {
    name: "a page of large rows ends early, by its bytes, and says that there is more",
    async run({ store }) {
      const { valueBytesMax, scanBytesMax } = STORE_LIMITS;
      const count = 2 * (scanBytesMax / valueBytesMax) + 3;
      for (let number = 0; number < count; number++) {
        await committed(store.commit({ puts: [put(Uint8Array.of(number), new Uint8Array(valueBytesMax))] }));
      }
      let seen = 0;
      let after: RowKey | undefined;
      for (let more = true; more; ) {
        const page = await store.scan(TABLE, after ? { after } : {}, { limit: 1000 });
        const bytes = page.rows.reduce((sum, row) => sum + row.value.length, 0);
        assert.ok(page.rows.length > 0 && bytes <= scanBytesMax);
        seen += page.rows.length;
        after = page.rows.at(-1)!;
        ({ more } = page);
      }
      assert.equal(seen, count);
    },
  },
  {
    name: "a long page is one state, whatever is committed while it is read",
    async run({ store }) {
      const keys = numberedKeys(3000);
      await fill(store, keys);
      let running = true;
      const write = async (): Promise<void> => {
        for (let round = 2; running; round++) {
          const [first, last] = [keys[0]!, keys.at(-1)!];
          const puts = [first, last].map((key) => ({ table: TABLE, ...key, value: Uint8Array.of(round & 0xff) }));
          await committed(store.commit({ puts }));
        }
      };
      const read = async (): Promise<void> => {
        for (let round = 0; round < 5; round++) {
          const { rows } = await store.scan(TABLE, {}, { limit: keys.length });
          assert.equal(rows.length, keys.length);
          assert.deepEqual(rows[0]!.value, rows.at(-1)!.value);
        }
        running = false;
      };
      await Promise.all([write(), read()]);
    },
  },
  {
    name: "a scan does not show rows that were deleted",
    async run({ store }) {
      const keys = await fill(store, numberedKeys(40));
      const deletes = keys.filter((_, number) => number % 3 === 0).map((key) => ({ table: TABLE, ...key }));
      await committed(store.commit({ deletes }));
      const left = keys.filter((_, number) => number % 3 !== 0);
      assert.deepEqual(await keysIn(store, {}), left);
      const page = await store.scan(TABLE, {}, { limit: left.length });
      assert.deepEqual([page.rows.length, page.more], [left.length, false]);
      assert.equal((await store.get(at(keys[0]!.key))).row, undefined);
    },
  },
];
