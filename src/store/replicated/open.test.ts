import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { envFailure, type Index } from "../../env/index.ts";
import { SimDisk, SimScheduler } from "../../env/sim/index.ts";
import { text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { checkpointName, listCheckpoints, restoreCheckpoint } from "../checkpoint.ts";
import { encodeAddress } from "../key-codec.ts";
import { leaseKey, STATE_KEY } from "../machine/keys.ts";
import { encodeRow } from "../row-codec.ts";
import type { Row } from "../store.ts";
import { calmEnv, HostedStore } from "../testing/hosted-store.ts";
import { damageRow, dump, ObservedIndex } from "../testing/indexes.ts";
import { at, put, TABLE } from "../testing/machine-driver.ts";

const scheduler = new SimScheduler();

/** A test in virtual time, over a Store that is new and closes at its end. */
function storeTest(name: string, run: (hosted: HostedStore, device: SimDisk) => Promise<void>): void {
  test(name, () =>
    scheduler.settle(
      (async () => {
        const device = new SimDisk();
        await using hosted = await HostedStore.start(calmEnv(scheduler, device), { segmentBytes: 262_144 });
        await run(hosted, device);
      })(),
    ),
  );
}

async function write(hosted: HostedStore, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    await hosted.store.commit({ puts: [put(`row ${number % 20}`, `value ${number}`)] });
  }
}

async function rowsOf(hosted: HostedStore): Promise<readonly Row[]> {
  return (await hosted.store.scan(TABLE, {}, { limit: 1000 })).rows;
}

/** Two checkpoints, the log given up to the older one, and commits behind the newer one. Gives the rows at the end. */
async function writeWithCheckpoints(hosted: HostedStore): Promise<readonly Row[]> {
  await write(hosted, 0, 30);
  await hosted.store.checkpoint();
  await write(hosted, 30, 60);
  await hosted.store.checkpoint();
  await write(hosted, 60, 90);
  return rowsOf(hosted);
}

async function damageFile({ env }: HostedStore, name: string): Promise<void> {
  const file = await env.disk.open(name, "write");
  const position = Math.floor((await file.length()) / 2);
  const [byte] = await file.read(position, 1);
  await file.write(position, [Uint8Array.of(byte! ^ 1)]);
  await file.close();
}

async function removeIndex(hosted: HostedStore): Promise<void> {
  await hosted.close();
  await hosted.env.indexes.remove("index");
}

async function checkpointsOf({ env }: HostedStore): Promise<number[]> {
  return (await listCheckpoints(env.disk, "store")).map(({ appliedIndex }) => appliedIndex);
}

