// Reads, commits and leases of one group that meet rows of a transaction over several.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { WatchEvent } from "../store.ts";
import { calmEnv, HostedStore } from "../testing/hosted-store.ts";
import { at, put, TABLE } from "../testing/machine-driver.ts";
import { finishOf, prepareOf } from "../testing/transaction-commands.ts";
import { TRANSACTION_DEFAULTS, type TransactionOptions } from "../transactions/options.ts";

const scheduler = new SimScheduler();

function lockTest(
  name: string,
  transactions: Partial<TransactionOptions>,
  run: (hosted: HostedStore) => Promise<void>,
): void {
  const options = { transactions: { ...TRANSACTION_DEFAULTS, resolveAfterMillis: 1_000_000, ...transactions } };
  test(name, () =>
    scheduler.settle(
      (async () => {
        await using hosted = await HostedStore.start(calmEnv(scheduler), { store: options });
        await run(hosted);
      })(),
      120_000,
    ),
  );
}

/** Two rows, of which a transaction is going to write the second, and one that is not there. */
async function lock({ store }: HostedStore): Promise<void> {
  await store.commit({ puts: [put("a", "old"), put("b", "old")] });
  const share = { checks: [{ ...at("a"), revision: 1 }], puts: [put("b", "new"), put("c", "new")] };
  const prepared = await store.participant.send(prepareOf(1, "b", share, 0));
  assert.equal(prepared.kind, "prepared");
}

async function unlock(hosted: HostedStore, revision: number): Promise<void> {
  await hosted.elapse(200);
  await hosted.store.participant.send(finishOf(1, revision, ["a", "b", "c"]));
}

describe("a row that a transaction is going to write", () => {
  lockTest("is read when that is decided, and never as it was before", {}, async (hosted) => {
    await lock(hosted);
    const { store } = hosted;
    const reads = [store.get(at("b")), store.get(at("c"))];
    const many = store.getMany([at("a"), at("b")]);
    await unlock(hosted, 9);
    const found = (await Promise.all(reads)).map(({ row }) => row && [text(row.value), row.revision]);
    assert.deepEqual(found, [
      ["new", 9],
      ["new", 9],
    ]);
    assert.deepEqual(
      (await many).map((row) => row && text(row.value)),
      ["old", "new"],
    );
  });

  lockTest("is what it was where the transaction is aborted", {}, async (hosted) => {
    await lock(hosted);
    const read = hosted.store.get(at("b"));
    await unlock(hosted, 0);
    assert.equal(text((await read).row!.value), "old");
  });

  lockTest("is read as it is by who asks for what is stale", {}, async (hosted) => {
    await lock(hosted);
    const { row } = await hosted.store.get(at("b"), { level: "stale" });
    assert.equal(text(row!.value), "old");
    assert.equal((await hosted.store.scan(TABLE, {}, { limit: 10, level: "stale" })).rows.length, 2);
    await unlock(hosted, 0);
  });

  lockTest("ends a page of a scan before it; a page that would begin with it waits", {}, async (hosted) => {
    await lock(hosted);
    const { store } = hosted;
    const names = (rows: readonly { readonly key: Uint8Array }[]) => rows.map(({ key }) => text(key));
    const page = await store.scan(TABLE, {}, { limit: 10 });
    assert.deepEqual([names(page.rows), page.more], [["a"], true]);
    const rest = store.scan(TABLE, { after: at("a") }, { limit: 10 });
    const backward = store.scan(TABLE, {}, { limit: 10, reverse: true });
    await unlock(hosted, 9);
    assert.deepEqual([names((await rest).rows), (await rest).more], [["b", "c"], false]);
    assert.deepEqual(names((await backward).rows), ["c", "b", "a"]);
  });

  lockTest("is written by others when the transaction has gone", {}, async (hosted) => {
    await lock(hosted);
    const { store } = hosted;
    const writes = Promise.all([store.commit({ puts: [put("b", "later")] }), store.commit({ deletes: [at("a")] })]);
    await unlock(hosted, 9);
    for (const result of await writes) assert.ok(result.committed && result.revision > 9);
    assert.equal(text((await store.get(at("b"))).row!.value), "later");
  });

  lockTest("keeps nobody waiting who meets it with the command that lets go of it", {}, async (hosted) => {
    await lock(hosted);
    const began = scheduler.nowMillis;
    // Proposed together, they are applied together: the lock has gone before its waiter hears of it.
    const write = hosted.store.commit({ puts: [put("b", "later")] });
    await hosted.store.participant.send(finishOf(1, 9, ["a", "b", "c"]));
    assert.ok((await write).committed);
    assert.ok(scheduler.nowMillis - began < 1000);
  });

  lockTest("is waited for until a deadline, by a limited number, and until its reader gives up", {}, async (hosted) => {
    await lock(hosted);
    const { store } = hosted;
    const controller = new AbortController();
    const given = store.get(at("b"), { signal: controller.signal });
    await hosted.elapse(10);
    controller.abort(new Error("enough"));
    await assert.rejects(given, /enough/);
    await assert.rejects(store.get(at("b")), (error) => hasCode(error, "DEADLINE_PASSED"));
    await assert.rejects(store.commit({ puts: [put("b")] }), (error) => hasCode(error, "DEADLINE_PASSED"));
    await unlock(hosted, 0);
  });

  lockTest("is waited for by a limited number", { waitersMax: 2 }, async (hosted) => {
    await lock(hosted);
    const waiting = [hosted.store.get(at("b")), hosted.store.get(at("c"))];
    await hosted.elapse(1);
    await assert.rejects(hosted.store.get(at("b")), (error) => hasCode(error, "OVERLOADED"));
    await unlock(hosted, 9);
    await Promise.all(waiting);
  });

  lockTest("is free again soon where the coordinator is dead", { resolveAfterMillis: 300 }, async (hosted) => {
    await lock(hosted);
    const began = scheduler.nowMillis;
    assert.equal(text((await hosted.store.get(at("b"))).row!.value), "old");
    assert.ok(scheduler.nowMillis - began < 600);
  });

  lockTest("does not keep a Store from closing", {}, async (hosted) => {
    await lock(hosted);
    const read = assert.rejects(hosted.store.get(at("b")), (error) => hasCode(error, "STOPPED"));
    await hosted.elapse(10);
    await hosted.close();
    await read;
  });
});

