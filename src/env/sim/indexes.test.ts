import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { indexConformance } from "../conformance/index-suite.ts";
import type { Index, IndexRow } from "../env.ts";
import type { SimIndexOptions } from "./index-options.ts";
import { SimIndexes } from "./indexes.ts";
import { SimProcess } from "./process.ts";
import { SimScheduler } from "./scheduler.ts";

describe("SimIndexes", () => {
  indexConformance(test, async () => ({ indexes: new SimIndexes().mount(), async [Symbol.asyncDispose]() {} }));

  test("after a crash an index is some state since its last flush, and each of them happens", async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const indexes = new SimIndexes({}, new Prng(seed));
      const index = await indexes.mount().open("index");
      for (let at = 1; at <= 3; at++) put(index, at);
      await index.flush();
      for (let at = 4; at <= 6; at++) put(index, at);
      indexes.crash();
      const rows = (await indexes.mount().open("index")).scan({ limit: 10 });
      deepEqual(
        rows.map(({ key }) => key[0]),
        Array.from({ length: rows.length }, (_, at) => at + 1),
      );
      seen.add(rows.length);
    }
    deepEqual([...seen].sort(), [3, 4, 5, 6]);
  });

  test("a flush covers what was written before it, not what came while it ran", async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const scheduler = new SimScheduler();
      const process = new SimProcess(scheduler, "node");
      const indexes = new SimIndexes({}, new Prng(seed));
      const index = await scheduler.settle(indexes.mount(process).open("index"));
      put(index, 1);
      const flush = index.flush();
      put(index, 2);
      await scheduler.settle(flush);
      process.kill();
      indexes.crash();
      seen.add((await indexes.mount().open("index")).scan({ limit: 10 }).length);
    }
    deepEqual([...seen].sort(), [1, 2]);
  });

  test("a long history without a flush stays bounded and never falls behind the flushed state", async () => {
    for (let seed = 0; seed < 6; seed++) {
      const scheduler = new SimScheduler();
      const process = new SimProcess(scheduler, "node");
      const indexes = new SimIndexes({}, new Prng(seed));
      const index = await scheduler.settle(indexes.mount(process).open("index"));
      for (let at = 0; at < 900; at++) put(index, at);
      const flush = index.flush();
      for (let at = 900; at < 3_000; at++) put(index, at);
      await scheduler.settle(flush);
      process.kill();
      indexes.crash();
      const rows = (await indexes.mount().open("index")).scan({ limit: 10_000 }).length;
      ok(rows >= 900, `${rows} rows are left of 900 that were flushed`);
    }
  });

  test("a crash can lose an open index or damage it; a closed one keeps what it had", async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < 60; seed++) {
      const outcome = await crashOnce(seed, { damagedChance: 0.3, emptiedChance: 0.3 });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    deepEqual([...outcomes.keys()].sort(), ["damaged", "emptied", "kept"]);
    for (let seed = 0; seed < 10; seed++) {
      equal(await crashOnce(seed, { damagedChance: 0, emptiedChance: 0 }), "kept");
    }
  });

  test("a process that dies without its machine leaves every write", async () => {
    const indexes = new SimIndexes({}, new Prng(1));
    const index = await indexes.mount().open("index");
    put(index, 1);
    indexes.abandon();
    const again = await indexes.mount().open("index");
    equal(again.scan({ limit: 10 }).length, 1);
  });

  test("the code of a dead process changes nothing", async () => {
    const scheduler = new SimScheduler();
    const process = new SimProcess(scheduler, "node");
    const indexes = new SimIndexes({}, new Prng(1));
    const index = await scheduler.settle(indexes.mount(process).open("index"));
    process.kill();
    put(index, 1);
    indexes.abandon();
    equal((await indexes.mount().open("index")).scan({ limit: 10 }).length, 0);
  });
});

/** Crashes with one closed and one open index, each with a flushed row. */
async function crashOnce(seed: number, options: Partial<SimIndexOptions>): Promise<string> {
  const indexes = new SimIndexes(options, new Prng(seed));
  const closed = await indexes.mount().open("closed");
  put(closed, 1);
  await closed.close();
  const open = await indexes.mount().open("open");
  put(open, 1);
  await open.flush();
  indexes.crash();
  equal((await indexes.mount().open("closed")).scan({ limit: 10 }).length, 1);
  try {
    return (await indexes.mount().open("open")).scan({ limit: 10 }).length === 1 ? "kept" : "emptied";
  } catch (error) {
    ok(hasCode(error, "INDEX_DAMAGED"));
    await rejects(indexes.mount().open("open"), (again) => hasCode(again, "INDEX_DAMAGED"));
    await indexes.mount().remove("open");
    equal((await indexes.mount().open("open")).scan({ limit: 10 }).length, 0);
    return "damaged";
  }
}

function put(index: Index, number: number): void {
  const row: IndexRow = { key: number < 256 ? Uint8Array.of(number) : utf8(`key ${number}`), value: utf8("x") };
  index.write({ puts: [row], deletes: [] });
}
