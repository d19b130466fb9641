import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { listCheckpoints } from "../checkpoint.ts";
import type { StoreErrorCode } from "../errors.ts";
import type { SimStore } from "../testing/hosted-store.ts";
import { at, put, TABLE } from "../testing/machine-driver.ts";
import { type ClusterOptions, StoreCluster } from "../testing/store-cluster.ts";

const SMALL: ClusterOptions = { seed: 1, segmentBytes: 65_536, store: { checkpointBytesMin: 3000, flushBytes: 1000 } };

function clusterTest(name: string, run: (cluster: StoreCluster) => Promise<void>): void {
  test(name, async () => {
    const cluster = new StoreCluster(SMALL);
    const whole = async (): Promise<void> => {
      await Promise.all(cluster.all.map((node) => node.open()));
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

async function write({ store }: SimStore, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) {
    await store.commit({ puts: [put(`row ${number % 30}`, `${number} ${"x".repeat(100)}`)] });
  }
}

/** Others write so much meanwhile that their logs do not reach back to where it was. */
async function leaveBehind(cluster: StoreCluster, node: SimStore, leader: SimStore): Promise<void> {
  const { index } = leader.log.group(1).compaction;
  cluster.network.isolate(cluster.all.indexOf(node) + 1);
  await write(leader, 0, 200);
  assert.ok(leader.log.group(1).compaction.index > index);
}

describe("a Store that others share", () => {
  clusterTest("is written and read on every member", async (cluster) => {
    await cluster.leader();
    for (const [at1, { store }] of cluster.all.entries()) await store.commit({ puts: [put(`from ${at1}`)] });
    for (const { store } of cluster.all) {
      assert.equal((await store.scan(TABLE, {}, { limit: 10 })).rows.length, cluster.all.length);
    }
  });

  clusterTest("gives a member that was away too long a snapshot, and its watchers the news", async (cluster) => {
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await write(leader, 0, 5);
    await follower.store.get(at("row 0"));
    const watch = follower.store.watch(TABLE, {})[Symbol.asyncIterator]();
    const told = assert.rejects(watch.next(), fails("HISTORY_LOST"));
    const { position } = await follower.store.get(at("row 0"), { level: "stale" });
    await leaveBehind(cluster, follower, leader);
    cluster.network.heal();
    await told;
    const again = follower.store.watch(TABLE, {}, { since: position })[Symbol.asyncIterator]();
    await assert.rejects(again.next(), fails("HISTORY_LOST"));
    const range = { limit: 100 };
    assert.deepEqual(
      (await follower.store.scan(TABLE, {}, range)).rows,
      (await leader.store.scan(TABLE, {}, range)).rows,
    );
    const { index } = follower.log.group(1).compaction;
    const kept = await listCheckpoints(follower.env.disk, "store");
    assert.ok(kept.length > 0 && kept.every(({ appliedIndex }) => appliedIndex >= index));
  });

  clusterTest("starts from a snapshot's checkpoint where the index went right after it", async (cluster) => {
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await leaveBehind(cluster, follower, leader);
    cluster.network.heal();
    await follower.store.get(at("row 0"));
    await follower.close();
    await follower.env.indexes.remove("index");
    await follower.open();
    assert.equal(follower.store.counters.indexRebuilds, 1);
    assert.ok((await follower.store.get(at("row 0"))).row);
  });

  clusterTest("does not hold a member's checkpoints against it that are older than its log", async (cluster) => {
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    await write(leader, 0, 60);
    await follower.store.get(at("row 0"));
    await follower.store.checkpoint();
    await leaveBehind(cluster, follower, leader);
    await follower.close();
    const opening = follower.open();
    cluster.network.heal();
    const store = await opening;
    assert.deepEqual((await store.get(at("row 0"))).row, (await leader.store.get(at("row 0"))).row);
  });

  clusterTest("says that there is no leader, and what it can not know", async (cluster) => {
    const leader = await cluster.leader();
    await leader.store.commit({ puts: [put("a")] });
    cluster.network.isolate(cluster.all.indexOf(leader) + 1);
    await assert.rejects(leader.store.commit({ puts: [put("b")] }), fails("OUTCOME_UNKNOWN"));
    await assert.rejects(leader.store.commit({ puts: [put("c")] }), fails("NO_LEADER"));
    await assert.rejects(leader.store.get(at("a")), fails("NO_LEADER"));
    assert.ok((await leader.store.get(at("a"), { level: "stale" })).row);
    cluster.network.heal();
    assert.equal((await leader.store.get(at("c"))).row, undefined);
  });
});

describe("a lease of a Store that others share", () => {
  clusterTest("is kept alive through any member, by who leads", async (cluster) => {
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const { id } = await follower.store.grant(2000);
    await follower.store.commit({ puts: [put("a")], lease: id });
    for (let kept = 0; kept < 6; kept++) {
      await cluster.elapse(1500);
      await (kept % 2 === 0 ? follower : leader).store.keepAlive(id);
    }
    assert.ok((await follower.store.get(at("a"))).row);
    await cluster.elapse(3000);
    assert.equal((await follower.store.get(at("a"))).row, undefined);
    for (const { store } of cluster.all) await assert.rejects(store.keepAlive(id), fails("LEASE_UNKNOWN"));
    await assert.rejects(follower.store.keepAliveHere(id), fails("NOT_LEADER"));
  });

  clusterTest("is kept alive while its members change who leads, and not without a leader", async (cluster) => {
    const old = await cluster.leader();
    const [one, other] = cluster.all.filter((node) => node !== old) as [SimStore, SimStore];
    const { id } = await one.store.grant(60_000);
    cluster.network.isolate(cluster.all.indexOf(old) + 1);
    await Promise.all([one, other].map(({ store }) => store.keepAlive(id)));
    cluster.network.isolate(cluster.all.indexOf(other) + 1);
    await assert.rejects(one.store.keepAlive(id), fails("NO_LEADER"));
    cluster.network.heal();
    await Promise.all(cluster.all.map(({ store }) => store.keepAlive(id)));
  });

  clusterTest("has its full time again under a new leader, whatever the old one finds to be over", async (cluster) => {
    const old = await cluster.leader();
    const { id } = await old.store.grant(6000);
    await old.store.commit({ puts: [put("a")], lease: id });
    await cluster.elapse(3000);
    cluster.network.isolate(cluster.all.indexOf(old) + 1);
    const others = cluster.all.filter((node) => node !== old);
    await cluster.until(() => others.some(({ isLeader }) => isLeader), "another one leads");
    const next = others.find(({ isLeader }) => isLeader)!;
    await cluster.elapse(2000);
    await next.store.keepAlive(id);
    cluster.network.heal();
    await cluster.elapse(4500);
    assert.ok((await old.store.get(at("a"))).row, "the old leader's clock ended nothing");
    await cluster.elapse(4000);
    assert.equal((await old.store.get(at("a"))).row, undefined);
  });

  clusterTest("is revoked on any member, with more rows than one step deletes", async (cluster) => {
    const follower = await cluster.follower();
    const { id } = await follower.store.grant(60_000);
    for (let from = 0; from < 600; from += 100) {
      const puts = Array.from({ length: 100 }, (_, number) => put(`row ${from + number}`));
      await follower.store.commit({ puts, lease: id });
    }
    await follower.store.revoke(id);
    assert.equal((await follower.store.scan(TABLE, {}, { limit: 1 })).rows.length, 0);
    await assert.rejects(follower.store.revoke(id), fails("LEASE_UNKNOWN"));
  });
});
