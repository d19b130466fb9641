import assert from "node:assert/strict";
import { text, utf8 } from "../../std/bytes.ts";
import type { Store } from "../store.ts";
import {
  absent,
  at,
  awkwardKeys,
  type Case,
  committed,
  failsWith,
  inParallel,
  OTHER_TABLE,
  put,
  revision,
  TABLE,
} from "./subject.ts";

async function readText(store: Store, key: string): Promise<string | undefined> {
  const { row } = await store.get(at(key));
  return row && text(row.value);
}

const ROWS: readonly Case[] = [
  {
    name: "a row that was put is found with its value and the commit's revision",
    async run({ store }) {
      assert.equal((await store.get(at("a"))).row, undefined);
      const { revision: number } = await committed(store.commit({ puts: [put("a", "first"), put("b", "other")] }));
      assert.deepEqual((await store.get(at("a"))).row, {
        table: TABLE,
        key: utf8("a"),
        suffix: new Uint8Array(0),
        value: utf8("first"),
        revision: number,
      });
      assert.equal((await store.get(at("b"))).row?.revision, number);
    },
  },
  {
    name: "a put replaces a row, a delete removes it, and to delete what is absent is no error",
    async run({ store }) {
      await committed(store.commit({ puts: [put("a", "1")] }));
      await committed(store.commit({ puts: [put("a", "2")] }));
      assert.equal(await readText(store, "a"), "2");
      await committed(store.commit({ deletes: [at("a"), at("never there")] }));
      assert.equal(await readText(store, "a"), undefined);
      await committed(store.commit({ deletes: [at("a")] }));
    },
  },
  {
    name: "rows differ in table, key and suffix, whatever bytes those hold",
    async run({ store }) {
      const keys = awkwardKeys();
      const rows = keys.flatMap((key) => [TABLE, OTHER_TABLE].map((table) => ({ table, ...key })));
      const puts = rows.map((row, number) => ({ ...row, value: Uint8Array.of(number, number >> 8) }));
      for (let from = 0; from < puts.length; from += 100)
        await committed(store.commit({ puts: puts.slice(from, from + 100) }));
      const found = await store.getMany(rows);
      assert.deepEqual(
        found.map((row) => row && { table: row.table, key: row.key, suffix: row.suffix, value: row.value }),
        puts,
      );
      await committed(store.commit({ deletes: [rows[0]!] }));
      assert.deepEqual((await store.getMany(rows)).map((row) => row === undefined).indexOf(true, 1), -1);
    },
  },
  {
    name: "empty and binary values are kept as they are",
    async run({ store }) {
      const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      await committed(store.commit({ puts: [put("empty", new Uint8Array(0)), put("every", every)] }));
      assert.deepEqual((await store.get(at("empty"))).row?.value, new Uint8Array(0));
      assert.deepEqual((await store.get(at("every"))).row?.value, every);
    },
  },
  {
    name: "the bytes of a finished commit and of a row that was read are the caller's to change",
    async run({ store }) {
      const mine = put("mine", "value");
      await committed(store.commit({ puts: [mine] }));
      mine.value.fill(0);
      mine.key.fill(0);
      const { row } = await store.get(at("mine"));
      assert.equal(text(row!.value), "value");
      row!.value.fill(0);
      assert.equal(await readText(store, "mine"), "value");
      const page = await store.scan(TABLE, {}, { limit: 10 });
      page.rows[0]!.value.fill(0);
      page.rows[0]!.key.fill(0);
      assert.equal(await readText(store, "mine"), "value");
    },
  },
  {
    name: "getMany answers in the order asked, also twice for one row, and undefined for what is absent",
    async run({ store }) {
      await committed(store.commit({ puts: [put("a", "A"), put("b", "B")] }));
      const rows = await store.getMany([at("b"), at("none"), at("a"), at("b")]);
      assert.deepEqual(
        rows.map((row) => row && text(row.value)),
        ["B", undefined, "A", "B"],
      );
      assert.deepEqual(await store.getMany([]), []);
    },
  },
];

