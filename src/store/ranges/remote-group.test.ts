import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { StoreErrorCode } from "../errors.ts";
import { encodeKeyBound } from "../key-codec.ts";
import type { SimStore } from "../testing/hosted-store.ts";
import { at, put, TABLE } from "../testing/machine-driver.ts";
import { StoreCluster } from "../testing/store-cluster.ts";

function clusterTest(name: string, run: (cluster: StoreCluster) => Promise<void>): void {
  test(name, async () => {
    const cluster = new StoreCluster({ seed: 1 });
    const whole = async (): Promise<void> => {
      await Promise.all(cluster.all.map((node) => node.open()));
      await cluster.leader();
      await run(cluster);
      await cluster[Symbol.asyncDispose]();
    };
    await cluster.scheduler.settle(whole(), 600_000);
  });
}

const fails =
  (code: StoreErrorCode) =>
  (error: unknown): boolean =>
    hasCode(error, code);

const numberOf = (cluster: StoreCluster, node: SimStore): number => cluster.all.indexOf(node) + 1;

const INTERVAL = { from: encodeKeyBound(utf8("b")), to: encodeKeyBound(utf8("d")) };
const NAME = { transfer: 1, attempt: 1 };

describe("a group that a node is no member of", () => {
  clusterTest("is written and read through any member, as they come and go", async (cluster) => {
    const outside = await cluster.outsider();
    for (const [number, node] of cluster.all.entries()) {
      cluster.network.isolate(numberOf(cluster, node));
      const others = cluster.all.filter((other) => other !== node);
      await cluster.until(() => others.some(({ isLeader }) => isLeader), "another one leads");
      const result = await outside.commit({ puts: [put("a", `${number}`)] });
      assert.ok(result.committed);
      assert.equal(text((await outside.get(at("a"))).row!.value), `${number}`);
      cluster.network.heal();
      await cluster.elapse(1000);
    }
    await outside[Symbol.asyncDispose]();
  });

  clusterTest("says what can not be known of a commit whose answer is lost, and proposes it once", async (cluster) => {
    const outside = await cluster.outsider({ askMillisMax: 500 });
    await outside.commit({ puts: [put("a", "first")] });
    for (const id of [1, 2, 3]) cluster.network.cut(id, 9);
    await assert.rejects(outside.commit({ puts: [put("a", "second")] }), fails("OUTCOME_UNKNOWN"));
    cluster.network.heal();
    const { row } = await outside.get(at("a"));
    assert.deepEqual([text(row!.value), row!.revision], ["second", 2]);
    cluster.network.isolate(9);
    await assert.rejects(outside.commit({ puts: [put("a", "third")] }), fails("NO_LEADER"));
    await assert.rejects(outside.get(at("a")), fails("NO_LEADER"));
    await outside[Symbol.asyncDispose]();
  });

  clusterTest("keeps a lease alive by who leads, wherever it asked first", async (cluster) => {
    const outside = await cluster.outsider();
    const { id } = await outside.grant(2000);
    await outside.commit({ puts: [put("a")], lease: id });
    for (let kept = 0; kept < 4; kept++) {
      await cluster.elapse(1500);
      if (kept === 2) cluster.network.isolate(numberOf(cluster, await cluster.leader()));
      await outside.keepAlive(id);
    }
    assert.ok((await outside.get(at("a"))).row);
    await assert.rejects(outside.keepAlive(id + 1), fails("LEASE_UNKNOWN"));
    await outside[Symbol.asyncDispose]();
  });

  clusterTest("goes on with a watch at another member, in order and complete", async (cluster) => {
    const outside = await cluster.outsider({ askMillisMax: 500, pollMillis: 100 });
    const watch = outside.watch(TABLE, {});
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { changes } of watch) {
        for (const { value } of changes) seen.push(text(value!));
        if (seen.length === 30) return;
      }
    })();
    for (let number = 0; number < 30; number++) {
      const hidden = cluster.all[Math.floor(number / 5) % 3]!;
      if (number % 5 === 0) cluster.network.isolate(numberOf(cluster, hidden));
      const open = cluster.all.find((node) => node !== hidden)!;
      await open.store.commit({ puts: [put("a", `${number}`)] });
      if (number % 5 !== 4) continue;
      cluster.network.heal();
      await cluster.elapse(2000);
    }
    await reading;
    assert.deepEqual(
      seen,
      Array.from({ length: 30 }, (_, number) => `${number}`),
    );
    await outside[Symbol.asyncDispose]();
  });

  clusterTest("ends a watch at once, and refuses more calls than it may have open", async (cluster) => {
    const outside = await cluster.outsider({ callsMax: 1 });
    const watch = outside.watch(TABLE, {});
    await watch.begun;
    const read = watch.next();
    await cluster.elapse(10);
    await assert.rejects(outside.get(at("a")), fails("OVERLOADED"));
    await watch.return();
    assert.deepEqual(await read, { done: true, value: undefined });
    assert.equal((await outside.get(at("a"))).row, undefined);
    await outside[Symbol.asyncDispose]();
  });
});

