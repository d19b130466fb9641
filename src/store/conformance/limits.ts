import assert from "node:assert/strict";
import { type Commit, STORE_LIMITS } from "../store.ts";
import { absent, at, type Case, committed, failsWith, put, TABLE } from "./subject.ts";

const TOO_LARGE = failsWith("TOO_LARGE");
const INVALID = failsWith("REQUEST_INVALID");

function numbered<T>(count: number, make: (key: string) => T): T[] {
  return Array.from({ length: count }, (_, number) => make(`row ${number}`));
}

/** Takes exactly as many bytes as given: short keys of four encoded bytes each, values of the largest size. */
function commitOf(bytes: number): Commit {
  const names = ["a", "b", "c", "d", "e"];
  let left = bytes;
  const puts = [];
  for (const name of names) {
    const length = Math.min(STORE_LIMITS.valueBytesMax, left - 4);
    if (length < 0) break;
    puts.push(put(name, new Uint8Array(length)));
    left -= 4 + length;
  }
  assert.equal(left, 0);
  return { puts };
}

export const LIMIT_CASES: readonly Case[] = [
  {
    name: "a value may be as long as the limit and not a byte longer",
    async run({ store }) {
      const value = new Uint8Array(STORE_LIMITS.valueBytesMax).fill(7);
      await committed(store.commit({ puts: [put("a", value)] }));
      assert.deepEqual((await store.get(at("a"))).row?.value, value);
      const longer = new Uint8Array(STORE_LIMITS.valueBytesMax + 1);
      await assert.rejects(store.commit({ puts: [put("b", "small"), put("a", longer)] }), TOO_LARGE);
      assert.deepEqual((await store.get(at("a"))).row?.value, value);
      assert.equal((await store.get(at("b"))).row, undefined);
    },
  },
  {
    name: "an encoded key may be as long as the limit and not a byte longer, and a zero byte counts twice",
    async run({ store }) {
      const { keyBytesMax } = STORE_LIMITS;
      const plain = new Uint8Array(keyBytesMax - 3).fill(0xff);
      const zeros = new Uint8Array((keyBytesMax - 4) / 2);
      const suffix = new Uint8Array(keyBytesMax - 4);
      const rows = [at(plain), { ...at(zeros), suffix: Uint8Array.of(1) }, { ...at("k"), suffix }];
      await committed(store.commit({ puts: rows.map((row) => ({ ...row, value: Uint8Array.of(1) })) }));
      assert.deepEqual(
        (await store.getMany(rows)).map((row) => row?.value.length),
        [1, 1, 1],
      );
      assert.equal((await store.scan(TABLE, {}, { limit: 10 })).rows.length, 3);
      const longer = [
        at(Uint8Array.of(...plain, 0xff)),
        { ...at(zeros), suffix: Uint8Array.of(1, 1) },
        { ...at("k"), suffix: new Uint8Array(keyBytesMax - 3) },
      ];
      for (const row of longer) {
        await assert.rejects(store.commit({ puts: [{ ...row, value: Uint8Array.of(1) }] }), TOO_LARGE);
        await assert.rejects(store.commit({ checks: [{ ...row, absent: true }] }), TOO_LARGE);
        await assert.rejects(store.commit({ deletes: [row] }), TOO_LARGE);
      }
    },
  },
  {
    name: "a commit may be as large as the limit and not a byte larger",
    async run({ store }) {
      const { commitBytesMax } = STORE_LIMITS;
      await assert.rejects(store.commit(commitOf(commitBytesMax + 1)), TOO_LARGE);
      assert.equal((await store.scan(TABLE, {}, { limit: 1 })).rows.length, 0);
      await committed(store.commit(commitOf(commitBytesMax)));
      const { rows } = await store.scan(TABLE, {}, { limit: 10 });
      assert.equal(
        rows.reduce((sum, row) => sum + row.value.length + 4, 0),
        commitBytesMax,
      );
    },
  },
  {
    name: "a commit may hold as many checks and writes as the limit and not one more",
    async run({ store }) {
      const { checksMax, writesMax } = STORE_LIMITS;
      const checks = numbered(checksMax + 1, absent);
      const puts = numbered(writesMax + 1, (key) => put(key));
      await assert.rejects(store.commit({ checks, puts: [put("a")] }), TOO_LARGE);
      await assert.rejects(store.commit({ puts }), TOO_LARGE);
      await assert.rejects(store.commit({ puts: puts.slice(1), deletes: [at("row 0")] }), TOO_LARGE);
      assert.equal((await store.scan(TABLE, {}, { limit: 1 })).rows.length, 0);
      await committed(store.commit({ checks: checks.slice(1), puts: puts.slice(1) }));
      assert.equal((await store.scan(TABLE, {}, { limit: 1000 })).rows.length, writesMax);
    },
  },
  {
    name: "getMany takes as many addresses as the limit and not one more",
    async run({ store }) {
      const { getManyMax } = STORE_LIMITS;
      await committed(store.commit({ puts: [put("row 0")] }));
      const rows = await store.getMany(numbered(getManyMax, (key) => at(key)));
      assert.deepEqual([rows.length, rows.filter((row) => row).length], [getManyMax, 1]);
      await assert.rejects(store.getMany(numbered(getManyMax + 1, (key) => at(key))), TOO_LARGE);
    },
  },
  {
    name: "getMany answers with as many bytes of values as the limit and not more",
    async run({ store }) {
      const { valueBytesMax, getManyBytesMax } = STORE_LIMITS;
      await committed(store.commit({ puts: [put("a", new Uint8Array(valueBytesMax)), put("b", "x")] }));
      const full = Array.from({ length: getManyBytesMax / valueBytesMax }, () => at("a"));
      assert.equal((await store.getMany(full)).length, full.length);
      await assert.rejects(store.getMany([...full, at("b")]), TOO_LARGE);
    },
  },
  {
    name: "a scan's limit is a whole number from 1 to its maximum",
    async run({ store }) {
      const { scanRowsMax } = STORE_LIMITS;
      assert.equal((await store.scan(TABLE, {}, { limit: scanRowsMax })).more, false);
      await assert.rejects(store.scan(TABLE, {}, { limit: scanRowsMax + 1 }), TOO_LARGE);
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(store.scan(TABLE, {}, { limit }), INVALID);
      }
    },
  },
  {
    name: "tables, revisions, leases and sequences that can not be are refused",
    async run({ store }) {
      for (const table of [0, 255, -1, 1.5]) {
        await assert.rejects(store.get(at("a", table)), INVALID);
        await assert.rejects(store.scan(table, {}, { limit: 1 }), INVALID);
        await assert.rejects(store.commit({ deletes: [at("a", table)] }), INVALID);
      }
      for (const number of [0, -1, 0.5, 2 ** 53]) {
        await assert.rejects(store.commit({ checks: [{ ...at("a"), revision: number }] }), INVALID);
        await assert.rejects(store.commit({ lease: number }), INVALID);
        await assert.rejects(store.commit({ request: { session: 1, sequence: number } }), INVALID);
      }
    },
  },
];