const CHECKS: readonly Case[] = [
  {
    name: "a check of a revision holds while the row has that revision, and only then",
    async run({ store }) {
      const first = await committed(store.commit({ puts: [put("a")] }));
      const second = await committed(
        store.commit({ checks: [revision("a", first.revision)], puts: [put("a", "again")] }),
      );
      const late = await store.commit({ checks: [revision("a", first.revision)], puts: [put("a", "lost")] });
      assert.equal(late.committed, false);
      await committed(store.commit({ checks: [revision("a", second.revision)], deletes: [at("a")] }));
      const gone = await store.commit({ checks: [revision("a", second.revision)], puts: [put("a", "lost")] });
      assert.equal(gone.committed, false);
      assert.equal(await readText(store, "a"), undefined);
    },
  },
  {
    name: "a check of absence holds before a row is put and after it is deleted",
    async run({ store }) {
      await committed(store.commit({ checks: [absent("a")], puts: [put("a")] }));
      assert.equal((await store.commit({ checks: [absent("a")], puts: [put("a", "lost")] })).committed, false);
      await committed(store.commit({ deletes: [at("a")] }));
      await committed(store.commit({ checks: [absent("a")], puts: [put("a", "new")] }));
      assert.equal(await readText(store, "a"), "new");
    },
  },
  {
    name: "a conflict names every check that failed and changes nothing",
    async run({ store }) {
      const { revision: number } = await committed(store.commit({ puts: [put("a"), put("b")] }));
      const result = await store.commit({
        checks: [revision("a", number), absent("b"), absent("c"), revision("c", number), revision("a", number + 1)],
        puts: [put("a", "no"), put("new", "no")],
        deletes: [at("b")],
      });
      assert.ok(!result.committed);
      assert.deepEqual(result.failedChecks, [1, 3, 4]);
      assert.deepEqual(await Promise.all(["a", "b", "new"].map((key) => readText(store, key))), [
        "value",
        "value",
        undefined,
      ]);
      assert.equal((await store.get(at("a"))).row?.revision, number);
    },
  },
  {
    name: "checks are held against the state before the commit's own writes",
    async run({ store }) {
      const { revision: number } = await committed(
        store.commit({ checks: [absent("a"), absent("a")], puts: [put("a")] }),
      );
      const check = revision("a", number);
      await committed(store.commit({ checks: [check, check], deletes: [at("a")] }));
      const both = await store.commit({ checks: [absent("a"), revision("a", number)], puts: [put("a")] });
      assert.ok(!both.committed);
      assert.deepEqual(both.failedChecks, [1]);
    },
  },
  {
    name: "a commit may only check, or do nothing at all",
    async run({ store }) {
      const { revision: number } = await committed(store.commit({ puts: [put("a")] }));
      await committed(store.commit({ checks: [revision("a", number)] }));
      assert.equal((await store.commit({ checks: [absent("a")] })).committed, false);
      await committed(store.commit({}));
      assert.equal((await store.get(at("a"))).row?.revision, number);
    },
  },
  {
    name: "a commit that writes a row twice is refused and changes nothing",
    async run({ store }) {
      const once = [put("b")];
      const refused = failsWith("REQUEST_INVALID");
      await assert.rejects(store.commit({ puts: [put("a", "1"), ...once, put("a", "2")] }), refused);
      await assert.rejects(store.commit({ puts: [put("a"), ...once], deletes: [at("a")] }), refused);
      await assert.rejects(store.commit({ puts: once, deletes: [at("a"), at("a")] }), refused);
      assert.deepEqual(await store.getMany([at("a"), at("b")]), [undefined, undefined]);
    },
  },
];

const ORDER: readonly Case[] = [
  {
    name: "revisions of a key grow with every commit that puts it, over deletions too",
    async run({ store }) {
      let last = 0;
      for (let round = 0; round < 10; round++) {
        const result = await committed(store.commit({ puts: [put("a")] }));
        assert.ok(result.revision > last);
        assert.equal((await store.get(at("a"))).row?.revision, result.revision);
        last = result.revision;
        if (round % 3 === 2) await committed(store.commit({ deletes: [at("a")] }));
        if (round % 3 === 1) await committed(store.commit({ puts: [put("another key")] }));
      }
    },
  },
  {
    name: "writers that count up one row by check and commit lose no update",
    async run({ store }) {
      const [writers, rounds] = [8, 25];
      await committed(store.commit({ puts: [put("count", "0")] }));
      await inParallel(writers, writers, async () => {
        for (let done = 0; done < rounds; ) {
          const { row } = await store.get(at("count"));
          const next = put("count", String(Number(text(row!.value)) + 1));
          const result = await store.commit({ checks: [revision("count", row!.revision)], puts: [next] });
          if (result.committed) done++;
        }
      });
      assert.equal(await readText(store, "count"), String(writers * rounds));
    },
  },
  {
    name: "of commits that create one row at once, exactly one succeeds",
    async run({ store }) {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, number) =>
          store.commit({ checks: [absent("a")], puts: [put("a", String(number))] }),
        ),
      );
      const winners = results.flatMap((result, number) => (result.committed ? [number] : []));
      assert.equal(winners.length, 1);
      assert.equal(await readText(store, "a"), String(winners[0]));
    },
  },
  {
    name: "a commit's writes are seen together or not at all",
    async run({ store }) {
      const keys = ["a", "b", "c"];
      await inParallel(300, 6, async (number) => {
        if (number % 3 !== 0) {
          await committed(store.commit({ puts: keys.map((key) => put(key, String(number))) }));
          return;
        }
        const { rows } = await store.scan(TABLE, {}, { limit: 10 });
        assert.ok(rows.length === 0 || rows.length === keys.length);
        assert.ok(new Set(rows.map((row) => text(row.value))).size <= 1);
      });
    },
  },
];

export const COMMIT_CASES: readonly Case[] = [...ROWS, ...CHECKS, ...ORDER];