describe("a Store whose index is gone or can not be trusted", () => {
  storeTest("is rebuilt from the whole log where there is no checkpoint", async (hosted) => {
    await write(hosted, 0, 50);
    const before = await rowsOf(hosted);
    await removeIndex(hosted);
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.indexRebuilds, 1);
  });

  storeTest("is rebuilt from the newest checkpoint and the log behind it", async (hosted) => {
    const founded = hosted.log.group(1).compaction.index;
    const before = await writeWithCheckpoints(hosted);
    assert.ok(hosted.log.group(1).compaction.index > founded, "the log alone is no longer enough");
    await removeIndex(hosted);
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.deepEqual([hosted.store.counters.indexRebuilds, hosted.store.counters.checkpointsDamaged], [1, 0]);
  });

  storeTest("falls back to the older checkpoint where the newest is damaged, which is then removed", async (hosted) => {
    const before = await writeWithCheckpoints(hosted);
    const [newest, older] = await checkpointsOf(hosted);
    await removeIndex(hosted);
    await damageFile(hosted, checkpointName("store", newest!));
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.checkpointsDamaged, 1);
    await hosted.elapse(100);
    const [again, ...others] = await checkpointsOf(hosted);
    assert.ok(again! > newest!, "a second one is there again without being asked for");
    assert.deepEqual(others, [older]);
    await removeIndex(hosted);
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
  });

  storeTest(
    "falls back to the older checkpoint where the disk does not give the newest back",
    async (hosted, device) => {
      const before = await writeWithCheckpoints(hosted);
      const [newest] = await checkpointsOf(hosted);
      await removeIndex(hosted);
      device.failNext("read", checkpointName("store", newest!));
      await hosted.open();
      assert.deepEqual(await rowsOf(hosted), before);
      assert.equal(hosted.store.counters.checkpointsDamaged, 1);
    },
  );

  storeTest("is rebuilt where the index opens but its first row can not be read", async (hosted) => {
    const before = await writeWithCheckpoints(hosted);
    await hosted.close();
    const { indexes } = hosted.env;
    let scans = 0;
    class Unreadable extends ObservedIndex {
      override scan(): never {
        scans++;
        throw envFailure("INDEX_DAMAGED");
      }
    }
    const open = async (name: string): Promise<Index> => {
      const index = await indexes.open(name);
      return scans === 0 ? new Unreadable(index) : index;
    };
    hosted.env = { ...hosted.env, indexes: { open, remove: (name) => indexes.remove(name) } };
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.deepEqual([scans, hosted.store.counters.indexRebuilds], [1, 1]);
  });

  storeTest("does not give up log for a checkpoint that has rotted since", async (hosted) => {
    await write(hosted, 0, 30);
    const founded = hosted.log.group(1).compaction.index;
    await hosted.store.checkpoint();
    const [first] = await checkpointsOf(hosted);
    await damageFile(hosted, checkpointName("store", first!));
    await write(hosted, 30, 60);
    await hosted.store.checkpoint();
    const [second, ...others] = await checkpointsOf(hosted);
    assert.ok(second! > first! && others.length === 0);
    assert.equal(hosted.log.group(1).compaction.index, founded);
    assert.equal(hosted.store.counters.checkpointsDamaged, 1);
    await damageFile(hosted, checkpointName("store", second!));
    const before = await rowsOf(hosted);
    await removeIndex(hosted);
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before, "the log alone still gives all");
  });

  storeTest(
    "refuses to open where no checkpoint is whole and the log is not either, and leaves them be",
    async (hosted) => {
      await writeWithCheckpoints(hosted);
      const files = await checkpointsOf(hosted);
      await removeIndex(hosted);
      for (const appliedIndex of files) await damageFile(hosted, checkpointName("store", appliedIndex));
      const isRefusal = (error: unknown): boolean => hasCode(error, "CHECKPOINT_DAMAGED");
      await assert.rejects(hosted.open(), isRefusal);
      assert.deepEqual(await checkpointsOf(hosted), files);
      await assert.rejects(hosted.open(), isRefusal);
      for (const appliedIndex of files) await damageFile(hosted, checkpointName("store", appliedIndex));
      await hosted.open();
      assert.equal((await rowsOf(hosted)).length, 20, "with the bytes as they were, all is back");
    },
  );

  storeTest(
    "refuses to open where the log is gone, though an empty log would do for an empty Store",
    async (hosted) => {
      await writeWithCheckpoints(hosted);
      await removeIndex(hosted);
      const { disk } = hosted.env;
      for (const name of await disk.list("log")) await disk.remove(`log/${name}`);
      await assert.rejects(hosted.open(), (error) => hasCode(error, "LOG_BEHIND"));
      await hosted.env.indexes.remove("index");
      for (const appliedIndex of await checkpointsOf(hosted)) {
        await damageFile(hosted, checkpointName("store", appliedIndex));
      }
      await assert.rejects(hosted.open(), (error) => hasCode(error, "CHECKPOINT_DAMAGED"));
    },
  );

  storeTest("is rebuilt where the index is older than what the log still holds", async (hosted) => {
    await write(hosted, 0, 5);
    await hosted.close();
    const old = await hosted.env.indexes.open("index");
    const rows = old.scan({ limit: 1000 });
    await old.close();
    await hosted.open();
    const before = await writeWithCheckpoints(hosted);
    await removeIndex(hosted);
    const stale = await hosted.env.indexes.open("index");
    stale.write({ puts: rows, deletes: [] });
    await stale.close();
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.indexRebuilds, 1);
  });

  storeTest("goes on from an index that lacks the log's last entries, without a rebuild", async (hosted) => {
    await write(hosted, 0, 5);
    await hosted.close();
    const old = await hosted.env.indexes.open("index");
    const rows = old.scan({ limit: 1000 });
    await old.close();
    await hosted.open();
    await write(hosted, 5, 50);
    const before = await rowsOf(hosted);
    await removeIndex(hosted);
    const behind = await hosted.env.indexes.open("index");
    behind.write({ puts: rows, deletes: [] });
    await behind.close();
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.indexRebuilds, 0);
  });

  storeTest("is rebuilt where a restore broke off before", async (hosted) => {
    const before = await writeWithCheckpoints(hosted);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    index.write({ puts: [], deletes: [STATE_KEY] });
    await index.close();
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.indexRebuilds, 1);
  });

  storeTest("of a newer version is not touched", async (hosted) => {
    await write(hosted, 0, 5);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    const value = encodeRow(STATE_KEY, { revision: 5, lease: 0, value: Uint8Array.of(200) });
    index.write({ puts: [{ key: STATE_KEY, value }], deletes: [] });
    await index.close();
    await assert.rejects(hosted.open(), (error) => hasCode(error, "FORMAT_NEWER"));
    const same = await hosted.env.indexes.open("index");
    assert.deepEqual(same.get(STATE_KEY), value);
    await same.close();
  });
});