describe("what a dead coordinator left behind", () => {
  lockTest(
    "goes by itself, locks and decisions",
    { resolveAfterMillis: 300, abortsKeptMillis: 500 },
    async (hosted) => {
      await lock(hosted);
      await hosted.elapse(10_000);
      assert.equal(hosted.store.prepared, 0);
      assert.ok((await hosted.store.commit({ puts: [put("b")] })).committed);
    },
  );
});

describe("a lease that ends", () => {
  lockTest("takes a row with it that a transaction had locked, when that has gone", {}, async (hosted) => {
    const { store } = hosted;
    const lease = await store.grant(5000);
    await store.commit({ puts: [put("a")], lease: lease.id });
    await store.participant.send(prepareOf(1, "z", { checks: [{ ...at("a"), revision: 1 }] }));
    const revoked = store.revoke(lease.id);
    await unlock(hosted, 9);
    await revoked;
    assert.equal((await store.get(at("a"))).row, undefined);
  });

  lockTest("by its clock does so too", {}, async (hosted) => {
    const { store } = hosted;
    const lease = await store.grant(1000);
    await store.participant.send(prepareOf(1, "z", { puts: [put("c")], lease: lease.id }));
    await hosted.elapse(3000);
    await unlock(hosted, 9);
    await hosted.elapse(2000);
    assert.equal((await store.get(at("c"))).row, undefined);
  });
});

describe("watchers of a transaction's rows", () => {
  lockTest("are told of them together, at a position behind what they were told before", {}, async (hosted) => {
    const { store } = hosted;
    const watch = store.watch(TABLE, {})[Symbol.asyncIterator]();
    await lock(hosted);
    await store.commit({ puts: [put("d")] });
    await store.commit({ puts: [put("d")] });
    await unlock(hosted, 3);
    let last: IteratorResult<WatchEvent>;
    do last = await watch.next();
    while (text(last.value!.changes[0]!.key) !== "b");
    const told = ({ changes }: WatchEvent) => changes.map(({ key, revision }) => [text(key), revision]);
    assert.deepEqual(
      [told(last.value!), last.value!.position],
      [
        [
          ["b", 3],
          ["c", 3],
        ],
        "p1-1.5",
      ],
    );
    const since = store.watch(TABLE, {}, { since: "p1-1.4" })[Symbol.asyncIterator]();
    assert.deepEqual(told((await since.next()).value!), [
      ["b", 3],
      ["c", 3],
    ]);
    await since.return?.();
    await watch.return?.();
  });
});