describe("a group that gives keys away", () => {
  clusterTest("refuses to read and write them on every member, wherever they are asked for", async (cluster) => {
    const outside = await cluster.outsider();
    await outside.commit({ puts: ["a", "b", "c", "d"].map((name) => put(name)) });
    await outside.propose({ kind: "range", step: { kind: "export-begin", ...NAME, ...INTERVAL, target: 2 } });
    const page = await outside.exportPage(INTERVAL, undefined, { rowsMax: 10, bytesMax: 1e6 });
    assert.equal(page.rows.length, 0, "results come first");
    const { rows } = await outside.exportPage(INTERVAL, page.next, { rowsMax: 10, bytesMax: 1e6 });
    assert.deepEqual(
      rows.map(({ value }) => text(value!)),
      ["b", "c"],
    );
    await outside.commit({ puts: [put("c", "later")] });
    const written = await outside.writtenPage(1, { rowsMax: 10, bytesMax: 1e6 });
    assert.deepEqual([text(written.rows[0]!.value!), written.more], ["later", false]);

    await outside.propose({ kind: "range", step: { kind: "export-freeze", ...NAME } });
    for (const store of [outside, ...cluster.all.map((node) => node.store)]) {
      await assert.rejects(store.get(at("b")), fails("RANGE_MOVING"));
      await assert.rejects(store.getMany([at("a"), at("c")]), fails("RANGE_MOVING"));
      await assert.rejects(store.scan(TABLE, {}, { limit: 1 }), fails("RANGE_MOVING"));
      await assert.rejects(store.commit({ puts: [put("b")] }), fails("RANGE_MOVING"));
      assert.ok((await store.get(at("d"))).row);
      assert.ok((await store.scan(TABLE, { to: { key: utf8("b") } }, { limit: 2 })).rows.length === 1);
    }
  });

  clusterTest("ends watches of them, behind all that came before", async (cluster) => {
    const outside = await cluster.outsider({ pollMillis: 100 });
    const stores = [outside, ...cluster.all.map((node) => node.store)];
    const inside = { from: { key: utf8("b") }, to: { key: utf8("c") } };
    const watches = stores.map((store) => store.watch(TABLE, inside)[Symbol.asyncIterator]());
    const others = stores.map((store) => store.watch(TABLE, { from: { key: utf8("d") } })[Symbol.asyncIterator]());
    const { position } = await outside.get(at("a"));
    await outside.commit({ puts: [put("b", "last")] });
    await outside.propose({ kind: "range", step: { kind: "export-begin", ...NAME, ...INTERVAL, target: 2 } });
    await outside.propose({ kind: "range", step: { kind: "export-freeze", ...NAME } });
    await outside.propose({ kind: "range", step: { kind: "export-end", ...NAME, isMoved: true } });
    for (const watch of watches) {
      assert.equal(text((await watch.next()).value!.changes[0]!.value!), "last");
      await assert.rejects(watch.next(), fails("RANGE_MISMATCH"));
    }
    await outside.commit({ puts: [put("d", "goes on")] });
    for (const watch of others) assert.equal(text((await watch.next()).value!.changes[0]!.value!), "goes on");
    const { position: behind } = await outside.get(at("d"));
    for (const store of stores) {
      await store.get(at("d"));
      const late = store.watch(TABLE, inside, { since: position })[Symbol.asyncIterator]();
      assert.equal(text((await late.next()).value!.changes[0]!.value!), "last");
      await assert.rejects(late.next(), fails("RANGE_MISMATCH"));
      const later = store.watch(TABLE, inside, { since: behind })[Symbol.asyncIterator]();
      await assert.rejects(later.next(), fails("RANGE_MISMATCH"));
    }
    for (const watch of others) await watch.return?.();
  });

  clusterTest("tells whoever watched them elsewhere all that came since, or that it can not", async (cluster) => {
    const outside = await cluster.outsider();
    const back = { transfer: 2, attempt: 1 };
    const steps = [
      { kind: "export-begin", ...NAME, ...INTERVAL, target: 2 },
      { kind: "export-freeze", ...NAME },
      { kind: "export-end", ...NAME, isMoved: true },
      { kind: "import-begin", ...back, ...INTERVAL, source: 2 },
      { kind: "import-finish", ...back, pieces: 0, revision: 50 },
    ] as const;
    const { position } = await outside.get(at("a"));
    for (const step of steps) await outside.propose({ kind: "range", step });
    await outside.commit({ puts: [put("b", "here")] });
    const range = { from: { key: utf8("b") }, to: { key: utf8("c") } };
    for (const store of [outside, cluster.all[0]!.store]) {
      await store.get(at("b"));
      const first = async (part: object) => store.watchParts(TABLE, [{ range, ...part }]).next();
      const { value } = await first({ befores: [{ group: 2, revision: 50 }] });
      assert.equal(text(value!.changes[0]!.value!), "here");
      assert.equal(value!.changes[0]!.revision, 52);
      await assert.rejects(first({ befores: [{ group: 2, revision: 49 }] }), fails("HISTORY_LOST"));
      await assert.rejects(first({ befores: [{ group: 3, revision: 60 }] }), fails("HISTORY_LOST"));
      await assert.rejects(first({ since: cluster.all[0]!.store.revisionOf(position) }), fails("HISTORY_LOST"));
    }
  });
});