describe("a damaged row", () => {
  storeTest("is never served, and the next start rebuilds the index", async (hosted) => {
    const before = await writeWithCheckpoints(hosted);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    damageRow(index, encodeAddress(at("row 7")));
    await index.close();
    await hosted.open();
    const isDamage = (error: unknown): boolean => hasCode(error, "ROW_DAMAGED");
    await assert.rejects(hosted.store.get(at("row 7")), isDamage);
    await assert.rejects(hosted.store.getMany([at("row 6"), at("row 7")]), isDamage);
    await assert.rejects(hosted.store.scan(TABLE, {}, { limit: 100 }), isDamage);
    assert.equal(text((await hosted.store.get(at("row 6"))).row!.value), "value 86");
    assert.equal(hosted.store.counters.rowsDamaged, 3);
    await hosted.reopen();
    assert.deepEqual(await rowsOf(hosted), before);
    assert.equal(hosted.store.counters.indexRebuilds, 1);
    await hosted.reopen();
    assert.equal(hosted.store.counters.indexRebuilds, 0, "the mark is gone");
  });

  storeTest("does not cost the index before something else is proven to take its place", async (hosted) => {
    const before = await writeWithCheckpoints(hosted);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    damageRow(index, encodeAddress(at("row 7")));
    // The state's own row comes first, and moves: a start may add an entry of a new term.
    const rows = dump(index).slice(1);
    await index.close();
    await hosted.open();
    await assert.rejects(hosted.store.get(at("row 7")), (error) => hasCode(error, "ROW_DAMAGED"));
    await hosted.close();
    const files = await checkpointsOf(hosted);
    for (const appliedIndex of files) await damageFile(hosted, checkpointName("store", appliedIndex));
    await assert.rejects(hosted.open(), (error) => hasCode(error, "CHECKPOINT_DAMAGED"));
    const same = await hosted.env.indexes.open("index");
    assert.deepEqual(dump(same).slice(1), rows);
    await same.close();
    await damageFile(hosted, checkpointName("store", files[1]!));
    await hosted.open();
    assert.deepEqual(await rowsOf(hosted), before);
  });

  storeTest(
    "does not get into a checkpoint, which would hide it: the log is kept and the next start rebuilds",
    async (hosted) => {
      const before = await writeWithCheckpoints(hosted);
      await hosted.close();
      const index = await hosted.env.indexes.open("index");
      damageRow(index, encodeAddress(at("row 7")));
      await index.close();
      await hosted.open();
      const files = await checkpointsOf(hosted);
      const compacted = hosted.log.group(1).compaction.index;
      await assert.rejects(hosted.store.checkpoint(), (error) => hasCode(error, "ROW_DAMAGED"));
      assert.equal(hosted.store.counters.checkpointFailures, 1);
      assert.deepEqual(await checkpointsOf(hosted), files);
      assert.equal(hosted.log.group(1).compaction.index, compacted);
      await hosted.reopen();
      assert.deepEqual(await rowsOf(hosted), before);
    },
  );

  storeTest("that the log's next entry needs lets opening rebuild instead of applying to it", async (hosted) => {
    await write(hosted, 0, 5);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    const rows = index.scan({ limit: 1000 });
    await index.close();
    await hosted.open();
    await hosted.store.commit({ puts: [put("row 3", "after")] });
    await removeIndex(hosted);
    const behind = await hosted.env.indexes.open("index");
    behind.write({ puts: rows, deletes: [] });
    damageRow(behind, encodeAddress(at("row 3")));
    await behind.close();
    await hosted.open();
    assert.equal(text((await hosted.store.get(at("row 3"))).row!.value), "after");
    assert.equal(hosted.store.counters.indexRebuilds, 1);
  });
});

describe("a damaged lease", () => {
  storeTest("is met when the Store opens, which rebuilds the index", async (hosted) => {
    const { id } = await hosted.store.grant(60_000);
    await write(hosted, 0, 5);
    await hosted.close();
    const index = await hosted.env.indexes.open("index");
    damageRow(index, leaseKey(id));
    await index.close();
    await hosted.open();
    assert.equal(hosted.store.counters.indexRebuilds, 1);
    await hosted.store.keepAlive(id);
  });
});

describe("a backup", () => {
  storeTest("holds all rows as they were, and restores them", async (hosted) => {
    await hosted.store.grant(5000);
    const before = await writeWithCheckpoints(hosted);
    const elsewhere = calmEnv(scheduler);
    await elsewhere.disk.makeDirectory("backups");
    const written = await hosted.store.backup(elsewhere.disk, "backups/first");
    await write(hosted, 90, 120);
    const restored = await elsewhere.indexes.open("index");
    const header = await restoreCheckpoint(elsewhere.disk, "backups/first", restored);
    const rows = restored.scan({ from: Uint8Array.of(1), limit: 1000 });
    assert.equal(rows.length, before.length);
    assert.equal(dump(restored).length, written.rows);
    assert.equal(header.revision, 90);
    await restored.close();
  });
});
