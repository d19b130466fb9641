import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { TableTags, type TagTable, type TagTableRow } from "./table-tags.ts";
import { Bench } from "./testing/service.ts";

const MINUTE = 60_000;

/** leaf_alloc in memory. */
class MemoryTable implements TagTable {
  readonly held = new Map<string, { maxId: bigint; step: number }>();
  readonly asked: (number | undefined)[] = [];
  reads = 0;
  failure: AshlarError | undefined;

  constructor(rows: Readonly<Record<string, { maxId: bigint; step: number }>>) {
    for (const [tag, row] of Object.entries(rows)) this.held.set(tag, row);
  }

  async tags(): Promise<string[]> {
    this.reads++;
    this.#check();
    return [...this.held.keys()];
  }

  async rows(): Promise<TagTableRow[]> {
    this.#check();
    return [...this.held].map(([tag, row]) => ({ tag, ...row, updatedMillis: 0 }));
  }

  async advance(
    tag: string,
    size: number | undefined,
  ): Promise<{ tag: string; maxId: bigint; step: number } | undefined> {
    this.#check();
    this.asked.push(size);
    const row = this.held.get(tag);
    if (row !== undefined) row.maxId += BigInt(size ?? row.step);
    return row && { tag, ...row };
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

const AWAY = new AshlarError("UNAVAILABLE", "It is away.", "Wait.");

function open(bench: Bench, table: MemoryTable, name = "a") {
  const { store, clock, timers } = bench.parts(name);
  const news: (string | undefined)[] = [];
  const tags = new TableTags({ table, store, env: { clock, timers }, onUnread: (error) => news.push(error?.code) });
  const take = async (tag: string, count = 1): Promise<string> =>
    (await bench.settle(tags.segment(tag, count))).map(({ first, size }) => `${first}+${size}`).join(" ");
  return { tags, take, news, store, clock, close: () => bench.settle(tags[Symbol.asyncDispose]()) };
}

describe("numbers of a table that a user has", () => {
  test("are those below the row's count, from the first row's 1 on, in blocks of the row's step", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ orders: { maxId: 1n, step: 2000 } });
    const { take, tags, close } = open(bench, table);
    assert.equal(await take("orders"), "1+1");
    assert.equal(table.held.get("orders")!.maxId, 2001n);
    assert.equal(await take("orders", 1999), "2+1999");
    await bench.advance(1);
    assert.equal(await take("orders"), "2001+1");
    assert.deepEqual(
      (await tags.tags({ limit: 10 })).entries.map(({ name, nextNumber, step }) => [name, nextNumber, step]),
      [["orders", 4001n, 2000]],
    );
    await close();
  });

  test("come in blocks by Leaf's rule: the row's step twice, then by how long a block lasted", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 100 } });
    const { take, close } = open(bench, table);
    const use = async (count: number): Promise<void> => {
      await take("t", count);
      await bench.advance(1);
    };
    for (const count of [50, 100, 100, 200]) await use(count);
    assert.deepEqual(table.asked, [undefined, undefined, 200, 400, 800]);
    await bench.advance(20 * MINUTE);
    await use(500);
    assert.equal(table.asked.at(-1), 800);
    await bench.advance(31 * MINUTE);
    await use(800);
    assert.equal(table.asked.at(-1), 400);
    // The step is read anew with each load, for the next one.
    table.held.get("t")!.step = 5000;
    await use(800);
    await use(400);
    assert.deepEqual(table.asked.slice(-2), [800, undefined]);
    await close();
  });

  test("last while the database is away, and go on when it is back", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 100 } });
    const { take, tags, news, close } = open(bench, table);
    await take("t", 20);
    await bench.advance(1);
    table.failure = AWAY;
    await bench.advance(5 * MINUTE);
    assert.equal(await take("t", 180), "21+80 101+100");
    await assert.rejects(bench.settle(tags.segment("t")), { code: "UNAVAILABLE" });
    table.failure = undefined;
    assert.equal(await take("t"), "201+1");
    await bench.advance(2 * MINUTE);
    assert.deepEqual(news, ["UNAVAILABLE", undefined]);
    await close();
  });

  test("are refused, not zero, until the table has been read once", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 100 } });
    table.failure = AWAY;
    const { take, tags, close } = open(bench, table);
    await assert.rejects(bench.settle(tags.segment("t")), { code: "TABLE_UNREAD", cause: AWAY });
    table.failure = undefined;
    await bench.advance(2000);
    assert.equal(await take("t"), "1+1");
    await close();
  });

  test("of a tag that was added are there at once, and of one that was removed within a minute no more", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 100 } });
    const { take, tags, close } = open(bench, table);
    await take("t");
    await bench.advance(1500);
    table.held.set("young", { maxId: 1n, step: 10 });
    assert.equal(await take("young"), "1+1");
    table.held.delete("t");
    await bench.advance(MINUTE);
    await assert.rejects(bench.settle(tags.segment("t")), { code: "TAG_MISSING" });
    assert.deepEqual(
      tags.buffers().map(({ tag }) => tag),
      ["young"],
    );
    await close();
  });

  test("of tags that are not there cost the database one look a second", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 100 } });
    const { tags, close } = open(bench, table);
    await bench.advance(10);
    const before = table.reads;
    for (let at = 0; at < 100; at++)
      await assert.rejects(bench.settle(tags.segment(`none-${at}`)), { code: "TAG_MISSING" });
    assert.ok(table.reads - before <= 1, `${table.reads - before}`);
    await close();
  });

  test("are listed in pages that cost the database one read a second", async () => {
    const bench = new Bench();
    const names = ["d", "a", "c", "b"];
    const table = new MemoryTable(Object.fromEntries(names.map((tag) => [tag, { maxId: 1n, step: 7 }])));
    const { tags, close } = open(bench, table);
    const first = await tags.tags({ limit: 3 });
    table.failure = AWAY;
    const second = await tags.tags({ limit: 3, after: first.next });
    assert.deepEqual(
      [first.entries.map(({ name }) => name), first.next, second.entries.map(({ name }) => name), second.next],
      [["a", "b", "c"], "c", ["d"], undefined],
    );
    await bench.advance(1100);
    await assert.rejects(tags.tags({ limit: 3 }), { code: "UNAVAILABLE" });
    await close();
  });

  test("never repeat where the table was put back to an earlier state", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1001n, step: 10 } });
    const { take, tags, close } = open(bench, table);
    await take("t", 10);
    await bench.advance(1);
    table.held.get("t")!.maxId = 1n;
    await take("t", 10);
    await assert.rejects(bench.settle(tags.segment("t")), { code: "BLOCK_STALE" });
    await close();
  });

  test("come in blocks of the size that was found, also where the node was started anew", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 10 } });
    const first = open(bench, table);
    for (let at = 0; at < 8; at++) {
      await first.take("t", 10 * 2 ** at);
      await bench.advance(1);
    }
    await first.close();
    const asked = table.asked.length;
    const last = table.asked.at(-1)!;
    assert.ok(last >= 640, `${last}`);
    const again = open(bench, table);
    await again.take("t");
    assert.deepEqual(table.asked.slice(asked), [last]);
    await again.close();
  });

  test("are refused beyond the limits, and once the node stops", async () => {
    const bench = new Bench();
    const table = new MemoryTable({ t: { maxId: 1n, step: 10 } });
    const { tags, close } = open(bench, table);
    for (const count of [0, -1, 100_001]) await assert.rejects(tags.segment("t", count), { code: "COUNT_INVALID" });
    assert.deepEqual(table.asked, []);
    for (const limit of [0, 1001]) await assert.rejects(tags.tags({ limit }), { code: "PAGE_INVALID" });
    await close();
    await assert.rejects(tags.segment("t"), { code: "IDS_CLOSED" });
  });
});
